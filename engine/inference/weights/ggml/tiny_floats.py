"""Floats of 4 bits (e2m1) with a scale for each run: MXFP4 (OCP microscaling formats) and NVFP4 (NVIDIA).

The values stand doubled in the table, so that they are whole; the scales are halved in turn.
"""

import torch
from torch import Tensor

from engine.inference.weights.ggml.bits import unpack

DOUBLED = (0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12)
"""Twice what the codes 0 to 15 stand for."""


def _doubled(codes: Tensor, group: int) -> Tensor:
    table = torch.tensor(DOUBLED, dtype=torch.float32, device=codes.device)
    return table[unpack(codes, 4, group).to(torch.int32)]


def mxfp4(blocks: Tensor) -> Tensor:
    """(n, 17) → (n, 32): a byte of exponent (bias 127), 16 bytes of nibbles.

    Half of 2^(e - 127) is written as a float's bits: exponent e - 1, or for the two smallest a denormal.
    """
    exponent, codes = blocks.split_with_sizes([1, 16], dim=1)
    e = exponent.to(torch.int32)
    scale = torch.where(e < 2, 0x00200000 << e.clamp(max=1), (e - 1) << 23).view(torch.float32)
    return scale * _doubled(codes, 16)


def nvfp4(blocks: Tensor) -> Tensor:
    """(n, 36) → (n, 64): four scales in unsigned e4m3, then 8 bytes of nibbles for each run of 16.

    A scale of 0x7F is not a number by its format, and taken as 0 in ggml. The highest bit means nothing.
    """
    scale, codes = blocks.split_with_sizes([4, 32], dim=1)
    exponent, mantissa = ((scale >> 3) & 0xF).to(torch.int32), (scale & 7).float()
    power = ((exponent + 120) << 23).view(torch.float32)  # 2^(exponent - 7)
    wide = torch.where(exponent == 0, mantissa * 2.0**-9, (mantissa / 8 + 1) * power) * 0.5
    wide = wide.masked_fill(scale == 0x7F, 0.0)
    return (wide.unsqueeze(2) * _doubled(codes, 8).view(-1, 4, 16)).view(-1, 64)
