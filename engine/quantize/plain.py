"""Plain types: one number after another, in 32, 16 or 8 bits; and tensors copied as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from engine.checkpoints.storage import PLAIN_BITS
from engine.quantize.contract import CHUNK, Piece, Put, Reader, Values, rows_of
from engine.quantize.numbers import narrow, row_runs, widen


@dataclass(frozen=True)
class PlainEncoding:
    """Numbers of one type. name: "fp32", "fp16", "bf16", "fp8_e4m3fn", "fp8_e5m2"; any plain type can be decoded."""

    name: str

    def pieces(self, name: str, shape: tuple[int, ...]) -> tuple[Piece, ...]:
        """The tensor alone."""
        return (Piece(name, self.name, shape, prod(shape) * PLAIN_BITS[self.name] // 8),)

    def encode(self, source: Reader, put: Put) -> None:
        """Put the tensor, a run of rows at a time. Raises ValueError for a type that numbers are not narrowed to."""
        width = rows_of(source.shape)[1] * PLAIN_BITS[self.name] // 8
        for first, last in row_runs(source.shape):
            put(0, first * width, narrow(source.rows(first, last), self.name))

    def decode(self, pieces: Sequence[memoryview], shape: tuple[int, ...], first: int, last: int) -> Values:
        """Rows first..last of the tensor."""
        width = rows_of(shape)[1] * PLAIN_BITS[self.name] // 8
        data = np.frombuffer(pieces[0][first * width : last * width], np.uint8)
        return widen(data, self.name).reshape(last - first, rows_of(shape)[1])


@dataclass(frozen=True)
class Verbatim:
    """A Reader of a tensor that is copied byte by byte, whatever it holds: NaN codes, tables, JSON."""

    name: str
    shape: tuple[int, ...]
    stored: str
    bytes: int
    path: str
    start: int

    def rows(self, first: int, last: int) -> Values:
        """The bytes' numbers, NaN and all. Raises ValueError for GGUF blocks."""
        columns = rows_of(self.shape)[1]
        width = columns * PLAIN_BITS[self.stored] // 8
        return widen(self.data(first * width, last * width), self.stored).reshape(last - first, columns)

    def data(self, first: int, last: int) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
        """Bytes first..last (exclusive). Raises EOFError if the file has become shorter."""
        found = np.fromfile(self.path, np.uint8, last - first, offset=self.start + first)
        if found.size < last - first:
            raise EOFError(f"{self.path} became shorter while it was read")
        return found


@dataclass(frozen=True)
class Nothing:
    """A Reader of a tensor without values, whose being there says something: a marker."""

    name: str
    stored: str
    shape: tuple[int, ...] = (0,)
    bytes: int = 0

    def rows(self, first: int, last: int) -> Values:
        """No values."""
        return np.empty((last - first, 0), np.float32)


@dataclass(frozen=True)
class CopyEncoding:
    """A tensor just as its file has it; its source is a Verbatim, and what comes back equals it bit by bit."""

    name: str

    def pieces(self, name: str, shape: tuple[int, ...]) -> tuple[Piece, ...]:
        """The tensor alone."""
        return PlainEncoding(self.name).pieces(name, shape)

    def encode(self, source: Reader, put: Put) -> None:
        """Copy. Raises TypeError for a source that is decoded."""
        if isinstance(source, Nothing):
            return
        if not isinstance(source, Verbatim):
            raise TypeError(f"{source.name} is not read as stored, so it cannot be copied")
        for first in range(0, source.bytes, 4 * CHUNK):
            put(0, first, source.data(first, min(first + 4 * CHUNK, source.bytes)))

    def decode(self, pieces: Sequence[memoryview], shape: tuple[int, ...], first: int, last: int) -> Values:
        """Rows first..last of the tensor."""
        return PlainEncoding(self.name).decode(pieces, shape, first, last)
