"""Packed: a weight matrix as its file holds it, and what a layer may ask of one."""

from typing import Protocol

import torch
from torch import Tensor


class Packed(Protocol):
    """A (rows, columns) matrix in some storage.

    bytes: what it takes as stored. Every kind decodes any run of whole rows exactly, so a fused matrix can be cut by
    rows without decoding it first.
    """

    rows: int
    columns: int
    bytes: int

    def decode(self, first: int, last: int, out: Tensor) -> None:
        """Write rows first..last (exclusive) into `out` (last - first, columns), in its float type, on its device."""

    def take(self, ids: Tensor, out: Tensor) -> None:
        """Write the rows `ids` (n,), whole numbers, into `out` (n, columns), in its float type, on its device."""

    def cut(self, first: int, last: int) -> "Packed":
        """Rows first..last (exclusive), sharing the same bytes."""

    def to(self, device: torch.device) -> "Packed":
        """The same matrix with its bytes on `device`."""

    def as_is(self, dtype: torch.dtype, device: torch.device) -> Tensor | None:
        """The whole matrix as a tensor if it is stored in just this type on this device, without copying; else None."""


class Plain:
    """Rows of ordinary floats: fp16, bf16, fp32, in whichever type the file has."""

    def __init__(self, values: Tensor, through: torch.dtype | None = None) -> None:
        """values: (rows, columns) of a float type with at least 16 bits. through: a type to round to while decoding."""
        self.values, self.through = values, through
        self.rows, self.columns = values.shape
        self.bytes = values.nbytes

    def decode(self, first: int, last: int, out: Tensor) -> None:
        """Cast rows; exact when the type of `out` is at least as wide, but for the rounding asked for."""
        rows = self.values[first:last]
        out.copy_(rows if self.through is None else rows.to(self.through))

    def take(self, ids: Tensor, out: Tensor) -> None:
        """Look rows up and cast them."""
        rows = self.values[ids.to(self.values.device)]
        out.copy_(rows if self.through is None else rows.to(self.through))

    def cut(self, first: int, last: int) -> "Plain":
        """Rows first..last (exclusive), sharing the same bytes."""
        return Plain(self.values[first:last], self.through)

    def to(self, device: torch.device) -> "Plain":
        """The same matrix with its bytes on `device`."""
        return Plain(self.values.to(device), self.through)

    def as_is(self, dtype: torch.dtype, device: torch.device) -> Tensor | None:
        """The values themselves if they already have this type and place."""
        same = self.values.dtype == dtype and self.values.device == device and self.through is None
        return self.values if same else None
