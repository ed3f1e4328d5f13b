"""What others read in our GGUF files is what we meant."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.checkpoints import index
from engine.quantize.gguf_encoding import GgufEncoding
from engine.quantize.quantizing import Options, quantize
from schemas.weight_types import parse
from tests.models.fixture import tiny_models

libgguf = pytest.importorskip("libgguf")

SOURCE = "diffusion_models/flux1-dev.safetensors"


@pytest.fixture(scope="module", params=["Q8_0", "Q4_K_M"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model in GGUF."""
    path = tmp_path_factory.mktemp("made") / f"{request.param}.gguf"
    quantize(tiny_models(SOURCE) / SOURCE, parse(request.param), path, Options(processes=1))
    return path


@pytest.mark.slow
def test_diffusers_loads_the_same_values(made: Path) -> None:
    from diffusers.models import model_loading_utils as loading
    from diffusers.quantizers.gguf import utils as blocks

    held, data = index.read(made), made.read_bytes()
    loaded = loading.load_gguf_checkpoint(made)
    assert set(loaded) == set(held.tensors)
    for name, info in held.tensors.items():
        value = loaded[name]
        if isinstance(value, blocks.GGUFParameter):
            unpack = blocks.dequantize_functions[value.quant_type]
            block = blocks.GGML_QUANT_SIZES[value.quant_type]
            rows = value.as_tensor().view(torch.uint8).reshape(-1, block[1])
            value = unpack(rows, *block, dtype=torch.float32)
        kind = {"fp32": "F32", "fp16": "F16", "bf16": "BF16"}.get(info.dtype, info.dtype.removeprefix("gguf:"))
        rows = info.shape[0] if len(info.shape) > 1 else 1
        ours = GgufEncoding(kind).decode([memoryview(data)[info.start : info.end]], info.shape, 0, rows)
        assert np.array_equal(ours.reshape(-1), value.reshape(-1).float().numpy()), name


def test_libgguf_finds_nothing_wrong(made: Path) -> None:
    result = libgguf.validate_gguf(made)
    assert not [issue for issue in result.issues if issue.severity == "error"]


def test_comfyui_gguf_finds_what_it_asks_for(made: Path) -> None:
    """Its loader takes the architecture's text as it is, and knows Flux by names without prefix."""
    held = index.read(made)
    assert held.metadata["general.architecture"] == "flux"
    assert "double_blocks.0.img_attn.proj.weight" in held.tensors
    assert all(len(info.shape) > 1 or info.dtype == "fp32" for info in held.tensors.values())
