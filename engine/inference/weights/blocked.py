"""Blocked: what all matrices stored in blocks share, so that rows need not begin where blocks do."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

PIECE = 1 << 18
"""Values at a time where they pass through float32 on a CPU: a megabyte, since each piece costs calls too."""

DEVICE_PIECE = 1 << 23
"""The same on a GPU, where each piece costs kernel launches."""


def piece(device: torch.device) -> int:
    """How many values to decode at a time where decoding needs memory of its own; a multiple of every block size."""
    return PIECE if device.type == "cpu" else DEVICE_PIECE


class Blocked(ABC):
    """A (rows, columns) matrix whose values stand row after row in blocks of equal size, each decoded as a whole.

    bytes: what it takes as stored. block: values of one block. offset: how many values of the first block come before
    row 0 (they belong to rows that were cut off).
    """

    def __init__(self, rows: int, columns: int, bytes: int, block: int, offset: int = 0) -> None:
        """Only the sizes."""
        self.rows, self.columns, self.bytes = rows, columns, bytes
        self.block, self.offset = block, offset

    @abstractmethod
    def fill(self, first: int, last: int, out: Tensor) -> None:
        """Decode blocks first..last (exclusive) into `out`, flat float32 with room for all of them, on any device.

        The file's last block may be short; it is then the only one asked for, and the end of `out` stays as it is.
        """

    def decode(self, first: int, last: int, out: Tensor) -> None:
        """Write rows first..last (exclusive) into `out` (last - first, columns).

        They are as `fill` gives them when `out` is float32; a narrower type rounds once.
        """
        if not out.is_contiguous():
            together = torch.empty(out.shape, dtype=out.dtype, device=out.device)
            self.decode(first, last, together)
            out.copy_(together)
            return
        flat, start = out.view(-1), self.offset + first * self.columns
        if flat.dtype == torch.float32:
            self._values(start, start + len(flat), flat)
            return
        buffer = torch.empty(min(piece(flat.device), len(flat)), dtype=torch.float32, device=flat.device)
        for done in range(0, len(flat), max(1, len(buffer))):
            part = flat[done : done + len(buffer)]
            exact = buffer[: len(part)]
            self._values(start + done, start + done + len(part), exact)
            part.copy_(exact)

    def _values(self, start: int, stop: int, out: Tensor) -> None:
        """Write values start..stop (exclusive), counted from the first block, into `out`, flat float32."""
        whole_start = -(-start // self.block) * self.block
        whole_stop = stop // self.block * self.block
        if whole_start > start or whole_stop < whole_start:
            self._edge(start, min(stop, whole_start), out[: min(stop, whole_start) - start])
        if whole_start < whole_stop:
            middle = out[whole_start - start : whole_stop - start]
            self.fill(whole_start // self.block, whole_stop // self.block, middle)
        if whole_start <= whole_stop < stop:
            self._edge(whole_stop, stop, out[whole_stop - start :])

    def _edge(self, start: int, stop: int, out: Tensor) -> None:
        """Write a run of values that lie within one block."""
        number = start // self.block
        whole = torch.empty(self.block, dtype=torch.float32, device=out.device)
        self.fill(number, number + 1, whole)
        out.copy_(whole[start - number * self.block : stop - number * self.block])

    def take(self, ids: Tensor, out: Tensor) -> None:
        """Write row ids[i] into out[i], decoding each row that occurs once. ids: flat int64. out: (ids, columns)."""
        rows, places = torch.unique(ids, return_inverse=True)
        found = torch.empty(len(rows), self.columns, dtype=out.dtype, device=out.device)
        for place, row in enumerate(rows.tolist()):
            self.decode(row, row + 1, found[place : place + 1])
        out.copy_(found[places.to(out.device)])

    def blocks_of(self, first: int, last: int) -> tuple[int, int, int]:
        """Rows first..last (exclusive) as (first block, last block (exclusive), values of it before the first row)."""
        start, stop = self.offset + first * self.columns, self.offset + last * self.columns
        number = start // self.block
        return number, max(number, -(-stop // self.block)), start - number * self.block

    def as_is(self, dtype: torch.dtype, device: torch.device) -> Tensor | None:
        """None: nothing computes in blocks as stored."""
        return None
