"""ComfyUI's tokens and embeddings for hard prompts, on the text encoders of the tiny fp8 checkpoint.

tests/goldens/tables/text.json: per prompt and encoder the sections as ids (padding cut off), weights as runs of
[weight, count], and length. text.npz: "<index>/pooled", and "<index>/cond_projected", the tokens times a fixed matrix.
"""

import json
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.inference import loading
from engine.inference.encoders import encode
from engine.inference.encoders.sections import CLIP_L, T5_FLUX, Layout, tokenise
from tests.inference.stand_in import StandInContext, file_ref
from tests.models.fixture import tiny_models

TABLES = Path(__file__).parents[2] / "goldens" / "tables"
PROMPTS: list[dict[str, Any]] = json.loads((TABLES / "text.json").read_text())


@pytest.mark.parametrize(("encoder", "layout"), [("clip_l", CLIP_L), ("t5xxl", T5_FLUX)])
def test_tokens_and_weights_are_comfyuis(encoder: str, layout: Layout) -> None:
    for prompt in PROMPTS:
        found = tokenise(prompt["text"], layout, lambda said: None)
        assert len(found) == len(prompt[encoder]), prompt["text"]
        for section, wanted in zip(found, prompt[encoder], strict=True):
            padding = [layout.pad] * (wanted["length"] - len(wanted["ids"]))
            assert [token for token, _ in section] == wanted["ids"] + padding, prompt["text"]
            weights = list(chain.from_iterable([weight] * count for weight, count in wanted["weights"]))
            weights += [1.0] * (len(section) - len(weights))
            assert [weight for _, weight in section] == pytest.approx(weights, abs=1e-6), prompt["text"]


def projection(width: int) -> NDArray[np.float64]:
    raw = np.random.PCG64(2024 + width).random_raw(8 * width)
    matrix: NDArray[np.float64] = ((raw >> np.uint64(40)) / 2**23 - 1).reshape(width, 8)
    return matrix


@pytest.mark.slow
def test_embeddings_are_comfyuis() -> None:
    file = file_ref(tiny_models("checkpoints/flux1-dev-fp8.safetensors") / "checkpoints/flux1-dev-fp8.safetensors")
    context = StandInContext()
    clip = loading.checkpoint(context, file)[1]
    tables = np.load(TABLES / "text.npz")
    for prompt in PROMPTS:
        ((tokens, noted),) = encode.encode_text(context, clip, prompt["text"])
        projected = tokens[0].numpy().astype(np.float64) @ projection(tokens.shape[-1])
        name = prompt["index"]
        np.testing.assert_allclose(projected, tables[f"{name}/cond_projected"], atol=1e-4, err_msg=prompt["text"])
        np.testing.assert_allclose(noted["pooled_output"][0], tables[f"{name}/pooled"], atol=1e-4)
    assert context.warned == []
