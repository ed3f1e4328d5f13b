"""One pass over a folder tree, following links without going round in circles."""

import os
from collections.abc import Iterator
from typing import NamedTuple

SKIPPED = frozenset({".git"})


class Scan(NamedTuple):
    """What one pass found. names: relative to the root, POSIX slashes, unsorted. folders: path to mtime in ns."""

    names: list[str]
    folders: dict[str, int]

    def is_current(self) -> bool:
        """Whether every folder still has the time it had; adding or removing a file changes its folder's."""
        try:
            return all(os.stat(path).st_mtime_ns == time for path, time in self.folders.items())
        except OSError:
            return False


def scan(root: str, suffixes: frozenset[str]) -> Scan:
    """All files below a root with one of these suffixes (lower case; empty for all). A missing root has none."""
    found = Scan([], {})
    for name in _walk(root, "", (), found.folders):
        if not suffixes or os.path.splitext(name)[1].lower() in suffixes:
            found.names.append(name)
    return found


def _walk(path: str, below: str, above: tuple[tuple[int, int], ...], folders: dict[str, int]) -> Iterator[str]:
    """Names of files, depth first. above: device and inode of the folders we are in, where links must not lead back."""
    waiting = [(path, below, above)]
    while waiting:
        path, below, above = waiting.pop()
        try:
            facts = os.stat(path)
            identity = (facts.st_dev, facts.st_ino)
            if identity in above:
                continue
            entries = list(os.scandir(path))
        except OSError:
            continue  # not there, or not ours to read: it holds nothing for us
        folders[path] = facts.st_mtime_ns
        for entry in entries:
            kind = _kind(entry)
            if kind == "file":
                yield below + entry.name
            elif kind == "folder" and entry.name not in SKIPPED:
                waiting.append((entry.path, f"{below}{entry.name}/", (*above, identity)))


def _kind(entry: os.DirEntry[str]) -> str:
    """What an entry is, links followed; "" for links that lead nowhere or to themselves."""
    try:
        return "file" if entry.is_file() else "folder" if entry.is_dir() else ""
    except OSError:
        return ""
