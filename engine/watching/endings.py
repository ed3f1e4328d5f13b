"""endings: whether the bytes of a graph's file reach to their end, told from the bytes alone."""

import json

LONGEST_TEXT = 32 * 2**20
"""Bytes of JSON that are parsed to see whether they are whole; a longer text is taken when it has come to rest."""
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"
_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


def is_whole(data: bytes) -> bool:
    """Whether a file that holds these bytes has been written to its end: JSON, PNG, WebP or JPEG, whatever its name.

    False also for what is none of them: nobody can tell where that ends.
    """
    if data.startswith(_PNG):
        return data.endswith(_PNG_END)
    if data.startswith(_JPEG):
        return data.endswith(_JPEG_END)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return len(data) >= 8 + int.from_bytes(data[4:8], "little")
    return _is_json(data)


def _is_json(data: bytes) -> bool:
    if len(data) > LONGEST_TEXT or not data.rstrip(b"\0 \t\r\n").endswith((b"}", b"]")):  # NUL: the end in UTF-16
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
