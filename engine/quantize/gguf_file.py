"""GGUF version 3: a header with metadata and a table of tensors, then their blocks, each aligned to 32 bytes.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Everything before the blocks follows from the pieces
alone, so blocks can be written in any order, by several processes.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from engine.checkpoints.gguf_header import BLOCKS, ORIGINAL_SHAPE
from engine.quantize.contract import Layout, Piece

ALIGNMENT = 32
VERSION = 3
LONGEST_NAME = 127
"""Bytes; what the readers of image models are compiled for."""
UINT32, INT32, STRING, ARRAY = 4, 5, 8, 9
"""Type numbers of metadata values."""

TYPE_NUMBERS: Mapping[str, int] = {name: number for number, (name, _, _) in BLOCKS.items()}


class GgufFile:
    """The container. Metadata: texts and counts, in their order; original shapes follow."""

    def layout(self, pieces: Sequence[Piece], metadata: Mapping[str, Any]) -> Layout:
        """Place all pieces, in order. Raises ValueError for a type or a name that GGUF cannot hold."""
        shapes = {ORIGINAL_SHAPE + piece.name: piece.note for piece in pieces if piece.note is not None}
        pairs = {**metadata, **shapes}
        parts = [b"GGUF", struct.pack("<IQQ", VERSION, len(pieces), len(pairs))]
        parts += [text(key) + value(item) for key, item in pairs.items()]
        offsets, end = [], 0
        for piece in pieces:
            offsets.append(end)
            end = aligned(end + piece.bytes)
            parts.append(entry(piece, offsets[-1]))
        header = b"".join(parts)
        header += bytes(aligned(len(header)) - len(header))
        return Layout(header, tuple(len(header) + offset for offset in offsets), len(header) + end)


def aligned(position: int) -> int:
    """The next position at which a tensor may begin."""
    return -(-position // ALIGNMENT) * ALIGNMENT


def text(string: str) -> bytes:
    """A string with its length before it."""
    data = string.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def value(item: str | int | Sequence[int]) -> bytes:
    """A metadata value with its type before it: a text, a count, or a shape."""
    if isinstance(item, str):
        return struct.pack("<I", STRING) + text(item)
    if isinstance(item, int):
        return struct.pack("<II", UINT32, item)
    return struct.pack(f"<IIQ{len(item)}i", ARRAY, INT32, len(item), *item)


def entry(piece: Piece, offset: int) -> bytes:
    """A line of the table of tensors. offset: from the beginning of the blocks."""
    if piece.dtype not in TYPE_NUMBERS:
        raise ValueError(f"GGUF has no {piece.dtype} for {piece.name!r}")
    if len(piece.name.encode("utf-8")) > LONGEST_NAME:
        raise ValueError(f"{piece.name!r} is longer than GGUF's {LONGEST_NAME} bytes")
    lengths = piece.shape[::-1]
    numbers = struct.pack(f"<I{len(lengths)}QIQ", len(lengths), *lengths, TYPE_NUMBERS[piece.dtype], offset)
    return text(piece.name) + numbers
