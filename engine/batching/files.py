"""Files that list rows or values: read whole, within bounds, as text of a known encoding."""

import codecs
from difflib import get_close_matches
from pathlib import Path

from engine.errors import GraphInvalid
from engine.reading.printable import printable, shown
from schemas.report import Problem, ProblemCode

LARGEST = 512 * 2**20
"""Bytes."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""What spreadsheets write before the first letter, and what it says."""


def text_of(path: Path) -> str:
    """The text in a file: UTF-8, or what its byte order mark says. Raises GraphInvalid ("unreadable-file")."""
    data = _bytes_of(path)
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        said = f"the file is no text in {encoding.removesuffix('-sig').upper()}: byte {data[error.start]:#04x}."
        raise problem(
            path, said, "Save it as UTF-8 (in a spreadsheet: CSV UTF-8).", line, code="unreadable-file"
        ) from None


def problem(
    path: Path, said: str, fix: str, line: int | None = None, column: str | None = None, code: ProblemCode = "bad-rows"
) -> GraphInvalid:
    """The error for something in a file. line: from 1. column: by name."""
    told = f"column {shown(column)}: {said}" if column is not None else said
    return GraphInvalid([Problem(code=code, file=printable(str(path)), line=line, field=column, said=told, fix=fix)])


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise problem(path, "there is no such file.", _nearby(path), code="unreadable-file") from None
    except (OSError, ValueError) as error:
        said = f"the file cannot be read: {getattr(error, 'strerror', None) or error}."
        raise problem(path, said, "Name a file that you may read.", code="unreadable-file") from None
    if len(data) > LARGEST:
        said = f"the file is larger than {LARGEST // 2**20} MiB."
        raise problem(path, said, "Split it into several batches.", code="unreadable-file")
    return data


def _nearby(path: Path) -> str:
    try:
        near = get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()], 1)
    except OSError:
        near = []
    return f"Did you mean {shown(str(path.with_name(near[0])))}?" if near else "Check the path."
