"""Disk cache: outputs by content key, kept for other processes and later days.

What a value depends on besides its key (the kind of device, the type computed in, the versions of comfyless and torch)
is part of the key here: see `surroundings`. Tensors lie in safetensors files, the rest of a value as JSON in their
headers; the index, with sizes, times of use and digests, in SQLite (WAL). Nothing is unpickled. A damaged entry is
noticed by its digest, dropped, and made again by whoever asked. Several processes may write; the least recently used
entries leave when the folder would get larger than its limit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Found:
    """What was kept. outputs: one list of items for each output of the node. about: JSON that came with it."""

    outputs: tuple[list[Any], ...]
    about: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the index, for people. key: the content key. made, used: seconds since 1970. seconds: it took."""

    key: str
    class_type: str
    bytes: int
    seconds: float
    made: float
    used: float
    hits: int
    surroundings: str


class DiskCache:
    """Outputs in a folder. Safe for several processes.

    A folder that cannot be written, or is full, takes nothing more and says so once through `warn`; what is there can
    still be read.
    """

    def __init__(self, folder: Path, limit: int, surroundings: str = "", warn: Any = None) -> None:
        """limit: bytes. surroundings: what keys do not say. warn: told a sentence, once for each kind of trouble."""
        raise NotImplementedError

    def has(self, key: str) -> bool:
        """Whether that key is kept (a lookup in the index, in well under 0.1 ms)."""
        raise NotImplementedError

    def get(self, key: str) -> Found | None:
        """What is kept under that key, verified; None if nothing is, or it was damaged and has been dropped."""
        raise NotImplementedError

    def put(
        self, key: str, class_type: str, outputs: Sequence[Sequence[Any]], about: Mapping[str, Any], seconds: float
    ) -> bool:
        """Keep it, if every value can be written down; whether it is kept. Never raises for a disk's trouble."""
        raise NotImplementedError

    def lines(self) -> list[Line]:
        """Every entry, most recently used first."""
        raise NotImplementedError

    def prune(self, limit: int | None = None, older_than: float | None = None) -> tuple[int, int]:
        """Drop the least recently used until `limit` bytes remain, and what was not used for so many seconds.

        (entries, bytes) dropped. Files that no entry names, left by processes that were killed, go too.
        """
        raise NotImplementedError

    def timed(self, shapes: Mapping[str, float]) -> None:
        """Remember how long steps took, in seconds, by what they are apart from seeds and texts."""
        raise NotImplementedError

    def timings(self, shapes: Iterable[str]) -> dict[str, float]:
        """How long such steps took the last times; those never timed are left out."""
        raise NotImplementedError

    def close(self) -> None:
        """Write what is pending, and close the index."""
        raise NotImplementedError
