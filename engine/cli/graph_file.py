"""The file that a graph is written to: looked at before anything else is done, written whole or not at all."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Literal

from engine.errors import GraphInvalid, NotWritten
from schemas.report import Problem

BEGINNING = 64
"""Bytes that tell a workflow's text from a picture or a model."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def check_place(name: str) -> None:
    """Raise GraphInvalid if no graph may be written there: no folder, or a file that is no JSON text.

    A picture that carries a graph is easily named twice, and would be lost.
    """
    path = Path(name)
    code: Literal["bad-setting", "would-overwrite"] = "bad-setting"
    if not name:
        said, fix = "-o: the name of the file is empty.", "Name a file, or leave -o out."
    elif path.is_dir():
        said, fix = f"-o: {name!r} is a folder, not a file.", "Name a file in it."
    elif not path.parent.is_dir():
        said, fix = f"-o: {str(path.parent)!r} is no folder.", "Make it first, or name another file."
    elif path.exists() and not path.is_file():
        said, fix = f"-o: {name!r} is no ordinary file.", "Without -o the graph goes to standard output."
    elif path.exists() and not _is_json(path):
        code, said, fix = "would-overwrite", f"-o: {name!r} exists, and is no workflow text.", "Name another file."
    else:
        return
    raise GraphInvalid([Problem(code=code, said=said, fix=fix)])


def _is_json(path: Path) -> bool:
    with open(path, "rb") as file:
        begin = file.read(BEGINNING).removeprefix(BYTE_ORDER_MARK).lstrip()
    return not begin or begin.startswith(b"{")


def text_of(document: dict[str, Any], unicode: bool = True) -> str:
    """A graph as people and editors write it. unicode: whether letters beyond ASCII can stand as they are."""
    return json.dumps(document, indent=2, ensure_ascii=not unicode)


def write(path: Path, document: dict[str, Any]) -> None:
    """Write a graph; through a link, to the file it leads to. Raises NotWritten, and then nothing was changed."""
    target = Path(os.path.realpath(path))
    try:
        handle, growing = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text_of(document) + "\n")
            os.chmod(growing, 0o666 & ~_umask())
            os.replace(growing, target)
        except BaseException:
            os.unlink(growing)
            raise
    except OSError as error:
        raise NotWritten(f"the graph could not be written to {path}: {error.strerror or error}.") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
