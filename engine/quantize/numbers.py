"""Numbers: the plain types of model files as float32 and back, in numpy.

Widening is exact. Narrowing rounds to nearest, ties to the even code, as PyTorch's casts do; a finite number beyond the
range of the type becomes the largest one that it has (PyTorch gives infinity or NaN there), and NaN stays NaN.

Work goes through memory in slices that stay in a core's cache: fresh pages cost more than the arithmetic.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from math import gcd
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.quantize.contract import CHUNK, Values, rows_of

Bytes = NDArray[np.uint8]

SLICE = 1 << 16
"""Values worked on at once."""


class Float8Type(NamedTuple):
    """An 8-bit float: sign, exponent, mantissa. finite: how many codes of each sign are finite numbers."""

    mantissa_bits: int
    bias: int
    finite: int
    infinity: bool


FLOAT8: Mapping[str, Float8Type] = {
    "fp8_e4m3fn": Float8Type(mantissa_bits=3, bias=7, finite=127, infinity=False),
    "fp8_e5m2": Float8Type(mantissa_bits=2, bias=15, finite=124, infinity=True),
}
"""OCP 8-bit floating point specification."""

INTEGERS: Mapping[str, str] = {
    "bool": "u1",
    "uint8": "u1",
    "int8": "i1",
    "int16": "<i2",
    "uint16": "<u2",
    "int32": "<i4",
    "uint32": "<u4",
    "int64": "<i8",
    "uint64": "<u8",
    "fp64": "<f8",
}
"""Types that are only ever widened, and what numpy calls them."""


@lru_cache
def float8_values(dtype: str) -> Values:
    """What the 256 codes of an 8-bit float type mean, float32."""
    mantissa_bits, bias, finite, infinity = FLOAT8[dtype]
    codes = np.arange(128)
    exponent, mantissa = codes >> mantissa_bits, codes & ((1 << mantissa_bits) - 1)
    fraction = mantissa / 2.0**mantissa_bits + (exponent > 0)
    positive = fraction * 2.0 ** (np.maximum(exponent, 1) - bias)
    positive[finite:] = np.nan
    if infinity:
        positive[finite] = np.inf
    return np.concatenate([positive, -positive]).astype(np.float32)


@lru_cache
def float8_codes(dtype: str) -> Bytes:
    """The code nearest to each float32 number, by its upper 16 bits with "any lower bit was set" put into the last.

    7 bits of mantissa and a sticky one tell on which side of a midpoint a number lies, so this rounds only once.
    """
    finite = FLOAT8[dtype].finite
    known = float8_values(dtype)[:finite].astype(np.float64)
    middles = (known[1:] + known[:-1]) / 2
    with np.errstate(invalid="ignore"):  # there are signalling NaN among them
        numbers = (np.arange(1 << 15, dtype=np.uint32) << 16).view(np.float32).astype(np.float64)
    below = np.searchsorted(middles, numbers, side="left")
    tie = middles[np.minimum(below, finite - 2)] == numbers
    codes = (below + (tie & (below % 2 == 1))).astype(np.uint8)
    codes[np.isnan(numbers)] = 0x7F
    return np.concatenate([codes, codes | 0x80])


def slices(count: int) -> Iterator[slice]:
    """Runs of SLICE values that cover `count`."""
    for first in range(0, count, SLICE):
        yield slice(first, min(first + SLICE, count))


def power(values: Values) -> float:
    """The sum of all squares; NaN or infinite only if a value is. In 64 bits where 32 are too few."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = float(np.dot(values, values))
    if np.isfinite(found):
        return found
    wide = values.astype(np.float64)
    return float(np.dot(wide, wide))


def widen(data: Bytes, dtype: str) -> Values:
    """Stored bytes as float32, flat. Raises ValueError for a type that is not plain (GGUF blocks, 4 bits)."""
    data = data.reshape(-1)
    if dtype == "fp32":
        return data.view("<f4").astype(np.float32, copy=False)
    if dtype == "fp16":
        return data.view("<f2").astype(np.float32)
    if dtype in INTEGERS:
        return data.view(INTEGERS[dtype]).astype(np.float32)
    if dtype == "bf16":
        bits = data.view("<u2").astype(np.uint32)
        bits <<= 16
        return bits.view(np.float32)
    if dtype in FLOAT8:
        return widen_float8(data, dtype)
    raise ValueError(f"{dtype} is no plain type of numbers")


def widen_float8(data: Bytes, dtype: str) -> Values:
    """8-bit floats as float32: bits moved to where float32 has them, four times as fast as looking them up."""
    mantissa_bits, bias, finite, _ = FLOAT8[dtype]
    table, out = float8_values(dtype), np.empty(data.size, np.float32)
    shift, factor = 23 - mantissa_bits, np.float32(2.0 ** (127 - bias))
    kept = np.int32(-(1 << 31) | 0x7F << shift)
    for part in slices(data.size):
        codes = data[part]
        if (codes & 0x7F).max() >= finite:  # infinity and NaN would come out as finite numbers
            out[part] = table[codes]
            continue
        bits = out[part].view(np.int32)
        bits[:] = codes.view(np.int8)
        bits <<= shift
        bits &= kept
        out[part] *= factor
    return out


def narrow(values: Values, dtype: str) -> Bytes:
    """float32 numbers as flat bytes of fp32, fp16, bf16 or an 8-bit float. Raises ValueError for any other type."""
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    if dtype == "fp32":
        return flat.astype("<f4", copy=False).view(np.uint8)
    narrowing = NARROWINGS.get(dtype)
    if narrowing is None:
        raise ValueError(f"{dtype} is no type that numbers are narrowed to")
    kind, round_off = narrowing
    out = np.empty(flat.size, kind)
    for part in slices(flat.size):
        out[part] = round_off(flat[part])
    return out.view(np.uint8)


def to_bf16(values: Values) -> NDArray[np.uint16]:
    """The upper halves of float32 numbers, rounded."""
    bits = values.view(np.uint32)
    rounded = (bits >> 16) & 1
    rounded += 0x7FFF
    rounded += bits
    rounded >>= 16
    magnitude = bits & 0x7FFFFFFF
    if magnitude.size and magnitude.max() >= 0x7F7F8000:  # near the end of the range, or not a number
        rounded = np.where(magnitude > 0x7F800000, 0x7FC0, rounded)
        rounded = np.where((magnitude >= 0x7F7F8000) & (magnitude < 0x7F800000), 0x7F7F | (bits >> 31) << 15, rounded)
    return rounded.astype(np.uint16)


def to_fp16(values: Values) -> NDArray[np.float16]:
    """Half precision."""
    return np.clip(values, -65504, 65504).astype("<f2")


def to_float8(dtype: str) -> Callable[[Values], Bytes]:
    """The narrowing to an 8-bit float type."""

    def narrowing(values: Values) -> Bytes:
        bits = values.view(np.uint32)
        places = (bits >> 16).astype(np.uint16)
        places |= bits.astype(np.uint16) != 0
        return float8_codes(dtype)[places]

    return narrowing


NARROWINGS: Mapping[str, tuple[str, Callable[[Values], NDArray[Any]]]] = {
    "fp16": ("<f2", to_fp16),
    "bf16": ("<u2", to_bf16),
    **{dtype: ("u1", to_float8(dtype)) for dtype in FLOAT8},
}
"""Type to what numpy stores it in, and the rounding."""


def row_runs(shape: tuple[int, ...], values: int = 1) -> Iterator[tuple[int, int]]:
    """Runs of rows of about CHUNK values, (first, last); all but the last hold a multiple of `values` values."""
    rows, columns = rows_of(shape)
    if not rows or not columns:
        return
    multiple = values // gcd(values, columns)
    step = max(CHUNK // columns // multiple, 1) * multiple
    for first in range(0, rows, step):
        yield first, min(first + step, rows)
