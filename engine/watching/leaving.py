"""leaving: where a graph goes when it has run, and what lies beside it there."""

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from engine.watching.scanning import DONE, ERROR, FAILED, REPORT


class Leaving(NamedTuple):
    """Places, as they are if nothing has these names yet. graph: of the file. report, error: of what is said of it."""

    graph: Path
    report: Path
    error: Path


def leaving(folder: Path, name: str, failed: bool) -> Leaving:
    """Below `done` or `failed`, under the name that it had: `a.json`, `a.report.json`, `a.error.txt`.

    A picture keeps its ending in the names beside it (`a.png.report.json`): `a.json` may lie there, too. Who moves the
    files (engine.working.placing) numbers names that are taken, all three alike, and cuts those that are too long.
    """
    path = PurePosixPath(name)
    graph = folder.joinpath(FAILED if failed else DONE, *path.parts)
    beside = graph.stem if graph.suffix.lower() == ".json" else graph.name
    return Leaving(graph, graph.with_name(f"{beside}{REPORT}"), graph.with_name(f"{beside}{ERROR}"))


def folder_of_pictures(name: str) -> str:
    """The folder of a graph's own pictures, below the output folder: its name without its ending, subfolders kept.

    Graphs that differ in their ending alone share it, and so do runs of a graph that is put in again: pictures there
    are numbered on, none is replaced.
    """
    return name.removesuffix(PurePosixPath(name).suffix).replace("\\", "_")
