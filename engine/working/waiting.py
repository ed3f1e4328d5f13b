"""Waiting: how long to leave a disk alone that is full or away, and how to tell it from one that will never do."""

import errno
import os
import sqlite3
import time
from collections.abc import Callable

FIRST, LONGEST = 1.0, 60.0
"""Seconds between two tries; twice as long after each that failed."""

HOPELESS = frozenset(
    {
        errno.ENAMETOOLONG,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.EISDIR,
        errno.EINVAL,
        errno.EILSEQ,
        errno.ELOOP,
        errno.EFBIG,
    }
)
"""What no waiting will change: a name that the disk cannot have, a file where a folder should be."""


def may_pass(error: Exception) -> bool:
    """Whether trouble with the disk may be over by itself, or when somebody makes room."""
    return isinstance(error, OSError) and error.errno not in HOPELESS


def told(error: Exception) -> str:
    """Trouble with the disk in words: where, and what."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    where = [os.fspath(path) for path in (error.filename, error.filename2) if isinstance(path, str | os.PathLike)]
    return f"{where[-1]}: {error.strerror}" if where else error.strerror


class Backoff:
    """A pause that gets longer each time. clock: seconds, that only go forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """No pause yet."""
        self._clock, self._next, self._until = clock, FIRST, 0.0

    @property
    def left(self) -> float:
        """Seconds until the next try; 0 if it may be made now."""
        return max(0.0, self._until - self._clock())

    def lengthen(self) -> None:
        """A try has failed."""
        self._until = self._clock() + self._next
        self._next = min(2 * self._next, LONGEST)

    def reset(self) -> None:
        """It works again."""
        self._next, self._until = FIRST, 0.0


class Owed:
    """What the disk did not let us do, to be tried again. wait: told why, each time that it is not over yet."""

    def __init__(self, wait: Callable[[str], None]) -> None:
        """Nothing is owed."""
        self._wait, self._pause = wait, Backoff()
        self._acts: dict[int, tuple[str, Callable[[], None]]] = {}

    def __len__(self) -> int:
        """How many jobs wait."""
        return len(self._acts)

    def __str__(self) -> str:
        """Why they wait, told of the first one."""
        first = next((why for why, _ in self._acts.values()), "")
        return first + (f"; and {len(self._acts) - 1:,} more" if len(self._acts) > 1 else "")

    def attempt(self, job: int, name: str, act: Callable[[], None]) -> None:
        """Do something for a job now, or owe it. It must bear being begun again."""
        try:
            act()
        except (OSError, sqlite3.OperationalError) as error:
            self._acts[job] = (f"{name} has run, and its results wait for the disk: {told(error)}", act)
            self._lengthen()

    def pay(self, now: bool = False) -> None:
        """Try again, unless the last try is too recent for that. now: even so."""
        if not self._acts or (self._pause.left and not now):
            return
        acts, self._acts = self._acts, {}
        for job, (why, act) in acts.items():
            try:
                act()
            except (OSError, sqlite3.OperationalError):
                self._acts[job] = (why, act)
        if self._acts:
            self._lengthen()
        else:
            self._pause.reset()

    def _lengthen(self) -> None:
        self._pause.lengthen()
        self._wait(str(self))
