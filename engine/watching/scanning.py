"""scanning: the files of a folder and its subfolders that may hold graphs, as they stand now."""

import os
import stat
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from engine.reading.source import GRAPH_ENDINGS
from engine.whole_files import stamp_of

DONE, FAILED = "done", "failed"
"""Where graphs go when they have run, below the watched folder."""
STATE = ".comfyless"
"""Where the journal lies, below the watched folder."""
REPORT, ERROR = ".report.json", ".error.txt"
"""Endings of what lies beside a graph that has run."""
TEMPORARY = (".part", ".tmp", ".temp", ".crdownload", ".download", ".swp", "~")
"""Endings of names that files have only while somebody writes them."""


class Standing(NamedTuple):
    """A file. name: its path below the folder, parted by "/". stamp: changes with its content."""

    name: str
    stamp: str
    mtime_ns: int


class Scan(NamedTuple):
    """What is in a folder. folders: paths of those that were looked into, itself included, in the order looked into."""

    files: list[Standing]
    folders: list[str]


def scan(folder: Path, skipped: Collection[Path], ignored: Callable[[str, str], None]) -> Scan:
    """Every file that may hold a graph, in no order. skipped: absolute paths of folders that are none of ours.

    ignored: told name and reason of each file that is passed over, unless its name says that it is hidden or temporary.
    A symbolic link to a file is read, one to a folder is not followed. Raises OSError if the folder itself cannot be
    listed; what goes away meanwhile is left out.
    """
    nowhere = {os.fspath(path) for path in (*skipped, folder / DONE, folder / FAILED)}
    found = Scan([], [])
    rest = [(os.fspath(folder), "")]
    for path, below in rest:  # grows on the way
        try:
            entries = list(os.scandir(path))
        except OSError as error:
            if path == rest[0][0]:
                raise
            if not isinstance(error, FileNotFoundError):
                ignored(below, f"cannot be looked into: {error.strerror}")
            continue
        found.folders.append(path)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                rest += [(entry.path, f"{below}{entry.name}/")] if entry.path not in nowhere else []
            elif file := _standing(entry, below + entry.name, ignored):
                found.files.append(file)
    return found


def _standing(entry: os.DirEntry[str], name: str, ignored: Callable[[str, str], None]) -> Standing | None:
    lower = entry.name.lower()
    if lower.endswith((*TEMPORARY, REPORT, ERROR)):
        return None
    if os.path.splitext(lower)[1] not in GRAPH_ENDINGS:
        ignored(name, f"is no graph: its name ends in none of {', '.join(sorted(GRAPH_ENDINGS))}")
        return None
    try:
        name.encode()
        found = entry.stat()
    except UnicodeEncodeError:
        ignored(name, "is passed over: its name is not UTF-8; rename it")
        return None
    except OSError:
        if entry.is_symlink():
            ignored(name, "is passed over: it is a link to nothing")
        return None  # else it is gone again
    if not stat.S_ISREG(found.st_mode):
        ignored(name, f"is passed over: it is {'a link to a folder' if stat.S_ISDIR(found.st_mode) else 'no file'}")
        return None
    return Standing(name, stamp_of(found), found.st_mtime_ns)
