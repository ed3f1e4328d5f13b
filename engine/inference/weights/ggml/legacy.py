"""Blocks of 32 with one scale: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 (ggml's first formats), and Q1_0, 128 signs with one scale.

The _0 kinds are symmetric (scale * code), the _1 kinds have a smallest value too (scale * code + least). Half of a
block's codes stand in the low, half in the high nibbles; a fifth bit stands apart, 32 of them in 4 bytes.
"""

import torch
from torch import Tensor

from engine.inference.weights.ggml.bits import halves, signed, unpack


def q4_0(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 18) → (n, 32): half scale, 16 bytes of nibbles, 8 standing for zero."""
    scale, codes = blocks.split_with_sizes([2, 16], dim=1)
    return halves(scale, dtype) * (unpack(codes, 4, 16).to(dtype) - 8)


def q4_1(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 20) → (n, 32): half scale, half least value, 16 bytes of nibbles."""
    scale, least, codes = blocks.split_with_sizes([2, 2, 16], dim=1)
    return halves(scale, dtype) * unpack(codes, 4, 16).to(dtype) + halves(least, dtype)


def q5_0(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 22) → (n, 32): half scale, 4 bytes of fifth bits, 16 bytes of nibbles, 16 standing for zero."""
    scale, high, low = blocks.split_with_sizes([2, 4, 16], dim=1)
    return halves(scale, dtype) * (_five_bits(high, low, dtype) - 16)


def q5_1(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 24) → (n, 32): half scale, half least value, 4 bytes of fifth bits, 16 bytes of nibbles."""
    scale, least, high, low = blocks.split_with_sizes([2, 2, 4, 16], dim=1)
    return halves(scale, dtype) * _five_bits(high, low, dtype) + halves(least, dtype)


def _five_bits(high: Tensor, low: Tensor, dtype: torch.dtype) -> Tensor:
    return (unpack(low, 4, 16) | (unpack(high, 1, 1) << 4)).to(dtype)


def q8_0(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 34) → (n, 32): half scale, 32 signed bytes."""
    scale, codes = blocks.split_with_sizes([2, 32], dim=1)
    return signed(codes, dtype) * halves(scale, dtype)


def q1_0(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 18) → (n, 128): half scale, 128 bits, 1 for plus and 0 for minus."""
    scale, codes = blocks.split_with_sizes([2, 16], dim=1)
    return halves(scale, dtype) * (unpack(codes, 1, 1).to(dtype) * 2 - 1)
