"""Files of graphs: where one may be written, and how."""

import json
from pathlib import Path
from typing import Any

from engine.cli import out_file

BEGINNING = 64
"""Bytes that tell a workflow's text from a picture or a model."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def check_place(name: str) -> None:
    """Raise GraphInvalid if no graph may be written there: no folder, or a file that is no JSON text."""
    out_file.check_place(name, _is_json, "is no workflow text", "Without -o the graph goes to standard output.")


def _is_json(path: Path) -> bool:
    with open(path, "rb") as file:
        begin = file.read(BEGINNING).removeprefix(BYTE_ORDER_MARK).lstrip()
    return not begin or begin.startswith(b"{")


def text_of(document: dict[str, Any], unicode: bool = True) -> str:
    """A graph as people and editors write it. unicode: whether letters beyond ASCII can stand as they are."""
    return json.dumps(document, indent=2, ensure_ascii=not unicode)


def write(path: Path, document: dict[str, Any]) -> None:
    """Write a graph. Raises NotWritten, and then nothing was changed."""
    out_file.write(path, (text_of(document) + "\n").encode(), "the graph")
