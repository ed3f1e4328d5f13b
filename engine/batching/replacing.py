"""Replacing: a file is written under a passing name beside its place, and takes it when all of it is on the disk."""

import io
import os
from pathlib import Path


class Replacement:
    """Opens what is to become a file. If the block raises, or the disk refuses, the file stays as it was.

    The passing name is the same each time, so that what a killed process has left goes with the next try; two processes
    must not replace one file at once.
    """

    def __init__(self, path: Path) -> None:
        """Touch nothing on disk yet."""
        self._path = path
        self._passing = path.with_name(f".{path.name}.part")

    def __enter__(self) -> io.BufferedWriter:
        """Make the folder if need be, and the file to write to."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._passing.open("wb")
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Give the file its name."""
        try:
            with self._file:
                if kind is None:
                    self._file.flush()
                    os.fsync(self._file.fileno())
            if kind is None:
                os.replace(self._passing, self._path)
        finally:
            self._passing.unlink(missing_ok=True)
