"""diffusers' own transformer, loaded from a GGUF file of ours, answers as our network does.

At real width, since diffusers' reader of single files has Flux's 3072 written down; two blocks are enough.
"""

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from engine.checkpoints import index, runnable
from engine.checkpoints.families.flux import FluxSizes
from engine.checkpoints.weights import of_part
from engine.inference.models.flux import PATCH, Flux
from engine.inference.weights import stored
from engine.inference.weights.assembly import Terms, assemble, slots
from engine.inference.weights.mapped import MappedFile
from engine.quantize.quantizing import Options, quantize
from schemas.weight_types import parse

SIZES = FluxSizes(3072, 128, 24, 1, 1, 64, 64, 4096, 768, 12288, guided=False)
CONFIG = {
    "_class_name": "FluxTransformer2DModel",
    "attention_head_dim": 128,
    "axes_dims_rope": [16, 56, 56],
    "guidance_embeds": False,
    "in_channels": 64,
    "joint_attention_dim": 4096,
    "num_attention_heads": 24,
    "num_layers": 1,
    "num_single_layers": 1,
    "patch_size": 1,
    "pooled_projection_dim": 768,
}
SIDE, WORDS = 8, 16


def write_flux(path: Path) -> None:
    """Small random weights in fp8."""
    sample = torch.randn(1 << 22, generator=torch.Generator().manual_seed(0)).mul_(0.02).to(torch.float8_e4m3fn)
    tensors = {}
    for name, slot in slots(Flux(SIZES)):
        count = math.prod(slot.shape)
        tensors[name] = sample.view(torch.uint8).repeat(-(-count // len(sample)))[:count].view(sample.dtype)
        tensors[name] = tensors[name].view(slot.shape)
    save_file(tensors, path)


def ours(path: Path, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """(1, tokens, 64): the velocity, by our network."""
    contents = index.read(path)
    weights = stored.read(MappedFile(path), of_part(contents, runnable.require(contents, "flux")))
    network = Flux(SIZES)
    assemble(network, weights, str(path), Terms(torch.float32))
    latent, tokens, pooled = inputs
    answer = network(latent, torch.tensor([0.7]), tokens, pooled, None)
    return functional.pixel_unshuffle(answer, PATCH).flatten(2).transpose(1, 2)


def theirs(path: Path, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The same by diffusers."""
    from diffusers import FluxTransformer2DModel, GGUFQuantizationConfig

    config = path.parent / "config"
    config.mkdir()
    (config / "config.json").write_text(json.dumps(CONFIG))
    network = FluxTransformer2DModel.from_single_file(
        str(path),
        config=str(config),
        quantization_config=GGUFQuantizationConfig(compute_dtype=torch.float32),
        torch_dtype=torch.float32,
    )
    latent, tokens, pooled = inputs
    grid = torch.zeros(SIDE // PATCH, SIDE // PATCH, 3)
    grid[..., 1] = torch.arange(SIDE // PATCH)[:, None]
    grid[..., 2] = torch.arange(SIDE // PATCH)
    (answer,) = network(
        functional.pixel_unshuffle(latent, PATCH).flatten(2).transpose(1, 2),
        encoder_hidden_states=tokens,
        pooled_projections=pooled,
        timestep=torch.tensor([0.7]),
        img_ids=grid.view(-1, 3),
        txt_ids=torch.zeros(WORDS, 3),
        return_dict=False,
    )
    return answer


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # diffusers' and accelerate's own
def test_diffusers_runs_a_gguf_file_of_ours(tmp_path: Path) -> None:
    source, made = tmp_path / "flux.safetensors", tmp_path / "flux-Q4_0.gguf"
    write_flux(source)
    quantize(source, parse("Q4_0"), made, Options(processes=1))
    source.unlink()
    generator = torch.Generator().manual_seed(1)
    shapes = ((1, 16, SIDE, SIDE), (1, WORDS, SIZES.text_width), (1, SIZES.pooled_width))
    inputs = tuple(torch.randn(shape, generator=generator) * 0.1 for shape in shapes)
    with torch.no_grad():
        answer = ours(made, inputs)
        assert answer.abs().max() > 0.1
        torch.testing.assert_close(theirs(made, inputs), answer, rtol=1e-4, atol=1e-4)
    made.unlink()
