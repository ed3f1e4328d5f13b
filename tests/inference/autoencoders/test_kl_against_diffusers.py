"""The same random weights in our autoencoder and in diffusers' give the same latents and pictures."""

import re

import pytest
import torch
from torch import Tensor

from engine.checkpoints.families.kl_vae import VaeSizes
from engine.inference.autoencoders.kl import KlAutoencoder
from tests.inference.random_weights import with_random_weights

SIZES = VaeSizes(channels=32, multipliers=(1, 2, 3), blocks=1, latent_channels=4, quant_conv=True)

RULES = (
    (r"encoder\.down\.(\d+)\.block\.(\d+)", r"encoder.down_blocks.\1.resnets.\2"),
    (r"encoder\.down\.(\d+)\.downsample", r"encoder.down_blocks.\1.downsamplers.0"),
    (r"mid\.block_1", "mid_block.resnets.0"),
    (r"mid\.block_2", "mid_block.resnets.1"),
    (r"mid\.attn_1\.norm", "mid_block.attentions.0.group_norm"),
    (r"mid\.attn_1\.proj_out", "mid_block.attentions.0.to_out.0"),
    (r"mid\.attn_1\.([qkv])\.", r"mid_block.attentions.0.to_\1."),
    (r"norm_out", "conv_norm_out"),
    (r"nin_shortcut", "conv_shortcut"),
)


def renamed(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our names as diffusers has them; its levels of the decoder count from the inside, its attention is linear."""
    found = {}
    for name, tensor in ours.items():
        level = re.match(r"decoder\.up\.(\d+)\.(block\.\d+|upsample)(.*)", name)
        if level:
            inner = level[2].replace("block.", "resnets.").replace("upsample", "upsamplers.0")
            name = f"decoder.up_blocks.{len(SIZES.multipliers) - 1 - int(level[1])}.{inner}{level[3]}"
        for pattern, other in RULES:
            name = re.sub(pattern, other, name)
        found[name] = tensor.flatten(1) if "attentions" in name and tensor.ndim == 4 else tensor
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_autoencoder_equals_diffusers() -> None:
    from diffusers import AutoencoderKL

    ours, tensors = with_random_weights(KlAutoencoder(SIZES))
    theirs = AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(32, 64, 96), layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3, norm_num_groups=32,
    ).eval()  # fmt: skip
    theirs.load_state_dict(renamed(tensors))
    generator = torch.Generator().manual_seed(6)
    pixels = torch.rand(2, 3, 24, 16, generator=generator) * 2 - 1
    with torch.no_grad():
        latent = theirs.encode(pixels).latent_dist.mean
        torch.testing.assert_close(ours.encode(pixels), latent, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(ours.decode(latent), theirs.decode(latent).sample, rtol=1e-4, atol=1e-4)
    assert ours.reduction == 4
