"""8-bit floats, plain or with one scale for each matrix, as ComfyUI's files have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from engine.quantize.contract import Piece, Put, Reader, Values
from engine.quantize.numbers import FLOAT8, float8_values, narrow, row_runs, widen
from engine.quantize.plain import PlainEncoding

Kind = Literal["e4m3fn", "e5m2"]

SCALED = "fp8_e4m3fn"
"""The type that scaled matrices have."""

LARGEST = float8_values(SCALED)[FLOAT8[SCALED].finite - 1]
SMALLEST = np.float32(1e-12)
"""What a scale is at least: that of a matrix of zeros."""


def fp8_encoding(kind: Kind) -> PlainEncoding:
    """Numbers rounded to 8 bits as they are; those beyond ±448 (e4m3fn) or ±57,344 (e5m2) become that."""
    return PlainEncoding(f"fp8_{kind}")


@dataclass(frozen=True)
class ScaledFp8Encoding:
    """A matrix in e4m3fn, and beside it the number to multiply with, so that its largest value is 448."""

    @property
    def name(self) -> str:
        """As engine.checkpoints.detect calls it."""
        return f"{SCALED} scaled"

    def pieces(self, name: str, shape: tuple[int, ...]) -> tuple[Piece, ...]:
        """The codes and the scale, whose name has "scale_weight" in place of "weight". Raises ValueError for a bias."""
        layer, _, last = name.rpartition(".")
        if last != "weight":
            raise ValueError(f"{name} is no layer's weight, so it can have no scale")
        return Piece(name, SCALED, shape, prod(shape)), Piece(f"{layer}.scale_weight", "fp32", (), 4)

    def encode(self, source: Reader, put: Put) -> None:
        """Two passes: the largest magnitude, then the codes."""
        largest = np.float32(0)
        for first, last in row_runs(source.shape):
            values = source.rows(first, last)
            largest = max(largest, values.max(), -values.min())
        scale = np.maximum(largest / LARGEST, SMALLEST, dtype=np.float32)
        put(1, 0, scale.tobytes())
        at = 0
        for first, last in row_runs(source.shape):
            codes = narrow(source.rows(first, last) / scale, SCALED)
            put(0, at, codes)
            at += codes.size

    def decode(self, pieces: Sequence[memoryview], shape: tuple[int, ...], first: int, last: int) -> Values:
        """Rows first..last of the tensor."""
        codes = PlainEncoding(SCALED).decode(pieces, shape, first, last)
        return codes * widen(np.frombuffer(pieces[1], np.uint8), "fp32")
