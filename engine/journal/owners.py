"""Owners' lock files: a process is alive as long as it holds its own; the system gives it back however it dies.

Names are never used again, so who was once found dead stays dead. A try at a lock holds it for an instant: two that try
a dead owner's at once may both take it for alive, and find out at their next look. Opened before a fork, a lock stays
with the parent (filelock closes what the child inherits).
"""

import os
import secrets
from collections.abc import Collection
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import JournalInvalid

SUFFIX = ".lock"


class Hold:
    """The lock of this process, from now until `release` or its death. folder: made if it is not there."""

    def __init__(self, folder: Path) -> None:
        """Raises JournalInvalid where the file system has no locks."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        self._lock = FileLock(self.path, blocking=False, thread_local=False, fallback_to_soft=False)
        try:
            self._lock.acquire()
        except OSError as error:
            if isinstance(error, Timeout):
                raise
            raise JournalInvalid(
                f"{folder} lies where files cannot be locked ({error}). Name another place."
            ) from error

    def release(self) -> None:
        """Give the lock back; its file goes too."""
        self._lock.release()
        self.path.unlink(missing_ok=True)


def held(path: Path) -> bool:
    """Whether anybody holds this lock. One that we may not try, since it is another user's, counts as held."""
    if not path.exists():
        return False
    lock = FileLock(path, blocking=False, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except (Timeout, PermissionError):
        return True
    lock.release()
    return False


def sweep(folder: Path, keep: Collection[str]) -> None:
    """Remove lock files that nobody holds, but for these names."""
    for path in folder.glob(f"*{SUFFIX}"):
        if path.name not in keep and not held(path):
            path.unlink(missing_ok=True)
