"""Text chunks of PNG files. Format: PNG specification (third edition), 11.3.3: tEXt, zTXt, iTXt; 11.3.4.5: eXIf."""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST_TEXT = 16 * 2**20
"""Bytes of one text after unpacking; more is taken for a decompression bomb and cut, which its JSON then shows."""


def texts(data: bytes) -> Iterator[tuple[str, str]]:
    """(keyword, text) of every text chunk, in order. A damaged chunk is skipped; a truncated file ends early."""
    for kind, body in _chunks(data):
        read = _READERS.get(kind)
        entry = read(body) if read else None
        if entry is not None:
            yield entry


def exif(data: bytes) -> bytes | None:
    """The TIFF structure of the eXIf chunk, or None."""
    return next((body for kind, body in _chunks(data) if kind == b"eXIf"), None)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, b"" if kind == b"IDAT" else data[at + 8 : at + 8 + size]
        at += size + 12


def _text(body: bytes) -> tuple[str, str] | None:
    keyword, found, text = body.partition(b"\0")
    return (_decoded(keyword), _decoded(text)) if found else None


def _packed_text(body: bytes) -> tuple[str, str] | None:
    keyword, found, rest = body.partition(b"\0")
    unpacked = _unpacked(rest[1:]) if found else None
    return (_decoded(keyword), _decoded(unpacked)) if unpacked is not None else None


def _international_text(body: bytes) -> tuple[str, str] | None:
    """keyword NUL flag method language NUL translated keyword NUL text."""
    keyword, _, rest = body.partition(b"\0")
    packed, parts = rest[:1] == b"\1", rest[2:].split(b"\0", 2)
    if len(parts) != 3:
        return None
    text = _unpacked(parts[2]) if packed else parts[2]
    return (_decoded(keyword), _decoded(text)) if text is not None else None


def _unpacked(packed: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(packed, LARGEST_TEXT)
    except zlib.error:
        return None


def _decoded(raw: bytes) -> str:
    """UTF-8 where it fits, since some programs write it into tEXt too; else Latin-1, as the format says."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


_READERS = {b"tEXt": _text, b"zTXt": _packed_text, b"iTXt": _international_text}
