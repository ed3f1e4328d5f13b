"""Every family of text encoders gives what ComfyUI gives, on tiny files.

tests/goldens/tables/text_families.json: prompts, and per case the files, the type, and CLIPSetLastLayer's layer.
text_families.npz: `values`, cut by `lengths`, of `keys` "case/prompt/what": "tokens" (T, 2), times two columns of
a fixed matrix; "pooled_output"; "attention_mask" as how many ones it begins with, and its length.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from engine.errors import GraphInvalid
from engine.inference import loading
from engine.inference.encoders import encode, families, parts
from engine.inference.encoders.families import SINGLE, TextFamily
from schemas.choices import ClipType, DualClipType
from schemas.sockets import ClipRef
from schemas.widgets import Widget
from tests.inference.encoders.test_text_tables import TABLES, projection
from tests.inference.stand_in import StandInContext, file_ref, file_refs
from tests.models.fixture import tiny_models

TABLE: dict[str, Any] = json.loads((TABLES / "text_families.json").read_text())
FILES = ("clip_l.safetensors", "clip_g.safetensors", "t5xxl_fp16.safetensors", "t5xxl_fp8_e4m3fn.safetensors")
SHALLOW = 24


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All tiny text encoders; CLIP-H is CLIP-G with fewer layers."""
    made = tiny_models(*(f"text_encoders/{name}" for name in FILES)) / "text_encoders"
    folder = tmp_path_factory.mktemp("text_encoders")
    for name in FILES:
        (folder / name).symlink_to(made / name)
    tensors = load_file(made / "clip_g.safetensors")
    deep = tuple(f".layers.{number}." for number in range(SHALLOW, 32))
    kept = {name: tensor for name, tensor in tensors.items() if not any(mark in name for mark in deep)}
    save_file(kept, folder / "clip_h.safetensors")
    return folder


def wanted(case: str) -> Iterator[tuple[int, dict[str, NDArray[np.float32]]]]:
    """What ComfyUI gave for each prompt."""
    table = np.load(TABLES / "text_families.npz")
    arrays = dict(zip(table["keys"], np.split(table["values"], np.cumsum(table["lengths"])[:-1]), strict=True))
    for number in range(len(TABLE["prompts"])):
        start = f"{case}/{number}/"
        yield number, {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}


def in_the_tables_words(name: str, value: Any) -> NDArray[np.float64]:
    """A part of our conditioning as the table has it."""
    (array,) = value.numpy().astype(np.float64)
    if name == "tokens":
        return (array @ projection(array.shape[-1])[:, :2]).ravel()
    if name == "attention_mask":
        count = int(array.sum())
        assert array[:count].all()
        return np.array([count, len(array)])
    return array


@pytest.mark.slow
@pytest.mark.parametrize("case", TABLE["cases"])
def test_conditioning_is_comfyuis(case: str, encoders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "CLIP_L_WIDTH", 128)  # as ComfyUI was told for the tiny files
    monkeypatch.setattr(families, "CLIP_G_WIDTH", 64)
    context, given = StandInContext(), TABLE["cases"][case]
    clip = loading.text_encoders(context, file_refs(encoders, given["files"]), given["type"])
    clip = replace(clip, layer=given["layer"])
    for number, expected in wanted(case):
        ((tokens, noted),) = encode.encode_text(context, clip, TABLE["prompts"][number])
        ours = {name: value for name, value in {"tokens": tokens, **noted}.items() if value is not None}
        assert set(ours) == set(expected)
        for name, value in ours.items():
            found = in_the_tables_words(name, value)
            np.testing.assert_allclose(found, expected[name], atol=1e-4, err_msg=f"{name} of prompt {number}")
    assert context.warned == []


def test_types_that_validate_lets_through_are_those_that_can_be_run() -> None:
    for offered, run in ((ClipType, families.SINGLE), (DualClipType, families.JOINED)):
        names, widget = get_args(offered)
        assert isinstance(widget, Widget)
        assert set(get_args(names)) - set(widget.unavailable) == set(run)


def test_a_type_means_what_the_file_holds(encoders: Path) -> None:
    def chosen(name: str, type_: str) -> TextFamily:
        return parts.family_of(ClipRef((file_ref(encoders / name),), type_))

    assert chosen("clip_l.safetensors", "chroma") is families.SD1
    assert chosen("clip_h.safetensors", "sd3") is families.SD2
    assert chosen("clip_g.safetensors", "pixart") is families.SDXL_REFINER
    assert chosen("t5xxl_fp16.safetensors", "stable_diffusion") is families.MOCHI
    assert all(set(by_kind) == {"clip_l", "clip_g", "clip_h", "t5xxl", "llama"} for by_kind in SINGLE.values())


def test_published_widths_stand_for_encoders_that_are_missing() -> None:
    import torch

    from engine.inference.encoders.contract import Vectors

    def of(width: int, tokens: int = 77) -> Vectors:
        return Vectors(torch.ones(1, tokens, width), torch.ones(1, width))

    for held in ({"clip_l": of(768)}, {"clip_g": of(1280)}, {"clip_l": of(768), "clip_g": of(1280)}):
        tokens, pooled = families.sd3(held)
        assert pooled is not None
        assert (tokens.shape, pooled.shape) == ((1, 77, 4096), (1, 2048))
    right = families.sd3({"clip_g": of(1280)})
    assert (right.tokens[..., :768].any(), right.tokens[..., 768:2048].all()) == (False, True)
    tokens, pooled = families.sd3({"t5xxl": Vectors(torch.ones(1, 90, 4096), None)})
    assert pooled is not None
    assert (tokens.shape, pooled.tolist()) == ((1, 90, 4096), [[0.0] * 2048])


def test_two_prompts_need_a_family_with_t5(encoders: Path) -> None:
    context = StandInContext()
    sdxl = loading.text_encoders(context, file_refs(encoders, FILES[:2]), "sdxl")
    with pytest.raises(GraphInvalid, match="joined for sdxl, which reads no T5"):
        encode.encode_flux(context, sdxl, "a cat", "a cat", 3.5)
    lone = loading.text_encoders(context, file_refs(encoders, FILES[2:3]), "chroma")
    ((tokens, noted),) = encode.encode_flux(context, lone, "unread", "a cat", 3.5)
    ((alone, _),) = encode.encode_text(context, lone, "a cat")
    assert (noted["guidance"], noted["pooled_output"], tokens.tolist()) == (3.5, None, alone.tolist())
