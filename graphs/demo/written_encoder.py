"""An encoder that is written down instead of trained: principal components of 8x8 pixel blocks.

Two convolutions with stride two move pixels into channels, the third one multiplies each block by its sixteen
principal components. Every residual branch is zero. The last group norm cannot be avoided, so each component s
travels in a group of three channels (s, -s, K): the large constant K makes the group's mean and deviation
constants, the norm becomes affine, and silu(s) - silu(-s) = s undoes the last activation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphs.demo.autoencoder import LATENT_CHANNELS, SCALE, SHIFT, Encoder

BLOCK = 8
ANCHOR = 96.0
WHITENING = 0.7


@dataclass(frozen=True)
class Components:
    """The linear map from a block of 3x8x8 values to its latent channels: weight (16, 192) and bias (16,)."""

    weight: Tensor
    bias: Tensor


def blocks(pictures: Tensor) -> Tensor:
    """(B, 3, 8h, 8w) to (B, h*w, 192), values in the order channel, row, column."""
    b, c, height, width = pictures.shape
    cut = pictures.view(b, c, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c * BLOCK * BLOCK)


def _bf16(x: Tensor) -> Tensor:
    return x.to(torch.bfloat16).float()


def find_components(pictures: Tensor) -> Components:
    """Principal components, partly whitened, scaled to unit mean square and rounded as the file stores them."""
    rows = blocks(pictures).reshape(-1, 3 * BLOCK * BLOCK)
    mean = rows.mean(0)
    _, values, vectors = torch.linalg.svd(rows - mean, full_matrices=False)
    deviation = values[:LATENT_CHANNELS] / len(rows) ** 0.5
    wanted = deviation ** (1 - WHITENING)
    wanted = wanted / wanted.square().mean().sqrt()
    weight = _bf16(vectors[:LATENT_CHANNELS] * (wanted / deviation)[:, None])
    return Components(weight, _bf16(-weight @ mean))


def project(pictures: Tensor, components: Components) -> Tensor:
    """The latent that the written encoder makes, in the units the transformer sees, without running it."""
    b, _, height, width = pictures.shape
    rows = blocks(pictures) @ components.weight.T + components.bias
    return rows.transpose(1, 2).reshape(b, LATENT_CHANNELS, height // BLOCK, width // BLOCK)


def unproject(latents: Tensor, components: Components) -> Tensor:
    """The best linear guess at the picture behind a latent."""
    b, _, h, w = latents.shape
    rows = (latents.flatten(2).transpose(1, 2) - components.bias) @ torch.linalg.pinv(components.weight).T
    cut = rows.view(b, h, w, 3, BLOCK, BLOCK).permute(0, 3, 1, 4, 2, 5)
    return cut.reshape(b, 3, h * BLOCK, w * BLOCK)


def _space_to_depth(weight: Tensor, channels: int) -> None:
    for c in range(channels):
        for row in range(2):
            for column in range(2):
                weight[4 * c + 2 * row + column, c, row, column] = 1


def _third_downsample(weight: Tensor, components: Tensor) -> None:
    """Channel ((c*2+y0)*2+x0)*4+y1*2+x1 holds pixel (y0+2*y1, x0+2*x1) of a 4x4 block; four of those make 8x8."""
    grid = components.view(LATENT_CHANNELS, 3, 2, 2, 2, 2, 2, 2)  # c, y2, y1, y0, x2, x1, x0
    channels = grid.permute(0, 1, 4, 7, 3, 6, 2, 5).reshape(LATENT_CHANNELS, 48, 2, 2)
    weight[:LATENT_CHANNELS, :48, :2, :2] = channels


def _exit(encoder: Encoder) -> None:
    """The anchored groups, and the norm, activation and convolution that read them."""
    shortcut = encoder.down[3].block[0].nin_shortcut
    gain = ANCHOR * 2**0.5 / 3
    for i in range(LATENT_CHANNELS):
        plus, minus, anchor = 3 * i, 3 * i + 1, 3 * i + 2
        shortcut.weight[plus, i], shortcut.weight[minus, i], shortcut.bias[anchor] = 1, -1, ANCHOR
        for channel in (plus, minus):
            encoder.norm_out.weight[channel] = gain
            encoder.norm_out.bias[channel] = ANCHOR / 3
        encoder.conv_out.weight[i, plus, 1, 1] = 1 / SCALE
        encoder.conv_out.weight[i, minus, 1, 1] = -1 / SCALE
    encoder.conv_out.bias[:LATENT_CHANNELS] = SHIFT
    encoder.conv_out.bias[LATENT_CHANNELS:] = -8


@torch.no_grad()
def write_encoder(components: Components) -> Encoder:
    """An encoder whose mean is the projection, in the units of the file: z / scale + shift."""
    encoder = Encoder()
    for name, parameter in encoder.named_parameters():
        parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
    encoder.norm_out.weight.zero_()
    for c in range(3):
        encoder.conv_in.weight[c, c, 1, 1] = 1
        encoder.down[0].block[0].nin_shortcut.weight[c, c] = 1
    _space_to_depth(encoder.down[0].downsample.conv.weight, 3)
    _space_to_depth(encoder.down[1].downsample.conv.weight, 12)
    _third_downsample(encoder.down[2].downsample.conv.weight, components.weight)
    encoder.down[2].downsample.conv.bias[:LATENT_CHANNELS] = components.bias
    _exit(encoder)
    return encoder
