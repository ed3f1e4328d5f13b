"""HiDream's four encoders give what ComfyUI gives, together and in part, on tiny files.

tests/goldens/tables/hidream.json: prompts, and per case the files, the type, CLIPSetLastLayer's layer and the numbers
of its prompts. hidream.npz: "case/prompt/what"; "tokens" (T, 2) and "conditioning_llama3" (layers, T, 2) are times two
columns of a fixed matrix.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import ModelFileInvalid
from engine.inference import loading
from engine.inference.encoders import encode, families
from engine.inference.encoders.contract import Vectors
from engine.inference.encoders.encode import answer_of
from engine.inference.encoders.families import Reading
from engine.inference.encoders.sections import LLAMA_HIDREAM, T5_HIDREAM, tokenise
from tests.inference.encoders.test_text_tables import TABLES, projection
from tests.inference.stand_in import StandInContext, file_ref, file_refs
from tests.models.fixture import tiny_models

TABLE: dict[str, Any] = json.loads((TABLES / "hidream.json").read_text())
LLAMA_FP16 = "llama_3.1_8b_instruct_fp16.safetensors"
FILES = sorted({name for case in TABLE["cases"].values() for name in case["files"]})
ROUNDED = 6e-3
"""ComfyUI's pack computes GGUF blocks in float16; measured: 1.3e-3 for Q8_0, 4.8e-3 for Q4_K."""


@pytest.fixture(scope="module")
def folder() -> Path:
    """All tiny encoders that the table was made with."""
    return tiny_models(*(f"text_encoders/{name}" for name in (*FILES, LLAMA_FP16))) / "text_encoders"


@pytest.mark.slow
@pytest.mark.parametrize("case", TABLE["cases"])
def test_conditioning_is_comfyuis(case: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "CLIP_L_WIDTH", 128)  # as ComfyUI was told for the tiny files
    monkeypatch.setattr(families, "CLIP_G_WIDTH", 64)
    context, given, table = StandInContext(), TABLE["cases"][case], np.load(TABLES / "hidream.npz")
    clip = replace(
        loading.text_encoders(context, file_refs(folder, given["files"]), given["type"]), layer=given["layer"]
    )
    exact = not any(name.endswith(".gguf") and "F16" not in name for name in given["files"])
    for number in given["prompts"]:
        ((tokens, noted),) = encode.encode_text(context, clip, TABLE["prompts"][number])
        assert set(noted) == {"pooled_output", "conditioning_llama3"}
        for name, value in {"tokens": tokens, **noted}.items():
            wanted, found = table[f"{case}/{number}/{name}"], value[0].numpy().astype(np.float64)
            found = found if name == "pooled_output" else found @ projection(found.shape[-1])[:, :2]
            limit = max(1.0, float(np.abs(wanted).max())) * (1e-5 if exact else ROUNDED)
            np.testing.assert_allclose(found, wanted, atol=limit, rtol=0, err_msg=f"{name} of prompt {number}")
    assert context.warned == []


def test_a_safetensors_llama_has_no_vocabulary_and_is_refused(folder: Path) -> None:
    files = file_refs(folder, ("clip_l.safetensors", "clip_g.safetensors", "t5xxl_fp16.safetensors", LLAMA_FP16))
    with pytest.raises(ModelFileInvalid, match="no tokenizer for it. Use a GGUF file of Llama 3.1 8B Instruct"):
        loading.text_encoders(StandInContext(), files, "hidream")


def test_clip_ls_projection_is_read_for_hidream_alone(folder: Path) -> None:
    file, context = file_ref(folder / "clip_l.safetensors"), StandInContext()
    pooled = [
        encode.encode_text(context, loading.text_encoders(context, [file], family), "a cat")[0][1]["pooled_output"]
        for family in ("hidream", "sd3", "hidream")
    ]
    assert (pooled[0].tolist() == pooled[2].tolist(), torch.allclose(pooled[0], pooled[1])) == (True, False)


def test_published_shapes_stand_for_encoders_that_are_missing() -> None:
    tokens, pooled = families.hidream({})
    assert pooled is not None
    assert (tokens.shape, pooled.shape) == ((1, 128, 4096), (1, 2048))
    assert families.llama_layers({})["conditioning_llama3"].shape == (1, 32, 1, 4096)


def test_a_section_in_front_of_another_is_as_short_as_its_pieces_leave_it() -> None:
    first, *others = tokenise(TABLE["prompts"][6], T5_HIDREAM, lambda said: None)
    assert (len(first) < 128, first[-1], len(others[-1])) == (True, (1, 1.0), 128)


def test_weights_go_by_layers_where_all_layers_are_given() -> None:
    layout = replace(LLAMA_HIDREAM, encode=lambda text: [1] * len(text), start=8, pad=9, minimum=4)
    assert layout.words_end([8, 1, 9, 9]) == 1
    assert layout.words_end([8, 1, 1, 1]) == 3
    sections = [[(8, 1.0), (1, 3.0), (1, 1.0), (9, 1.0)]]

    def encoder(ids: torch.Tensor, ends: torch.Tensor) -> Vectors:
        assert (ids.tolist(), ends.tolist()) == ([[8, 1, 1, 9], [8, 9, 9, 9]], [2, 0])
        return Vectors(ids[:, None, :, None].float().expand(-1, 2, -1, 1), None)

    tokens = answer_of(encoder, sections, Reading(layout)).tokens
    assert tokens[..., 0].tolist() == [[[8, 1, 1, 9], [8, 9 - 3 * 8, 9 - 3 * 8, 9]]]
