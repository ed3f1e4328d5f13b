"""Branches: what the kinds of LoRA add to a linear layer, computed from its input without the changed matrix.

Low rank: Hu et al. 2021, arXiv:2106.09685. Hadamard (LoHa): Hyeon-Woo et al. 2021, arXiv:2108.06098. Kronecker (LoKr):
Yeh et al. 2023, arXiv:2309.14859. Each covers some rows of the layer and is asked for any.
"""

from typing import Protocol

import torch
from torch import Tensor

from engine.inference.weights import scratch


def shared(rows: slice, first: int, last: int) -> tuple[slice, slice] | None:
    """Where the rows asked for and a branch's rows first..last meet: in the answer, and in the branch."""
    start, stop = max(rows.start, first), min(rows.stop, last)
    if start >= stop:
        return None
    return slice(start - rows.start, stop - rows.start), slice(start - first, stop - first)


class LowRank:
    """scale × (x down^T) up^T; rank / columns of the layer's own cost."""

    def __init__(self, down: Tensor, up: Tensor, scale: float, first: int = 0) -> None:
        """down: (rank, inputs). up: (rows, rank), for the layer's rows from `first` on. Both in the type of x."""
        self.down, self.up, self.scale, self.first = down, up, scale, first

    def add(self, x: Tensor, rows: slice, out: Tensor) -> None:
        """See Branch."""
        place = shared(rows, self.first, self.first + len(self.up))
        if place is not None:
            out[:, place[0]].addmm_(x @ self.down.t(), self.up[place[1]].t(), alpha=self.scale)


class Kronecker:
    """scale × x (left ⊗ right)^T, by its factors: x as a matrix, multiplied from both sides."""

    def __init__(self, left: Tensor, right: Tensor, scale: float, first: int = 0, swapped: bool = False) -> None:
        """left: (a, b), right: (c, d), for rows a × c and inputs b × d. swapped: exchange the halves of the rows."""
        self.left, self.right, self.scale, self.first, self.swapped = left, right, scale, first, swapped

    def add(self, x: Tensor, rows: slice, out: Tensor) -> None:
        """See Branch."""
        height = len(self.left) * len(self.right)
        place = shared(rows, self.first, self.first + height)
        if place is None:
            return
        inner = x.view(len(x), self.left.shape[1], self.right.shape[1]) @ self.right.t()
        whole = (self.left @ inner).flatten(1)
        if self.swapped:
            whole = whole.roll(height // 2, dims=1)
        out[:, place[0]].add_(whole[:, place[1]], alpha=self.scale)


class Rows(Protocol):
    """A (rows, columns) matrix that is decoded by rows."""

    rows: int
    columns: int

    def decode(self, first: int, last: int, out: Tensor) -> None:
        """Write rows first..last (exclusive) into `out`."""


class Hadamard:
    """A matrix that is the product, value by value, of two matrices of low rank; decoded by rows like a packed one."""

    def __init__(self, one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> None:
        """Each: (rows, rank) and (rank, columns), of one type on one device."""
        self.one, self.other = one, other
        self.rows, self.columns = len(one[0]), one[1].shape[1]

    def decode(self, first: int, last: int, out: Tensor) -> None:
        """Write rows first..last (exclusive) into `out`."""
        torch.mm(self.one[0][first:last], self.one[1], out=out)
        out.mul_(self.other[0][first:last] @ self.other[1])


class Matrix:
    """scale × x matrix^T, for a change that has no low rank; the matrix is decoded a run of rows at a time."""

    def __init__(self, matrix: Rows, scale: float, first: int = 0) -> None:
        """matrix: (rows, inputs), for the layer's rows from `first` on."""
        self.matrix, self.scale, self.first = matrix, scale, first

    def add(self, x: Tensor, rows: slice, out: Tensor) -> None:
        """See Branch."""
        place = shared(rows, self.first, self.first + self.matrix.rows)
        if place is None:
            return
        start, stop = place[1].start, place[1].stop
        buffer = scratch.rows(self.matrix.columns, stop - start, x.dtype, x.device)
        for begin in range(start, stop, len(buffer)):
            end = min(begin + len(buffer), stop)
            weight = buffer[: end - begin]
            self.matrix.decode(begin, end, weight)
            at = begin + self.first - rows.start
            out[:, at : at + end - begin].addmm_(x, weight.t(), alpha=self.scale)


class Bias:
    """scale × values, whatever x is."""

    def __init__(self, values: Tensor, scale: float, first: int = 0) -> None:
        """values: (rows,), for the layer's rows from `first` on."""
        self.values, self.scale, self.first = values, scale, first

    def add(self, x: Tensor, rows: slice, out: Tensor) -> None:
        """See Branch."""
        place = shared(rows, self.first, self.first + len(self.values))
        if place is not None:
            out[:, place[0]].add_(self.values[place[1]], alpha=self.scale)
