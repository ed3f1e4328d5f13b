"""Arrivals: files that were put into a folder and are whole, in the order in which they came.

A file is whole when two looks, a moment apart, find it unchanged and its bytes reach to their end; or, if nobody can
tell from the bytes, when it has not changed for a while. Only the monotonic clock is asked, and it is asked how long
ago *we* saw the file change: dates of files may lie in the future, and the wall clock may jump.
"""

import os
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.reading.source import LARGEST
from engine.watching.endings import is_whole
from engine.watching.scanning import Standing, scan
from engine.whole_files import stamp_of

STILL = 0.05
"""Seconds between two looks that must find a file unchanged."""
SETTLE = 2.0
"""Seconds that a file must rest if its bytes do not show that it is whole."""
BUDGET = 0.1
"""Seconds that one look may spend on reading files, so that the first of many can run while others are looked at."""


class Arrival(NamedTuple):
    """A file that can be run. name: its path below the folder, parted by "/". stamp: as it was when found whole."""

    name: str
    stamp: str


@dataclass(slots=True)
class _Seen:
    """What is known of a file. since: when we first saw it like this. whole: None: not looked into yet."""

    stamp: str
    since: float
    mtime_ns: int
    whole: bool | None = None
    given: bool = False


class Arrivals:
    """What has arrived in a folder; safe for threads. Nothing happens between two looks.

    folders: paths of the folder and its subfolders, as the last look found them.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settle: float = SETTLE,
        skipped: Collection[Path] = (),
        note: Callable[[str], None] = lambda said: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """skipped: absolute paths of folders below it that hold no graphs. note: told once of each file passed over."""
        self.folder, self.folders = folder, [str(folder)]
        self._settle, self._skipped, self._note, self._clock = settle, skipped, note, clock
        self._seen: dict[str, _Seen] = {}
        self._noted: set[str] = set()
        self._lock = threading.Lock()

    def look(self) -> list[Arrival]:
        """What is whole now and was not given before in this state. Raises OSError if the folder cannot be listed.

        First come first; of those that were first seen together, the oldest, then by name.
        """
        with self._lock:
            now = self._clock()
            files, self.folders = scan(self.folder, self._skipped, self._ignored)
            self._update(files, now)
            waiting = ((name, seen) for name, seen in self._seen.items() if not seen.given)
            rested = [(name, seen) for name, seen in waiting if now - seen.since >= STILL]
            rested.sort(key=lambda each: (each[1].since, each[1].mtime_ns, each[0]))
            found, until = [], self._clock() + BUDGET
            for name, seen in rested:
                if self._is_ready(name, seen, now):
                    seen.given = True
                    found.append(Arrival(name, seen.stamp))
                if self._clock() > until:
                    break
            return found

    @property
    def pending(self) -> bool:
        """Whether files stand there that are not given yet."""
        with self._lock:
            return any(not seen.given for seen in self._seen.values())

    def due(self) -> float | None:
        """Seconds until another look may find something though nothing stirs; None: never."""
        with self._lock:
            now = self._clock()
            ends = [seen.since + (self._settle if seen.whole is False else STILL) for seen in self._waiting()]
            return max(min(ends) - now, 0.0) if ends else None

    def given(self) -> list[str]:
        """Names of files that were given and still stand there."""
        with self._lock:
            return [name for name, seen in self._seen.items() if seen.given]

    def forget(self, names: Iterable[str]) -> bool:
        """Give these files again if they stand there; whether any does."""
        standing = False
        with self._lock:
            for name in names:
                if os.path.lexists(self.folder / name):
                    standing = True
                    if name in self._seen:
                        self._seen[name].given = False
                else:
                    self._seen.pop(name, None)
        return standing

    def _waiting(self) -> Iterable[_Seen]:
        return (seen for seen in self._seen.values() if not seen.given)

    def _update(self, standing: list[Standing], now: float) -> None:
        """Forget what is gone, start anew with what has changed."""
        here: dict[str, _Seen] = {}
        for name, stamp, mtime_ns in standing:
            seen = self._seen.get(name)
            here[name] = seen if seen is not None and seen.stamp == stamp else _Seen(stamp, now, mtime_ns)
        self._seen = here

    def _is_ready(self, name: str, seen: _Seen, now: float) -> bool:
        if seen.whole is None:
            seen.whole = self._is_whole(name, seen.stamp)
        return seen.whole or now - seen.since >= self._settle

    def _is_whole(self, name: str, stamp: str) -> bool | None:
        """Whether the file reaches to its end; None if it has changed meanwhile, which the next look will see."""
        path = self.folder / name
        try:
            found = path.stat()
            if stamp_of(found) != stamp:
                return None
            return found.st_size <= LARGEST and is_whole(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError:  # who runs it will say why it cannot be read
            return False

    def _ignored(self, name: str, why: str) -> None:
        if name not in self._noted:
            self._noted.add(name)
            self._note(f"{name} {why}")
