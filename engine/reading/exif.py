"""Texts in EXIF tags, and where WebP and JPEG files keep EXIF.

Formats: TIFF 6.0 section 2 (image file directories), EXIF 2.32 (user comment), RIFF/WebP container, JPEG (ITU T.81 B).
ComfyUI writes "prompt:{...}" and "workflow:{...}" into the tags Model (0x0110) and Make (0x010f) and those below.
"""

import struct
from collections.abc import Iterator

EXIF_DIRECTORY = 0x8769
USER_COMMENT = 0x9286
MOST_TAGS = 1000
_ITEM_SIZES = {1: 1, 2: 1, 7: 1, 129: 1}
"""Types that may hold text: bytes, ASCII, undefined, UTF-8."""
_COMMENT_CODES = {b"ASCII\0\0\0": "utf-8", b"\0\0\0\0\0\0\0\0": "utf-8", b"JIS\0\0\0\0\0": "iso2022_jp"}
_EXIF_MARK = b"Exif\0\0"


def webp_exif(data: bytes) -> bytes | None:
    """The TIFF structure of a WebP file's EXIF chunk, or None."""
    at = 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            return data[at + 8 : at + 8 + size].removeprefix(_EXIF_MARK)
        at += 8 + size + (size & 1)
    return None


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, body) of the segments before the picture itself."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:  # fill bytes and markers without a body
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xDA, 0xD9):
            return
        size = struct.unpack_from(">H", data, at + 2)[0]
        yield marker, data[at + 4 : at + 2 + size]
        at += 2 + max(size, 2)


def jpeg_exif(data: bytes) -> bytes | None:
    """The TIFF structure of a JPEG file's APP1 segment, or None."""
    bodies = (body for marker, body in jpeg_segments(data) if marker == 0xE1 and body.startswith(_EXIF_MARK))
    return next((body.removeprefix(_EXIF_MARK) for body in bodies), None)


def texts(tiff: bytes) -> list[str]:
    """Every text in the first image directory and its EXIF directory, in order; none if the bytes are no TIFF."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return []
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)
    found = []
    for tag, kind, raw in _entries(tiff, first, order):
        if tag == EXIF_DIRECTORY and kind == 4 and len(raw) == 4:
            (below,) = struct.unpack(f"{order}I", raw)
            found += [_text_of(*entry, order) for entry in _entries(tiff, below, order)]
        else:
            found.append(_text_of(tag, kind, raw, order))
    return [text for text in found if text]


def _entries(tiff: bytes, at: int, order: str) -> Iterator[tuple[int, int, bytes]]:
    """(tag, type, raw value) of one directory."""
    if at + 2 > len(tiff):
        return
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    for index in range(min(count, MOST_TAGS)):
        entry = at + 2 + 12 * index
        if entry + 12 > len(tiff):
            return
        tag, kind, items, offset = struct.unpack_from(f"{order}HHII", tiff, entry)
        size = items * _ITEM_SIZES.get(kind, 4)
        start = entry + 8 if size <= 4 else offset
        yield tag, kind, tiff[start : start + size]


def _text_of(tag: int, kind: int, raw: bytes, order: str) -> str | None:
    if kind not in _ITEM_SIZES:
        return None
    if tag == USER_COMMENT and len(raw) >= 8:
        code, raw = raw[:8], raw[8:]
        if code == b"UNICODE\0":
            return _utf16(raw, order)
        return raw.decode(_COMMENT_CODES.get(code, "utf-8"), "replace").strip("\0 ")
    return raw.decode("utf-8", "replace").strip("\0 ")


def _utf16(raw: bytes, order: str) -> str:
    """Programs disagree on the byte order here: JSON's first character tells it."""
    little = raw[1:2] == b"\0" if raw[:2] not in (b"\xff\xfe", b"\xfe\xff") else raw[:2] == b"\xff\xfe"
    big = raw[:1] == b"\0" or raw[:2] == b"\xfe\xff"
    name = "utf-16-le" if little or (not big and order == "<") else "utf-16-be"
    return raw.decode(name, "replace").strip("\0 \ufeff")
