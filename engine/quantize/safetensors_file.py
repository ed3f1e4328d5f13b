"""The safetensors file format: https://huggingface.co/docs/safetensors."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.checkpoints.safetensors_header import DTYPES
from engine.checkpoints.storage import PLAIN_BITS
from engine.quantize.contract import Layout, Piece

ALIGNMENT = 8
"""Bytes that the header's length is a multiple of, so that what follows can be mapped."""

CODES: Mapping[str, str] = {name: code for code, name in DTYPES.items()}
"""Our names of types to the format's."""


class SafetensorsFile:
    """A header in JSON, then tensors without holes. The same pieces always give the same bytes.

    Tensors of wider types come first, otherwise they stay in order: so each begins at a multiple of its own width, as
    readers that map files need it, and as the reference implementation writes them.
    """

    def layout(self, pieces: Sequence[Piece], metadata: Mapping[str, Any]) -> Layout:
        """Place all pieces. metadata: texts. Raises ValueError for a name that comes twice, a type the format lacks."""
        starts, at = [0] * len(pieces), 0
        entries: dict[str, Any] = {"__metadata__": {key: str(value) for key, value in metadata.items()}}
        for number in sorted(range(len(pieces)), key=lambda number: -width(pieces[number])):
            piece = pieces[number]
            if piece.name in entries:
                raise ValueError(f"{piece.name!r} is there twice")
            starts[number], at = at, at + piece.bytes
            place = [starts[number], at]
            entries[piece.name] = {"dtype": CODES[piece.dtype], "shape": list(piece.shape), "data_offsets": place}
        text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % ALIGNMENT)
        header = len(text).to_bytes(8, "little") + text
        return Layout(header, tuple(len(header) + start for start in starts), len(header) + at)


def width(piece: Piece) -> int:
    """Bits of one value. Raises ValueError for a type that the format does not have."""
    if piece.dtype not in CODES:
        raise ValueError(f"{piece.name!r} is to be stored as {piece.dtype}, which safetensors files do not know")
    return PLAIN_BITS[piece.dtype]
