"""From a path, or standard input, to bytes: missing files, folders and files far too large are told apart here."""

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO

from engine.errors import GraphInvalid
from engine.reading.printable import printable, shown
from engine.reading.recognise import Reading, read
from schemas.report import Problem

STANDARD_INPUT = "-"
LARGEST = 256 * 2**20
"""Bytes. The largest graphs have a few megabytes; pictures of this size do not come out of ComfyUI."""
GRAPH_ENDINGS = {".json", ".png", ".webp", ".jpg", ".jpeg"}


def read_file(path: str | Path) -> Reading:
    """The workflow or the editor's graph in a file, or on standard input for "-".

    Raises GraphInvalid with every problem found: of the file ("unreadable-file"), its text or its nodes.
    """
    return read(str(path), bytes_of(path))


def bytes_of(path: str | Path) -> bytes:
    """What is in a file, or on standard input for "-". Raises GraphInvalid ("unreadable-file")."""
    name = str(path)
    if not name:
        raise _unreadable(name, "the name of the file is empty.", "Name a file; '-' reads from standard input.")
    return _standard_input() if name == STANDARD_INPUT else _bytes_of(name)


def _standard_input() -> bytes:
    return _limited(STANDARD_INPUT, sys.stdin.buffer)


def _bytes_of(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return _limited(name, file)
    except FileNotFoundError:
        raise _unreadable(name, "there is no such file.", _nearby(Path(name))) from None
    except IsADirectoryError:
        raise _unreadable(name, "this is a folder, not a file.", _inside(Path(name))) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(name, f"the file cannot be read: {reason}.", "Check its name and permissions.") from error


def _limited(name: str, file: BinaryIO) -> bytes:
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        said = f"the file is larger than {LARGEST // 2**20} MiB, which no workflow is."
        raise _unreadable(name, said, "Give the exported JSON file or the picture ComfyUI saved.")
    return data


def _unreadable(name: str, said: str, fix: str) -> GraphInvalid:
    return GraphInvalid([Problem(code="unreadable-file", file=printable(name), said=said, fix=fix)])


def _siblings(folder: Path) -> list[str]:
    """Names in a folder, of files that may hold a graph; none if it cannot be listed."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.suffix.lower() in GRAPH_ENDINGS)
    except OSError:
        return []


def _nearby(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {shown(str(folder))} does not exist either; check the path."
    near = get_close_matches(path.name, _siblings(folder), n=3)
    if near:
        return f"Did you mean {' or '.join(shown(str(folder / name)) for name in near)}?"
    return "Check the path; '-' reads from standard input."


def _inside(folder: Path) -> str:
    names = _siblings(folder)[:3]
    if names:
        return f"Name a file in it, such as {shown(str(folder / names[0]))}."
    return "Name a workflow file."
