"""Pictures that carry graphs, made byte by byte or with Pillow."""

import io
import json
import struct
import zlib
from typing import Any

from PIL import Image

GRAPH: dict[str, Any] = {"1": {"class_type": "ToyShow", "inputs": {"value": 1}}}
PROMPT = json.dumps(GRAPH)
EDITOR: dict[str, Any] = {"nodes": [{"id": 1, "type": "ToyShow"}], "links": []}
WORKFLOW = json.dumps(EDITOR)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes) -> bytes:
    """A PNG file of one black pixel with these chunks before the picture."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    picture = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return SIGNATURE + header + b"".join(chunks) + picture + chunk(b"IEND", b"")


def text(keyword: str, value: str) -> bytes:
    """A tEXt chunk."""
    return chunk(b"tEXt", keyword.encode() + b"\0" + value.encode())


def packed_text(keyword: str, value: str) -> bytes:
    """A zTXt chunk."""
    return chunk(b"zTXt", keyword.encode() + b"\0\0" + zlib.compress(value.encode()))


def international_text(keyword: str, value: str, packed: bool = False) -> bytes:
    """An iTXt chunk, packed or not."""
    body = zlib.compress(value.encode()) if packed else value.encode()
    return chunk(b"iTXt", keyword.encode() + b"\0" + bytes([packed, 0]) + b"en\0wort\0" + body)


def with_tags(form: str, tags: dict[int, Any]) -> bytes:
    """A picture saved by Pillow with these EXIF tags; form "webp", "jpeg" or "png"."""
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    return saved(form, exif)


def with_comment(form: str, comment: bytes) -> bytes:
    """A picture with an EXIF user comment."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    return saved(form, exif)


def saved(form: str, exif: Image.Exif) -> bytes:
    """A small picture with this EXIF."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, form, exif=exif)
    return file.getvalue()
