"""Settling: a whole file gets its place on disk without ever taking another's, in steps that a crash cannot spoil."""

import errno
import filecmp
import os
import shutil
import time
from pathlib import Path

from engine.whole_files import give_name, naming, passing_name

CLAIM_SECONDS = 0.1
"""An empty file that stands longer than this was left by a crash; between claim and picture lie microseconds."""


def settle(source: Path, target: Path, again: bool = False) -> None:
    """Move a file to its place; if that was done before, nothing. The target's folder must be there.

    again: this pair was tried before, by somebody who may have died at it. Raises FileExistsError, and changes nothing,
    if the place is taken by another file; FileNotFoundError if the file is nowhere; OSError with EXDEV if it lies on
    another file system.
    """
    if not source.exists() and target.exists():
        return
    try:
        give_name(source, target)
    except FileExistsError:
        if _is_same(source, target):
            source.unlink()
        elif again and _is_dead_claim(target):
            os.replace(source, target)
        else:
            raise


def settle_across(source: Path, target: Path, again: bool = False) -> None:
    """Like `settle`, also between file systems, where a file of equal bytes at the target counts as this one."""
    passing = passing_name(source, target.parent)
    if source.exists() and target.exists() and filecmp.cmp(source, target, shallow=False):
        source.unlink()
        passing.unlink(missing_ok=True)
        return
    try:
        settle(source, target, again)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        settle(bring(source, target.parent), target, again)
        source.unlink()


def bring(source: Path, folder: Path) -> Path:
    """A copy of a file in a folder on another file system, whole and under a passing name; the same one each time."""
    passing = passing_name(source, folder)
    with naming(folder / source.name), open(source, "rb") as reading, open(passing, "wb") as writing:
        shutil.copyfileobj(reading, writing)
        writing.flush()
        os.fsync(writing.fileno())
    return passing


def keep_names(folders: set[Path]) -> None:
    """Wait until the names in these folders are on the disk itself. Windows does that by itself."""
    if os.name == "nt":
        return
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # a network share that cannot
                raise
        finally:
            os.close(descriptor)


def _is_same(source: Path, target: Path) -> bool:
    """Whether both names are of one file: a link was made, and its maker died before the first name went."""
    try:
        return os.path.samefile(source, target)
    except FileNotFoundError:
        return False


def _is_dead_claim(target: Path) -> bool:
    """Whether an empty file stands here that nobody will fill: its maker, who was to replace it at once, has died."""
    before = target.stat()
    if before.st_size:
        return False
    time.sleep(CLAIM_SECONDS)
    after = target.stat()
    return (after.st_size, after.st_mtime_ns, after.st_ino) == (0, before.st_mtime_ns, before.st_ino)
