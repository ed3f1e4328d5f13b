"""leaving: where a graph goes when it has run, and what lies beside it there."""

import os
from itertools import count
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from engine.watching.scanning import DONE, ERROR, FAILED, REPORT

LONGEST_NAME = 255
"""Bytes that a file's name may have on the file systems of today."""
ROOM = 12
"""Bytes left for a number, or for what placing has to add."""


class Leaving(NamedTuple):
    """Free places. graph: of the file itself. report, error: of what is said about it."""

    graph: Path
    report: Path
    error: Path


def leaving(folder: Path, name: str, failed: bool) -> Leaving:
    """Below `done` or `failed`, under the name that it had: `a.json` and `a.report.json`, or `a-2.json` and so on.

    A picture keeps its ending in the names beside it (`a.png.report.json`): `a.json` may lie there, too. Names that
    would get too long are cut.
    """
    path = PurePosixPath(name)
    root = folder.joinpath(FAILED if failed else DONE, *path.parent.parts)
    for number in count(1):
        again = "" if number == 1 else f"-{number}"
        room = LONGEST_NAME - len(os.fsencode(path.suffix)) - (ROOM if again else 0)
        graph = f"{_cut(path.stem, room)}{again}{path.suffix}"
        beside = graph.removesuffix(path.suffix) if path.suffix.lower() == ".json" else graph
        beside = _cut(beside, LONGEST_NAME - len(REPORT) - ROOM)
        found = Leaving(root / graph, root / f"{beside}{REPORT}", root / f"{beside}{ERROR}")
        if not any(os.path.lexists(each) for each in found):
            return found
    raise AssertionError("numbers do not end")


def folder_of_pictures(name: str) -> str:
    """The folder of a graph's own pictures, below the output folder: its name without its ending, subfolders kept.

    Graphs that differ in their ending alone share it, and so do runs of a graph that is put in again: pictures there
    are numbered on, none is replaced.
    """
    return name.removesuffix(PurePosixPath(name).suffix).replace("\\", "_")


def _cut(text: str, most: int) -> str:
    """The text, or as much of it as has so many bytes."""
    return text if len(os.fsencode(text)) <= most else text.encode()[:most].decode(errors="ignore")
