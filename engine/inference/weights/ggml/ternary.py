"""Blocks of 256 of the values -1, 0, 1 with one scale: TQ1_0 (five in a byte) and TQ2_0 (four in a byte)."""

import torch
from torch import Tensor

from engine.inference.weights.ggml.bits import halves, unpack


def tq1_0(blocks: Tensor) -> Tensor:
    """(n, 54) → (n, 256): 48 bytes of five digits each, 4 bytes of four, half scale.

    A byte is a fraction of 256 in base 3: times 3^k modulo 256, digit k comes to the front.
    """
    first, second, third, scale = blocks.split_with_sizes([32, 16, 4, 2], dim=1)
    digits = torch.cat([_digits(first, 5), _digits(second, 5), _digits(third, 4)], dim=1)
    return halves(scale) * (digits - 1)


def _digits(raw: Tensor, count: int) -> Tensor:
    powers = torch.tensor([3**k for k in range(count)], dtype=torch.uint8, device=raw.device).view(1, -1, 1)
    shifted = raw.unsqueeze(1) * powers  # in 8 bits, so modulo 256
    return ((shifted.to(torch.int16) * 3) >> 8).float().reshape(len(raw), -1)


def tq2_0(blocks: Tensor) -> Tensor:
    """(n, 66) → (n, 256): 64 bytes of two-bit codes, half scale."""
    codes, scale = blocks.split_with_sizes([64, 2], dim=1)
    return halves(scale) * (unpack(codes, 2, 32).float() - 1)
