"""GgufBlocks: a matrix in ggml's block formats, as GGUF files hold it.

On a CPU libgguf decodes, straight into the buffer asked for. Where there is no wheel of it, and on GPUs, torch does,
several times slower than libgguf on a CPU; `native` tells which.
"""

from functools import cache
from types import ModuleType

import torch
from torch import Tensor

from engine.inference.weights.blocked import Blocked, piece
from engine.inference.weights.ggml.formats import block_format


@cache
def _library() -> ModuleType | None:
    try:
        import libgguf
    except ImportError:
        return None
    return libgguf


def native() -> bool:
    """Whether blocks in main memory are decoded by libgguf, not in torch."""
    return _library() is not None


class GgufBlocks(Blocked):
    """A (rows, columns) matrix in blocks of one kind."""

    def __init__(
        self,
        blocks: Tensor,
        kind: str,
        rows: int,
        columns: int,
        arithmetic: torch.dtype | None = None,
        offset: int = 0,
    ) -> None:
        """blocks: flat uint8, all blocks in order, row after row. kind: as ggml names it, "Q4_K".

        columns need not be a multiple of a block: narrow matrices are stored as rows of 256, and blocks then run
        across rows. arithmetic: a narrow type to multiply codes with scales in, as ComfyUI-GGUF does it for some kinds
        (the others pay no heed); None: float32. offset: values of the first block before row 0.

        Raises ValueError for a kind there is no decoder for, and for bytes that are not as many as the sizes want.
        """
        self.kind, self.format = kind, block_format(kind)
        super().__init__(rows, columns, blocks.nbytes, self.format.values, offset)
        self.arithmetic = arithmetic if self.format.narrow else None
        wanted = -(-(offset + rows * columns) // self.format.values) * self.format.bytes
        if blocks.dtype != torch.uint8 or blocks.dim() != 1 or len(blocks) != wanted:
            shape = f"{tuple(blocks.shape)} {blocks.dtype}".replace("torch.", "")
            raise ValueError(f"{kind} blocks of {rows} × {columns} values take {wanted} uint8, not {shape}")
        self.blocks = blocks

    def fill(self, first: int, last: int, out: Tensor) -> None:
        """Decode blocks first..last (exclusive) into `out`, flat float32."""
        raw = self.blocks[first * self.format.bytes : last * self.format.bytes]
        library = _library() if out.device.type == raw.device.type == "cpu" else None
        if library is not None and self.arithmetic is None:
            number = int(library.GGMLQuantizationType[self.kind])
            library.dequantize_rows_into_raw(number, raw.numpy(), out.numpy(), 1, len(out))
            return
        blocks, values = raw.view(-1, self.format.bytes), out.view(-1, self.format.values)
        step = piece(out.device) // self.format.values
        for start in range(0, len(blocks), step):
            values[start : start + step].copy_(self._decoded(blocks[start : start + step].to(out.device)))

    def _decoded(self, blocks: Tensor) -> Tensor:
        """(n, bytes) → (n, values), in torch."""
        if self.arithmetic is not None and self.format.narrow is not None:
            return self.format.narrow(blocks, self.arithmetic)
        return self.format.decode(blocks)

    def cut(self, first: int, last: int) -> "GgufBlocks":
        """Rows first..last (exclusive), sharing the same bytes; a block that straddles the cut belongs to both."""
        start, stop, offset = self.blocks_of(first, last)
        blocks = self.blocks[start * self.format.bytes : stop * self.format.bytes]
        return GgufBlocks(blocks, self.kind, last - first, self.columns, self.arithmetic, offset)

    def to(self, device: torch.device) -> "GgufBlocks":
        """The same matrix with its bytes on `device`."""
        return GgufBlocks(self.blocks.to(device), self.kind, self.rows, self.columns, self.arithmetic, self.offset)
