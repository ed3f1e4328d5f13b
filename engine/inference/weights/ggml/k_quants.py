"""Blocks of 256 in runs of 16 or 32, each run with a small scale of its own: Q2_K to Q6_K (ggml's k-quants).

A value is scale * run's scale * code, less least * run's least where a format has that.
"""

import torch
from torch import Tensor

from engine.inference.weights.ggml.bits import halves, signed, unpack


def _by_runs(scales: Tensor, codes: Tensor) -> Tensor:
    """(n, runs) times (n, 256) → (n, runs, 256 / runs)."""
    return scales.unsqueeze(2) * codes.view(*scales.shape, -1)


def q2_k(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 84) → (n, 256): 16 bytes of run scales (low nibble) and leasts (high), 64 of codes, half scale and least."""
    runs, codes, scale, least = blocks.split_with_sizes([16, 64, 2, 2], dim=1)
    scales = halves(scale, dtype) * (runs & 0xF).to(dtype)
    leasts = halves(least, dtype) * (runs >> 4).to(dtype)
    return (_by_runs(scales, unpack(codes, 2, 32).to(dtype)) - leasts.unsqueeze(2)).view(-1, 256)


def q3_k(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 110) → (n, 256): 32 bytes of third bits, 64 of low bits, 12 of 16 run scales of 6 bits, half scale.

    A run scale's low four bits are a nibble of the first 8 bytes, its high two stand in the last 4; 32 is zero. A code
    is lowered by 4 where its third bit is not set.
    """
    high, low, runs, scale = blocks.split_with_sizes([32, 64, 12, 2], dim=1)
    run_scales = unpack(runs[:, :8], 4, 8) | (unpack(runs[:, 8:], 2, 4) << 4)
    codes = (unpack(low, 2, 32) | (unpack(high, 1, 32) << 2)).to(dtype) - 4
    return _by_runs(halves(scale, dtype) * (run_scales.to(dtype) - 32), codes).view(-1, 256)


def q4_k(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 144) → (n, 256): half scale and least, 12 bytes of 8 run scales and leasts, 128 of nibbles."""
    scale, least, runs, codes = blocks.split_with_sizes([2, 2, 12, 128], dim=1)
    return _scaled_with_leasts(scale, least, runs, unpack(codes, 4, 32).to(dtype), dtype)


def q5_k(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 176) → (n, 256): as Q4_K, with 32 bytes of fifth bits before the nibbles."""
    scale, least, runs, high, low = blocks.split_with_sizes([2, 2, 12, 32, 128], dim=1)
    return _scaled_with_leasts(scale, least, runs, (unpack(low, 4, 32) | (unpack(high, 1, 32) << 4)).to(dtype), dtype)


def _scaled_with_leasts(scale: Tensor, least: Tensor, runs: Tensor, codes: Tensor, dtype: torch.dtype) -> Tensor:
    """Run scales and leasts are of 6 bits, 8 of each in 12 bytes.

    The low 6 bits of the first 4 bytes are scales 0..3, of the next 4 leasts 0..3. The last 4 bytes hold the low
    nibbles of scales 4..7 and, above, of leasts 4..7, whose highest two bits are those left of the first 8 bytes.
    """
    first, second, third = runs.split_with_sizes([4, 4, 4], dim=1)
    scales = torch.cat([first & 0x3F, (third & 0xF) | ((first >> 2) & 0x30)], dim=1)
    leasts = torch.cat([second & 0x3F, (third >> 4) | ((second >> 2) & 0x30)], dim=1)
    below = (halves(least, dtype) * leasts.to(dtype)).unsqueeze(2)
    return (_by_runs(halves(scale, dtype) * scales.to(dtype), codes) - below).view(-1, 256)


def q6_k(blocks: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(n, 210) → (n, 256): 128 bytes of low nibbles, 64 of high bits, 16 signed run scales, half scale; 32 is zero."""
    low, high, runs, scale = blocks.split_with_sizes([128, 64, 16, 2], dim=1)
    codes = (unpack(low, 4, 64) | (unpack(high, 2, 32) << 4)).to(dtype) - 32
    return _by_runs(halves(scale, dtype) * signed(runs, dtype), codes).view(-1, 256)
