"""Blobs: the files of a cache, one for each entry, written under another name first."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

from engine.whole_files import write_new

_NAME = re.compile(r"[0-9a-f]{64}\.safetensors")
_UNFINISHED = ".part"


def digest_of(parts: Iterable[bytes | bytearray | memoryview]) -> bytes:
    """16 bytes that tell whether a file still holds what was written."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.digest()


class Blobs:
    """Files by name (64 hexadecimal digits), in subfolders by the first two. Every method may raise OSError."""

    def __init__(self, folder: Path) -> None:
        """Folder: made when the first file is written."""
        self._folder = folder
        self._start = f"{folder}{os.sep}"

    def path(self, name: str) -> Path:
        """Where the file of that name is, if it is."""
        return self._folder / name[:2] / f"{name}.safetensors"

    def has(self, name: str) -> bool:
        """Whether there is a file of that name; in microseconds, since every step of a plan is asked for."""
        return os.path.exists(f"{self._start}{name[:2]}{os.sep}{name}.safetensors")

    def write(self, name: str, parts: Iterable[bytes | memoryview]) -> Path:
        """Write a file under a name that nobody reads; `place` gives it its own."""
        folder = self._folder / name[:2]
        folder.mkdir(parents=True, exist_ok=True)
        growing = folder / f"{uuid4().hex}{_UNFINISHED}"
        write_new(growing, parts, durable=False)  # what a power cut leaves incomplete is told by its digest
        return growing

    def place(self, growing: Path, name: str) -> None:
        """Give a written file its name."""
        os.replace(growing, self.path(name))

    def read(self, name: str, size: int) -> bytearray:
        """The whole file if it is that large, else nothing."""
        with open(self.path(name), "rb") as file:
            data = bytearray(size if os.fstat(file.fileno()).st_size == size else 0)
            file.readinto(data)
        return data

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already, or that the system will not let go of now, is left."""
        discard(self.path(name))

    def strays(self) -> Iterator[tuple[str | None, Path]]:
        """Every file with its path: its name, or None if it was never given one."""
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            for path in folder.iterdir() if folder.is_dir() else ():
                if path.name.endswith(_UNFINISHED):
                    yield None, path
                elif _NAME.fullmatch(path.name):
                    yield path.stem, path


def discard(path: Path) -> None:
    """Remove a file that is of no use, or leave it to the next prune."""
    with suppress(OSError):
        path.unlink()
