"""A source of values for tests: an array instead of a file."""

from dataclasses import dataclass, field
from math import prod

import numpy as np

from engine.quantize.contract import Encoding, Values, rows_of


@dataclass
class ArrayReader:
    """Any array as the values of a tensor. asked: which rows were read."""

    name: str
    values: Values
    stored: str = "fp32"
    asked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def bytes(self) -> int:
        return self.values.nbytes

    def rows(self, first: int, last: int) -> Values:
        self.asked.append((first, last))
        return self.values.reshape(rows_of(self.shape))[first:last]


def gaussian(*shape: int, seed: int = 0, width: float = 0.02) -> Values:
    """Numbers as weights are spread."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32) * np.float32(width)


def encoded(encoding: Encoding, source: ArrayReader) -> list[bytearray]:
    """The pieces of an encoded tensor. Every byte must be put exactly once."""
    pieces = encoding.pieces(source.name, source.shape)
    data = [bytearray(piece.bytes) for piece in pieces]
    written = [np.zeros(piece.bytes, np.uint8) for piece in pieces]

    def put(piece: int, offset: int, part: object) -> None:
        view = memoryview(part).cast("B")  # type: ignore[arg-type]
        data[piece][offset : offset + len(view)] = view
        written[piece][offset : offset + len(view)] += 1

    encoding.encode(source, put)
    assert all((counts == 1).all() for counts in written)
    return data


def decoded(encoding: Encoding, data: list[bytearray], shape: tuple[int, ...]) -> Values:
    """The whole tensor back."""
    rows, _ = rows_of(shape)
    assert prod(shape) > 0
    return encoding.decode([memoryview(part) for part in data], shape, 0, rows).reshape(shape)
