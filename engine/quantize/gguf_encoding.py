"""GGML types: blocks of 32 or 256 values along a row, each with its own scale.

The native library libgguf makes and reads every type. Where there is no wheel of it, gguf's numpy code makes those that
it can. Whole numbers of blocks are independent of each other, so a matrix whose rows are no whole number of blocks is
stored as rows of 256 (the shape is noted, as ComfyUI-GGUF reads it), or in F16 where that does not come out even.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import gcd, prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.checkpoints.gguf_header import BLOCKS
from engine.quantize import numbers
from engine.quantize.contract import Piece, Put, Reader, Values, rows_of

PLAIN = {"F32": "fp32", "F16": "fp16", "BF16": "bf16"}
"""GGML's names of types that hold one number each, and ours."""
WIDE_ROW = 256
"""Length of the rows as which odd matrices are stored."""


class BlockType(NamedTuple):
    """number: GGML's. values, bytes: of a block."""

    number: int
    values: int
    bytes: int


TYPES = {name.removeprefix("gguf:"): BlockType(number, *sizes) for number, (name, *sizes) in BLOCKS.items()}


@dataclass(frozen=True, eq=False)
class GgufEncoding:
    """A tensor in blocks of one GGML type ("Q4_K"), or plain ("F16").

    imatrix: how much each column matters (its mean squared input), float32, one for each column; None: all the same.
    """

    kind: str
    imatrix: NDArray[np.float32] | None = None

    @property
    def name(self) -> str:
        """As engine.checkpoints.storage calls it."""
        return PLAIN.get(self.kind, f"gguf:{self.kind}")

    def pieces(self, name: str, shape: tuple[int, ...]) -> tuple[Piece, ...]:
        """The weight alone. Raises ValueError if the values do not fill whole blocks."""
        values = prod(shape)
        if self.kind in PLAIN:
            return (Piece(name, self.name, shape, values * TYPES[self.name].bytes),)
        block = self._block
        size = values // block.values * block.bytes
        if shape and shape[-1] % block.values == 0:
            return (Piece(name, self.name, shape, size),)
        if values % WIDE_ROW:
            raise ValueError(f"{name!r} of shape {shape} does not fill blocks of {block.values} values")
        return (Piece(name, self.name, (values // WIDE_ROW, WIDE_ROW), size, note=shape),)

    def encode(self, source: Reader, put: Put) -> None:
        """Put the tensor, a run of rows at a time. Raises ValueError for values that are no finite numbers."""
        encode, weights = encoder(self.kind), self._weights(rows_of(source.shape)[1])
        offset = 0
        for first, last in numbers.row_runs(source.shape, self._block.values):
            values = source.rows(first, last)
            flat = values.reshape(-1)
            if not np.isfinite(numbers.power(flat)):
                raise ValueError(f"{source.name!r} holds values that are no finite numbers")
            data = encode(values, weights)
            put(0, offset, data)
            offset += data.nbytes

    def decode(self, pieces: Sequence[memoryview], shape: tuple[int, ...], first: int, last: int) -> Values:
        """Rows of the tensor, from the blocks that hold them."""
        _, columns = rows_of(shape)
        begin, end = first * columns, last * columns
        block = self._block
        first_block, last_block = begin // block.values, -(-end // block.values)
        data = pieces[0][first_block * block.bytes : last_block * block.bytes]
        values = decoder(self.kind)(data, (last_block - first_block) * block.values)
        skipped = begin - first_block * block.values
        return values[skipped : skipped + end - begin].reshape(last - first, columns)

    @property
    def _block(self) -> BlockType:
        return TYPES[PLAIN.get(self.kind, self.kind)]

    def _weights(self, columns: int) -> NDArray[np.float32] | None:
        """The importance of each value of a row that is a whole number of blocks."""
        if self.imatrix is None or self.kind in PLAIN:
            return None
        block = self._block.values
        return np.ascontiguousarray(np.tile(self.imatrix, block // gcd(columns, block)), np.float32)


Encoder = Callable[[Values, NDArray[np.float32] | None], NDArray[np.uint8]]
Decoder = Callable[[memoryview, int], Values]


@cache
def has_native() -> bool:
    """Whether libgguf is installed."""
    return find_spec("libgguf") is not None


@cache
def encodable(kind: str) -> bool:
    """Whether this machine can make blocks of a type."""
    if kind in PLAIN or has_native():
        return kind in PLAIN or kind in TYPES
    import gguf

    try:
        gguf.quants.quantize(np.zeros((1, WIDE_ROW), np.float32), gguf.GGMLQuantizationType[kind])
    except NotImplementedError:  # how gguf tells that it can decode a type, but not make it
        return False
    return True


def encoder(kind: str) -> Encoder:
    """From values, whole blocks of them, and the importance of a row's values, to bytes."""
    if kind in PLAIN:
        return lambda values, _: numbers.narrow(values, PLAIN[kind])
    return native_encoder(TYPES[kind]) if has_native() else numpy_encoder(kind)


def native_encoder(block: BlockType) -> Encoder:
    """libgguf's."""
    import libgguf

    def encode(values: Values, weights: NDArray[np.float32] | None) -> NDArray[np.uint8]:
        length = block.values if weights is None else weights.size
        data = np.empty(values.size // block.values * block.bytes, np.uint8)
        libgguf.quantize_rows_into_raw(block.number, values, data, values.size // length, length, weights)
        return data

    return encode


def numpy_encoder(kind: str) -> Encoder:
    """gguf's, which knows no importance."""
    import gguf

    def encode(values: Values, weights: NDArray[np.float32] | None) -> NDArray[np.uint8]:
        rows = values.reshape(-1, TYPES[kind].values)
        data: NDArray[np.uint8] = gguf.quants.quantize(rows, gguf.GGMLQuantizationType[kind])
        return data.reshape(-1)

    return encode


def decoder(kind: str) -> Decoder:
    """From the bytes of whole blocks, and how many values they hold, to these values."""
    if kind in PLAIN:
        return lambda data, _: numbers.widen(np.frombuffer(data, np.uint8), PLAIN[kind])
    if has_native():
        return native_decoder(TYPES[kind])
    import gguf

    def decode(data: memoryview, count: int) -> Values:
        rows = np.frombuffer(data, np.uint8).reshape(-1, TYPES[kind].bytes)
        values: Any = gguf.quants.dequantize(rows, gguf.GGMLQuantizationType[kind])
        return np.asarray(values, np.float32).reshape(-1)

    return decode


def native_decoder(block: BlockType) -> Decoder:
    """libgguf's."""
    import libgguf

    def decode(data: memoryview, count: int) -> Values:
        values = np.empty(count, np.float32)
        libgguf.dequantize_rows_into_raw(block.number, data, values, 1, count)
        return values

    return decode
