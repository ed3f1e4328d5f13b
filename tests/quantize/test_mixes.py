"""Which tensor gets which type: as the tools of the published files decide."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from engine.checkpoints import index
from engine.checkpoints.keymaps.flux import bfl_names
from engine.quantize.mixes import MIXES, type_of
from schemas.weight_types import GGUF_MIXES, GGUF_TYPES
from tests.models.fixture import tiny_models

TINY = "diffusion_models/flux1-dev.safetensors"


def types_of(mix: str, stored: str = "bf16") -> Counter[str]:
    """How many tensors of the real Flux.1 dev get each type."""
    shapes = {name: (3072, 3072) if name.endswith("weight") else (3072,) for name in bfl_names(19, 38, guided=True)}
    return Counter(type_of(MIXES[mix], name, shape, stored) for name, shape in shapes.items())


def test_every_type_has_its_mix() -> None:
    assert set(MIXES) == {*GGUF_TYPES, *GGUF_MIXES}


def test_uniform_types_of_flux_dev_have_the_published_counts() -> None:
    assert types_of("Q4_K_S") == {"Q4_K": 304, "F32": 466, "BF16": 10}
    assert types_of("Q8_0", "fp8_e4m3fn") == {"Q8_0": 304, "F32": 466, "F16": 10}
    assert types_of("F16") == {"F16": 314, "F32": 466}


@pytest.mark.parametrize(
    ("mix", "more"), [("Q3_K_M", "Q4_K"), ("Q3_K_L", "Q4_K"), ("Q4_K_M", "Q5_K"), ("Q5_K_M", "Q6_K")]
)
def test_fused_attention_gets_more_bits(mix: str, more: str) -> None:
    assert types_of(mix)[more] == 38
    assert type_of(MIXES[mix], "double_blocks.3.txt_attn.qkv.weight", (9216, 3072), "bf16") == more
    assert type_of(MIXES[mix], "double_blocks.3.img_mlp.2.weight", (3072, 12288), "bf16") == MIXES[mix].base


def test_small_tensors_stay_whole() -> None:
    assert type_of(MIXES["Q4_0"], "double_blocks.0.img_attn.proj.weight", (32, 32), "bf16") == "F32"


@pytest.mark.parametrize("mix", ["Q8_0", "Q4_0", "Q4_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_M", "Q5_K_M", "Q6_K"])
def test_libggufs_own_converter_decides_the_same(mix: str, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("libgguf_quantize_gguf")
    if not program.is_file():
        pytest.skip("libgguf's converter is not installed")
    source, made = tiny_models(TINY) / TINY, tmp_path / "made.gguf"
    command = [program, "--src", source, "--dst", made, "--qtype", mix, "--policy", "comfy", "--threads", "1"]
    subprocess.run(command, check=True, capture_output=True)
    stored = index.read(source)
    for name, tensor in index.read(made).tensors.items():
        ours = type_of(MIXES[mix], name, stored.tensors[name].shape, stored.tensors[name].dtype)
        assert tensor.dtype == {"F32": "fp32", "F16": "fp16", "BF16": "bf16"}.get(ours, f"gguf:{ours}")
