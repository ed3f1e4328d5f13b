"""Troubles: what a disk can do to a cache, and what is said of each kind, once."""

import errno
import sqlite3
from collections.abc import Callable
from threading import Lock
from typing import Literal

from engine.disk_cache.index import is_damage

Trouble = Literal["full", "closed", "busy", "damaged", "broken"]
"""What is wrong: no room; nothing may be written; another process writes for very long; no index; anything else."""

SAID: dict[Trouble, str] = {
    "full": "there is no room for it ({why}); nothing more is kept there",
    "closed": "it cannot be written ({why}); nothing more is kept there",
    "busy": "another process has kept it busy ({why}); something was not kept there",
    "damaged": "its index was damaged, or of another kind; it was put aside, and the cache begins anew",
    "broken": "the disk failed ({why}); nothing more is kept there",
}

_BY_NUMBER: dict[int | None, Trouble] = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "full"),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST), "closed"),
}
_BY_CODE: dict[int, Trouble] = {
    sqlite3.SQLITE_FULL: "full",
    **dict.fromkeys((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM), "closed"),
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), "busy"),
}


def trouble_of(error: sqlite3.Error | OSError) -> Trouble:
    """The kind of trouble that an error tells of."""
    if is_damage(error):
        return "damaged"
    if isinstance(error, TimeoutError):
        return "busy"
    if isinstance(error, OSError):
        return _BY_NUMBER.get(error.errno, "broken")
    return _BY_CODE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "broken")


class Complaints:
    """Sentences about trouble, each kind once; noted in any thread, told in the one that asks."""

    def __init__(self, place: str, warn: Callable[[str], None] | None) -> None:
        """place: of the cache, as sentences begin. warn: told them; None if nobody listens."""
        self._place, self._warn = place, warn
        self._noted: set[Trouble] = set()
        self._untold: list[str] = []
        self._lock = Lock()

    def note(self, trouble: Trouble, why: object = "") -> None:
        """Something happened."""
        with self._lock:
            if trouble not in self._noted:
                self._noted.add(trouble)
                self._untold.append(f"cache {self._place}: {SAID[trouble].format(why=why)}.")

    def tell(self) -> None:
        """Say what has not been said yet."""
        with self._lock:
            untold, self._untold = self._untold, []
        for said in untold:
            if self._warn is not None:
                self._warn(said)
