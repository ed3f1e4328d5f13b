"""Embedding: a table that stays in its file; only the rows looked up are read and decoded."""

import torch
from torch import Tensor, nn

from engine.inference.weights.fp8 import Float8
from engine.inference.weights.packed import Packed


class Embedding(nn.Module):
    """A table of (entries, width) in any storage."""

    def __init__(self, entries: int, width: int) -> None:
        """Only the sizes; `fill` brings the table."""
        super().__init__()
        self.entries, self.width = entries, width
        self.packed: Packed | None = None

    def fill(self, packed: Packed) -> None:
        """Take a table of (entries, width), as the file holds it."""
        self.packed = packed

    def forward(self, ids: Tensor, dtype: torch.dtype) -> Tensor:
        """(...) whole numbers → (..., width) in `dtype`, on the device of `ids`.

        NaN in 8-bit tables becomes 0: some published fp8 tables of T5 hold NaN where fp16 overflowed (ComfyUI does the
        same).
        """
        if self.packed is None:
            raise RuntimeError("an Embedding was called before it was filled")
        found = torch.empty(ids.numel(), self.width, dtype=dtype, device=ids.device)
        self.packed.take(ids.reshape(-1), found)
        if isinstance(self.packed, Float8):
            found.nan_to_num_()
        return found.view(*ids.shape, self.width)
