"""A model file is described from its header, for people and for JSON."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.checkpoints.describe import describe
from engine.checkpoints.detect import parts, unclaimed
from engine.checkpoints.index import read
from tests.checkpoints.tables import safetensors_bytes
from tests.models.fixture import tiny_models


def test_an_all_in_one_file_is_described_part_by_part() -> None:
    path = tiny_models("checkpoints/flux1-dev-fp8.safetensors") / "checkpoints/flux1-dev-fp8.safetensors"
    found = describe(path)
    assert (found.family, found.variant, found.format) == ("flux", "dev", "safetensors")
    assert {part.kind: part.storage for part in found.parts} == {
        "clip_l": "fp16",
        "flux": "fp8_e4m3fn",
        "t5xxl": "fp8_e4m3fn",
        "kl_vae": "fp32",
    }
    assert found.unclaimed_count == 2
    assert json.loads(found.model_dump_json())["parts"][1]["sizes"]["hidden"] == 256
    text = found.text()
    assert "flux dev, safetensors" in text
    assert "hidden 256, head_dim 128" in text


def test_an_unknown_file_is_described_as_such(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors_bytes({"a": ("fp32", (2,))}, {"note": "x" * 5000}))
    found = describe(path)
    assert (found.family, found.parts, found.unclaimed) == (None, [], ["a"])
    assert len(found.metadata["note"]) < 500
    assert "not recognised" in found.text()


TINY = {
    "diffusion_models/flux1-dev.safetensors": ("flux", "bf16"),
    "diffusion_models/flux1-dev-kontext_fp8_scaled.safetensors": ("flux", "fp8_e4m3fn scaled"),
    "text_encoders/t5xxl_fp8_e4m3fn.safetensors": ("t5xxl", "fp8_e4m3fn"),
    "text_encoders/t5xxl_fp8_e4m3fn_scaled.safetensors": ("t5xxl", "fp8_e4m3fn scaled"),
    "text_encoders/clip_l.safetensors": ("clip_l", "fp16"),
    "vae/ae.safetensors": ("kl_vae", "fp32"),
}


@pytest.mark.parametrize("name", TINY)
def test_tiny_files_are_recognised_whole(name: str) -> None:
    index = read(tiny_models(*TINY) / name)
    assert [(part.kind, part.storage) for part in parts(index)] == [TINY[name]]
    assert unclaimed(index) == ()


def test_gguf_and_nf4_files_tell_the_sizes_behind_the_packing() -> None:
    for package in ("gguf", "bitsandbytes"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    names = ("diffusion_models/flux1-dev-Q4_0.gguf", "checkpoints/flux1-dev-bnb-nf4.safetensors", "vae/ae.safetensors")
    folder = tiny_models(*names)
    packed = {name: next(part for part in parts(read(folder / name)) if part.kind == "flux") for name in names[:2]}
    assert [part.storage for part in packed.values()] == ["gguf:Q4_0", "nf4"]
    assert len({part.sizes for part in packed.values()}) == 1
    assert {part.parameters for part in packed.values()} == {9_667_136}
