"""Whole files: a file has its name only when all of it is there, and takes no other's place unless it is told to.

Until then it has a passing name (`.comfyless-….part`) in the same folder. Every function here may raise OSError, and
has then changed nothing that somebody would take for a result.
"""

import errno
import hashlib
import os
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

NO_LINKS = frozenset(
    {errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}
)
"""What systems without hard links say (exFAT, some network shares; EINVAL is Windows'), or links that are forbidden."""


def own_passing_name(folder: Path) -> Path:
    """A passing name that nobody else uses, for what several processes may write at once."""
    return folder / f".comfyless-{os.getpid()}-{random.getrandbits(64):016x}.part"


def passing_name(path: Path, folder: Path) -> Path:
    """The passing name of one file, the same each time, so that what a crash has left goes with the next try.

    It fits wherever the file's own name did.
    """
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return folder / f".comfyless-{digest}.part"


def write_new(path: Path, parts: Iterable[bytes | memoryview], durable: bool) -> None:
    """Write a file that is not there. durable: wait until it is on the disk itself. Raises FileExistsError if it is."""
    file = open(path, "xb")
    with _removed_on_failure(path), file:
        file.writelines(parts)
        file.flush()
        if durable:
            os.fsync(file.fileno())


def write_instead(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file in the place of the one that is there, if one is; of several writers at once the last one stays."""
    passing = own_passing_name(path.parent)
    write_new(passing, parts, durable=False)
    with _removed_on_failure(passing):
        os.replace(passing, path)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Opens what is to be a file, and is one, on the disk itself, when the block ends; if it raises, nothing changes.

    Two processes must not replace one file at once.
    """
    passing = passing_name(path, path.parent)
    try:
        with naming(path), open(passing, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(passing, path)
    finally:
        passing.unlink(missing_ok=True)


def give_name(source: Path, target: Path) -> None:
    """Give a whole file its name. Raises FileExistsError, and changes nothing, if another file has it."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _claim(source, target)
    else:
        source.unlink()


def stamp_of(found: os.stat_result) -> str:
    """What tells two states of a file apart, and two files: `size mtime_ns ino`."""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ino}"


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let the trouble of a write, which names no file, name this one."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def _claim(source: Path, target: Path) -> None:
    """Take the name first, then fill it: where no links are, the only way that never replaces another's file."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        os.replace(source, target)
    except BaseException:
        if source.exists():  # and the name is still empty
            target.unlink(missing_ok=True)
        raise


@contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):  # what went wrong first is what is to be told
            path.unlink(missing_ok=True)
        raise
