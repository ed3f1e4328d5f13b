"""Nibbles that index 16 unevenly spaced values: IQ4_NL in blocks of 32, IQ4_XS in blocks of 256 with run scales."""

import torch
from torch import Tensor

from engine.inference.weights.ggml.bits import halves, unpack, words

LEVELS = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)
"""What the codes 0 to 15 stand for; part of the format."""


def _levels(codes: Tensor, dtype: torch.dtype) -> Tensor:
    """(n, b) bytes in groups of 16 → (n, 2b)."""
    table = torch.tensor(LEVELS, dtype=dtype, device=codes.device)
    return table[unpack(codes, 4, 16).to(torch.int32)]


def iq4_nl(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 18) → (n, 32): half scale, 16 bytes of nibbles."""
    scale, codes = blocks.split_with_sizes([2, 16], dim=1)
    return halves(scale, dtype) * _levels(codes, dtype)


def iq4_xs(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 136) → (n, 256): half scale, 8 run scales of 6 bits (high two bits in 2 bytes, low four in 4), 128 of codes.

    A run scale of 32 is zero.
    """
    scale, high, low, codes = blocks.split_with_sizes([2, 2, 4, 128], dim=1)
    shifts = torch.arange(0, 16, 2, dtype=torch.int32, device=blocks.device)
    runs = unpack(low, 4, 1).to(torch.int32) | (((words(high) >> shifts) & 3) << 4)
    scales = halves(scale, dtype) * (runs - 32).to(dtype)
    return (scales.unsqueeze(2) * _levels(codes, dtype).view(-1, 8, 32)).view(-1, 256)
