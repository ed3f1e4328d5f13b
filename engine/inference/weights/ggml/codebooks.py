"""Blocks of 256 whose codes index tables of 4 or 8 values at once: IQ1_S, IQ1_M, IQ2_*, IQ3_* (ggml's i-quants).

The tables are part of the formats; they come from the gguf package, unpacked once for each device.
"""

from functools import cache

import torch
from torch import Tensor

from engine.inference.weights.ggml.bits import halves, long_words, unpack, words

SHIFT = 0.125
"""By how much IQ1 moves the values of its table up or down."""


@cache
def _grid(kind: str, device: torch.device) -> Tensor:
    """(entries, 4 or 8) float32: the table of a format."""
    from gguf import quants

    source = getattr(quants, kind)
    source.init_grid()
    return torch.from_numpy(source.grid.copy()).view(source.grid_shape).to(torch.float32).to(device)


@cache
def _even_signs(device: torch.device) -> Tensor:
    """(128, 8) of 1 and -1: seven stored signs, and an eighth that makes the number of minuses even."""
    stored = unpack(torch.arange(128, dtype=torch.uint8).view(-1, 1), 1, 1)[:, :7]
    bits = torch.cat([stored, stored.sum(dim=1, keepdim=True, dtype=torch.uint8) & 1], dim=1)
    return (1 - 2 * bits.float()).to(device)


def _fields(numbers: Tensor, shifts: tuple[int, ...], mask: int) -> Tensor:
    """(n, k) → (n, k, shifts), bits of each number."""
    return (numbers.unsqueeze(2) >> torch.tensor(shifts, dtype=torch.int32, device=numbers.device)) & mask


def _four_signs(numbers: Tensor) -> Tensor:
    """(n, k) long words → (n, 32k): four times seven stored signs."""
    return _even_signs(numbers.device)[_fields(numbers, (0, 7, 14, 21), 0x7F)].reshape(len(numbers), -1)


def _plain_signs(raw: Tensor) -> Tensor:
    """(n, b) bytes → (n, 8b): a stored sign for each value."""
    return 1 - 2 * unpack(raw, 1, 1).float()


def _looked_up(kind: str, codes: Tensor) -> Tensor:
    """(n, k) int32 → (n, 256)."""
    return _grid(kind, codes.device)[codes].view(len(codes), -1)


def _by_runs(scales: Tensor, values: Tensor, signs: Tensor) -> Tensor:
    """(n, runs) times (n, 256) times (n, 256) → (n, 256)."""
    scaled = scales.unsqueeze(2) * values.view(*scales.shape, -1)
    return scaled.view(values.shape) * signs


def iq2_xxs(blocks: Tensor) -> Tensor:
    """(n, 66) → (n, 256): half scale, then for each run of 32 four codes and a long word of signs and run scale."""
    scale, rest = blocks.split_with_sizes([2, 64], dim=1)
    codes = rest.reshape(len(blocks), 8, 2, 4)[:, :, 0].reshape(len(blocks), -1).to(torch.int32)
    tail = long_words(rest).view(len(blocks), 8, 2)[:, :, 1]
    scales = halves(scale) * (((tail >> 28) & 0xF).float() + 0.5) * 0.25
    return _by_runs(scales, _looked_up("IQ2_XXS", codes), _four_signs(tail))


def iq2_xs(blocks: Tensor) -> Tensor:
    """(n, 74) → (n, 256): half scale, 32 words of code (9 bits) and signs (7), 8 bytes of run scales."""
    scale, raw, runs = blocks.split_with_sizes([2, 64, 8], dim=1)
    codes = words(raw)
    scales = halves(scale) * (unpack(runs, 4, 1).float() + 0.5) * 0.25
    signs = _even_signs(blocks.device)[codes >> 9].view(len(blocks), -1)
    return _by_runs(scales, _looked_up("IQ2_XS", codes & 0x1FF), signs)


def iq2_s(blocks: Tensor) -> Tensor:
    """(n, 82) → (n, 256): half scale, 32 codes, 32 bytes of signs, 8 of codes' high two bits, 8 of run scales."""
    scale, low, signs, high, runs = blocks.split_with_sizes([2, 32, 32, 8, 8], dim=1)
    codes = low.to(torch.int32) | (unpack(high, 2, 1).to(torch.int32) << 8)
    scales = halves(scale) * (unpack(runs, 4, 1).float() + 0.5) * 0.25
    return _by_runs(scales, _looked_up("IQ2_S", codes), _plain_signs(signs))


def iq3_xxs(blocks: Tensor) -> Tensor:
    """(n, 98) → (n, 256): half scale, 64 codes, 8 long words of signs and run scale."""
    scale, codes, raw = blocks.split_with_sizes([2, 64, 32], dim=1)
    tail = long_words(raw)
    scales = halves(scale) * (((tail >> 28) & 0xF).float() + 0.5) * 0.5
    return _by_runs(scales, _looked_up("IQ3_XXS", codes.to(torch.int32)), _four_signs(tail))


def iq3_s(blocks: Tensor) -> Tensor:
    """(n, 110) → (n, 256): half scale, 64 codes, 8 bytes of their ninth bits, 32 of signs, 4 of run scales."""
    scale, low, high, signs, runs = blocks.split_with_sizes([2, 64, 8, 32, 4], dim=1)
    codes = low.to(torch.int32) | (unpack(high, 1, 1).to(torch.int32) << 8)
    scales = halves(scale) * (unpack(runs, 4, 1).float() * 2 + 1)
    return _by_runs(scales, _looked_up("IQ3_S", codes), _plain_signs(signs))


def iq1_s(blocks: Tensor) -> Tensor:
    """(n, 50) → (n, 256): half scale, 32 codes, 8 words: four times 3 high bits of codes, run scale, shift down."""
    scale, low, raw = blocks.split_with_sizes([2, 32, 16], dim=1)
    high = words(raw)
    codes = low.to(torch.int32) | (_fields(high, (0, 3, 6, 9), 7).view(len(blocks), -1) << 8)
    scales = halves(scale) * (((high >> 12) & 7) * 2 + 1).float()
    shifts = SHIFT - 2 * SHIFT * (high >> 15).float()
    return (scales.unsqueeze(2) * (_looked_up("IQ1_S", codes).view(-1, 8, 32) + shifts.unsqueeze(2))).view(-1, 256)


def iq1_m(blocks: Tensor) -> Tensor:
    """(n, 56) → (n, 256): 32 codes, 16 bytes of nibbles (3 high bits of a code, shift down), 4 words of run scales.

    The half-precision scale stands in pieces: the highest four bits of each word.
    """
    low, raw, tail = blocks.split_with_sizes([32, 16, 8], dim=1)
    runs, high = words(tail), unpack(raw, 4, 1).to(torch.int32)
    places = torch.tensor([0, 4, 8, 12], dtype=torch.int32, device=blocks.device)
    scale = ((runs >> 12) << places).sum(dim=1, keepdim=True).to(torch.int16).view(torch.float16).float()
    scales = scale * (_fields(runs, (0, 3, 6, 9), 7).view(len(blocks), -1) * 2 + 1).float()
    values = _looked_up("IQ1_M", low.to(torch.int32) | ((high & 7) << 8)).view(-1, 32, 8)
    shifted = values + (SHIFT - 2 * SHIFT * (high >> 3).float()).unsqueeze(2)
    return (scales.unsqueeze(2) * shifted.view(-1, 16, 16)).view(-1, 256)
