"""NF4: 4-bit normal floats as bitsandbytes stores them (QLoRA, https://arxiv.org/abs/2305.14314).

64 values that follow one another share a scale, their largest magnitude; each is the nearest of 16 numbers times that
scale, a number halfway the lower one. Two codes make a byte, the first in the upper half. Codes and scales equal what
bitsandbytes' quantize_4bit makes of float32 numbers on a CPU. Nested scales may differ from its: it sums their mean in
float32 (we in float64), and its search on a CPU misses the nearest level for some (we, and it on a GPU, do not).
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from engine.quantize.contract import Piece, Put, Reader, Values
from engine.quantize.numbers import Bytes, row_runs, widen

BLOCK = 64
"""Values that share a scale."""

NESTED_BLOCK = 256
"""Scales that share a scale of their own."""

LEVELS = np.array(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ],
    np.float32,
)
"""What the codes stand for: quantiles of the normal distribution, from the paper's reference code."""

MIDDLES = (LEVELS[1:] + LEVELS[:-1]) / np.float32(2)

SMALLEST = np.float32(1e-38)
"""What a scale is taken for when it is divided by, if it is smaller: blocks of zeros."""

STATE = "quant_state.bitsandbytes__nf4"
OFFSET_DIGITS = 32
"""Room for the mean of the scales in the state, so that its size is known before the weights are read."""

ZERO = 7
"""The code of zero."""

SLICE = 1 << 9
"""Blocks encoded at once: 128 KiB, which stay in a core's cache."""


class Nested(NamedTuple):
    """Scales in 8 bits: codes, one scale for 256 of them, and the mean that was taken off before."""

    codes: Bytes
    scales: Values
    offset: np.float32


class Nf4Encoding:
    """Both published layouts: v2 keeps scales in float32, v1 (nested) in 8 bits."""

    def __init__(self, nested: bool = False) -> None:
        """nested: scales in 8 bits too, 4.13 instead of 4.5 bits a weight."""
        self.nested = nested
        self.name = "nf4 nested" if nested else "nf4"

    def pieces(self, name: str, shape: tuple[int, ...]) -> tuple[Piece, ...]:
        """Codes, scales, the table of levels, the tables of nested scales if there are, the state."""
        count = prod(shape)
        blocks = -(-count // BLOCK)
        codes = Piece(name, "uint8", (-(-count // 2), 1), -(-count // 2))
        levels = Piece(f"{name}.quant_map", "fp32", (16,), 64)
        size = len(self.state(shape, None))
        state = Piece(f"{name}.{STATE}", "uint8", (size,), size)
        if not self.nested:
            return codes, Piece(f"{name}.absmax", "fp32", (blocks,), 4 * blocks), levels, state
        outer = -(-blocks // NESTED_BLOCK)
        return (
            codes,
            Piece(f"{name}.absmax", "uint8", (blocks,), blocks),
            levels,
            state,
            Piece(f"{name}.nested_absmax", "fp32", (outer,), 4 * outer),
            Piece(f"{name}.nested_quant_map", "fp32", (256,), 1024),
        )

    def state(self, shape: tuple[int, ...], offset: np.float32 | None) -> bytes:
        """JSON that bitsandbytes' QuantState.from_dict reads; blanks behind it bring it to a size of its own.

        The types are those of the published files: bfloat16 in v1, float16 in v2.
        """
        facts: dict[str, object] = {"quant_type": "nf4", "blocksize": BLOCK}
        facts["dtype"] = "bfloat16" if self.nested else "float16"
        facts["shape"] = list(shape)
        if not self.nested:
            return json.dumps(facts).encode()
        facts |= {"nested_blocksize": NESTED_BLOCK, "nested_dtype": "float32", "nested_offset": 0}
        size = len(json.dumps(facts)) + OFFSET_DIGITS
        facts["nested_offset"] = float(offset or 0)
        return json.dumps(facts).encode().ljust(size)

    def encode(self, source: Reader, put: Put) -> None:
        """One pass over the source; the scales, a number for 64 weights, are kept until its end."""
        columns = source.shape[-1] if len(source.shape) > 1 else prod(source.shape)
        scales = []
        for first, last in row_runs(source.shape, BLOCK):
            codes, some = encoded(source.rows(first, last).reshape(-1))
            put(0, first * columns // 2, codes)
            scales.append(some)
        absmax = np.concatenate(scales) if scales else np.empty(0, np.float32)
        put(2, 0, LEVELS)
        if not self.nested:
            put(1, 0, absmax)
            put(3, 0, self.state(source.shape, None))
            return
        nested = nest(absmax)
        put(1, 0, nested.codes)
        put(3, 0, self.state(source.shape, nested.offset))
        put(4, 0, nested.scales)
        put(5, 0, dynamic_levels())

    def decode(self, pieces: Sequence[memoryview], shape: tuple[int, ...], first: int, last: int) -> Values:
        """Rows first..last of the tensor."""
        columns = shape[-1] if len(shape) > 1 else prod(shape)
        levels = widen(np.frombuffer(pieces[2], np.uint8), "fp32")
        start, end = first * columns, last * columns
        blocks = slice(start // BLOCK, -(-end // BLOCK))
        scales = self.scales(pieces, blocks)
        codes = np.frombuffer(pieces[0], np.uint8)[blocks.start * BLOCK // 2 : -(-end // 2)]
        values = pairs(levels.tobytes())[codes].view(np.float32)
        padding = len(scales) * BLOCK - len(values)
        whole = np.pad(values, (0, padding)) if padding > 0 else values[: len(scales) * BLOCK]
        decoded = (whole.reshape(-1, BLOCK) * scales[:, None]).reshape(-1)
        return decoded[start - blocks.start * BLOCK :][: end - start].reshape(last - first, columns)

    def scales(self, pieces: Sequence[memoryview], blocks: slice) -> Values:
        """The scales of a run of blocks, float32, un-nested if need be."""
        if not self.nested:
            return widen(np.frombuffer(pieces[1], np.uint8)[4 * blocks.start : 4 * blocks.stop], "fp32")
        offset = np.float32(json.loads(bytes(pieces[3]))["nested_offset"])
        outer = widen(np.frombuffer(pieces[4], np.uint8), "fp32")
        table = widen(np.frombuffer(pieces[5], np.uint8), "fp32")
        codes = np.frombuffer(pieces[1], np.uint8)[blocks]
        which = np.arange(blocks.start, blocks.start + len(codes)) // NESTED_BLOCK
        return np.asarray(table[codes] * outer[which] + offset, np.float32)


@lru_cache(maxsize=2)
def pairs(levels: bytes) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The two float32 levels that each byte of codes stands for, as the eight bytes of one number each."""
    table = np.frombuffer(levels, np.float32)
    byte = np.arange(256)
    return np.ascontiguousarray(np.stack([table[byte >> 4], table[byte & 15]], axis=1)).view(np.float64).reshape(-1)


def encoded(values: Values) -> tuple[Bytes, Values]:
    """(codes, scales) of flat values that begin with a block; the last block may be shorter."""
    count, whole = values.size, values.size // BLOCK * BLOCK
    blocks = values[:whole].reshape(-1, BLOCK)
    scales = np.maximum(blocks.max(axis=1), -blocks.min(axis=1))
    codes = np.empty(count + count % 2, np.uint8)
    codes[count:] = ZERO  # what pads the last byte
    inverse = np.float32(1) / np.maximum(scales, SMALLEST)
    for first in range(0, len(blocks), SLICE):
        some = slice(first, first + SLICE)
        codes[first * BLOCK : min(first + SLICE, len(blocks)) * BLOCK] = nearest(blocks[some] * inverse[some, None])
    if whole < count:
        rest = values[whole:]
        scale = np.maximum(np.abs(rest).max(), SMALLEST)
        codes[whole:count] = nearest(rest / scale)
        scales = np.append(scales, scale)
    packed = np.left_shift(codes[0::2], 4, dtype=np.uint8)
    packed |= codes[1::2]
    return packed, scales.astype(np.float32, copy=False)


def nearest(scaled: Values) -> Bytes:
    """The code of the level nearest to each number, flat: how many of the middles between levels lie below it."""
    flat = scaled.reshape(-1)
    codes = np.zeros(flat.size, np.uint8)
    above = np.empty(flat.size, np.bool_)
    for middle in MIDDLES:
        np.greater(flat, middle, out=above)
        codes += above.view(np.uint8)
    return codes


@lru_cache
def dynamic_levels() -> Values:
    """The 256 numbers of bitsandbytes' dynamic 8-bit type (https://arxiv.org/abs/1511.04561), ascending.

    Per decade from 1e-6 to 1: the middles between 2, 3, 5, … 65 evenly spaced points from a tenth of it to the whole,
    of both signs; and 0 and 1.
    """
    levels = [0.0, 1.0]
    for power in range(7):
        points = evenly_spaced(2**power + 1)
        middles = (points[1:] + points[:-1]) / np.float32(2)
        decade = np.float32(10.0 ** (power - 6)) * middles
        levels += [*decade, *-decade]
    return np.array(sorted(levels), np.float32)


def evenly_spaced(count: int) -> Values:
    """Points from 0.1 to 1, with the last bits that torch.linspace gives them: a float32 step, from the nearer end."""
    low, high = np.float32(0.1), np.float32(1)
    step, at = np.float64((high - low) / np.float32(count - 1)), np.arange(count)
    points = np.where(at < count // 2, low + step * at, high - step * (count - 1 - at))
    return points.astype(np.float32)


def nest(absmax: Values) -> Nested:
    """Scales in 8 bits: their mean taken off, the rest as the nearest dynamic level times the largest of 256."""
    offset = np.float32(absmax.mean(dtype=np.float64)) if absmax.size else np.float32(0)
    centred = np.pad(absmax - offset, (0, -absmax.size % NESTED_BLOCK)).reshape(-1, NESTED_BLOCK)
    scales = np.abs(centred).max(axis=1)
    normed = (centred / np.where(scales == 0, np.float32(1), scales)[:, None]).reshape(-1)[: absmax.size]
    levels = dynamic_levels()
    left = np.clip(np.searchsorted(levels, normed, side="right") - 1, 0, 254)
    closer = np.abs(normed - levels[left + 1]) < np.abs(normed - levels[left])
    return Nested((left + closer).astype(np.uint8), scales, offset)
