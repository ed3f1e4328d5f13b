"""Embedding: a table that stays in its file; only the rows looked up are read and widened."""

import torch
from torch import Tensor, nn


class Embedding(nn.Module):
    """A table of (entries, width) in any float type, fp8 included."""

    def __init__(self, entries: int, width: int) -> None:
        """Only the sizes; `fill` brings the table."""
        super().__init__()
        self.entries, self.width = entries, width
        self.table: Tensor | None = None
        self.through: torch.dtype | None = None

    def fill(self, table: Tensor, through: torch.dtype | None = None) -> None:
        """Take a table of (entries, width), as the file holds it. through: a type to round to what is looked up."""
        self.table, self.through = table, through

    def forward(self, ids: Tensor, dtype: torch.dtype) -> Tensor:
        """(...) whole numbers → (..., width) in `dtype`, on the device of `ids`.

        NaN becomes 0: some published fp8 tables of T5 hold NaN where fp16 overflowed (ComfyUI does the same).
        """
        if self.table is None:
            raise RuntimeError("an Embedding was called before it was filled")
        table = self.table
        if table.element_size() == 1:  # PyTorch looks rows up in wider types only; bytes are bytes
            found = table.view(torch.uint8)[ids.to(table.device)].view(table.dtype).to(dtype)
            return found.nan_to_num_().to(ids.device)
        found = table[ids.to(table.device)]
        return found.to(self.through or found.dtype).to(dtype).to(ids.device)
