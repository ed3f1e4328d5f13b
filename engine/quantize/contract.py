"""What the parts of quantising agree on: where values come from, how they are stored, how a file is laid out.

A source file is mapped, a tensor at a time goes through one process, a run of rows at a time goes through memory, and
each process writes its pieces to their places in the new file. So everything here can be pickled, and nothing is large.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


class Reader(Protocol):
    """The values of one tensor, wherever and however they are stored.

    A tensor has prod(shape[:-1]) rows of shape[-1] columns, one row if it has fewer than two dimensions.
    """

    @property
    def name(self) -> str:
        """In the new file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As PyTorch shows it."""

    @property
    def stored(self) -> str:
        """The source's storage: "bf16", "fp8_e4m3fn"."""

    @property
    def bytes(self) -> int:
        """Read from the source in all."""

    def rows(self, first: int, last: int) -> Values:
        """Rows first..last (exclusive), (last - first, columns), exactly as they are meant, scales applied."""


class Piece(NamedTuple):
    """One tensor of the new file. A weight may need several: its codes, its scales.

    dtype: a name of engine.checkpoints.storage ("bf16", "uint8", "gguf:Q4_K"). shape: as PyTorch would show it, in
    values. bytes: on disk. note: what the container must remember of it (GGUF: the shape before it became rows of 256).
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    note: tuple[int, ...] | None = None


Put = Callable[[int, int, Any], None]
"""put(piece, offset, data): bytes-like data goes to this offset (in bytes) of the piece of this number."""


class Encoding(Protocol):
    """A way to store a tensor. Picklable."""

    @property
    def name(self) -> str:
        """As engine.checkpoints.storage calls it."""

    def pieces(self, name: str, shape: tuple[int, ...]) -> tuple[Piece, ...]:
        """What it takes to store a tensor, the weight itself first."""

    def encode(self, source: Reader, put: Put) -> None:
        """Read the source, once or twice, a run of rows at a time, and put every byte of every piece."""

    def decode(self, pieces: Sequence[memoryview], shape: tuple[int, ...], first: int, last: int) -> Values:
        """Rows first..last of the tensor, from its pieces as the new file holds them."""


class Order(NamedTuple):
    """One tensor to be made."""

    source: Reader
    encoding: Encoding


class Layout(NamedTuple):
    """Where everything goes. header: the file's first bytes. starts: of each piece, in bytes of the file."""

    header: bytes
    starts: tuple[int, ...]
    size: int


class Container(Protocol):
    """A file format."""

    def layout(self, pieces: Sequence[Piece], metadata: Mapping[str, Any]) -> Layout:
        """Place all pieces, in order. metadata: the header's own key-value pairs."""


class Job(NamedTuple):
    """A file to be made."""

    orders: tuple[Order, ...]
    container: Container
    metadata: Mapping[str, Any]


CHUNK = 1 << 22
"""Values that go through memory at once (16 MiB in float32): enough for every encoder to run at full speed."""


def rows_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """(rows, columns) of a tensor: everything but the last dimension, and the last."""
    if len(shape) < 2:
        return 1, int(np.prod(shape, dtype=np.int64))
    return int(np.prod(shape[:-1], dtype=np.int64)), shape[-1]
