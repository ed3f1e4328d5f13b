"""A file that grows beside its place under a hidden name, and takes it when it is whole.

Whoever writes holds a lock on the growing file, which the operating system lets go of however the writer ends. So the
next one who makes the same file knows what a writer that was killed has left, and removes it. Where there are no such
locks (Windows, some network drives) it stays.
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import NotWritten
from schemas.quantities import size_text

try:
    import fcntl
except ImportError:  # Windows
    HAS_LOCKS = False
else:
    HAS_LOCKS = True

ENDING = ".part"
LONGEST = 100
"""Letters of the target's name in that of the growing file, which must not become too long for a file system."""
TRIES = 10
"""Times that another run may take a new file for a leftover before it is locked."""


@contextmanager
def growing(target: Path, size: int) -> Iterator[Path]:
    """A file of this size under another name, which becomes the target at the end, or is gone after an error.

    Raises NotWritten if the folder is not there, may not be written to or has no room.
    """
    folder = target.parent
    if not folder.is_dir():
        raise NotWritten(f"{folder} is no folder; make it first, or give another --output.")
    remove_leftovers(target)
    free = shutil.disk_usage(folder).free
    if free < size:
        raise NotWritten(f"{target} needs {size_text(size)}, but {folder} has {size_text(free)} free.")
    try:
        handle, path = _begin(target)
    except OSError as error:
        raise NotWritten(f"{folder} cannot be written to: {error.strerror}.") from error
    file = os.fdopen(handle, "r+b")
    try:
        file.truncate(size)
        yield path
        os.fsync(handle)
        os.chmod(path, 0o666 & ~umask())
        if not HAS_LOCKS:
            file.close()  # Windows moves no open file; elsewhere the lock lasts until the move
        os.replace(path, target)
    finally:
        file.close()
        path.unlink(missing_ok=True)


def remove_leftovers(target: Path) -> None:
    """Remove growing files of this target that nobody writes any more."""
    if not HAS_LOCKS:
        return
    known = re.compile(rf"{re.escape(_begins(target))}[a-z0-9_]{{8}}{re.escape(ENDING)}")
    with suppress(OSError):  # a folder that may not be listed keeps what it has
        for entry in os.scandir(target.parent):
            if known.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_if_left(entry.path)


def _remove_if_left(path: str) -> None:
    with suppress(OSError), open(path, "r+b") as file:  # locked, gone by now, or on a drive without locks: let it be
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)


def _begin(target: Path) -> tuple[int, Path]:
    """A new file, locked where there are locks. Raises OSError."""
    for _ in range(TRIES):
        handle, name = tempfile.mkstemp(ENDING, _begins(target), target.parent)
        if HAS_LOCKS:
            with suppress(OSError):  # a drive without locks, so nobody can take the file for a leftover
                fcntl.flock(handle, fcntl.LOCK_EX)  # waits for who does just now, and has removed it then
            if not os.fstat(handle).st_nlink:
                os.close(handle)
                continue
        return handle, Path(name)
    raise OSError(errno.EBUSY, "new files are removed by another program")


def _begins(target: Path) -> str:
    return f".{target.name[:LONGEST]}."


def umask() -> int:
    """The rights that new files do not get."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
