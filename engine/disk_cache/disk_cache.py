"""Disk cache: outputs by content key, kept for other processes and later days.

What a value depends on besides its key (the kind of device, the type computed in, the versions of comfyless and torch)
is part of the key here: see `surroundings`. Tensors lie in safetensors files, the rest of a value as JSON in their
headers; the index, with sizes, times of use and digests, in SQLite (WAL). Nothing is unpickled. A damaged entry is
noticed by its digest, dropped, and made again by whoever asked. Several processes may write; the least recently used
entries leave when the folder would get larger than its limit.

Values are copied when they are put, and written by a thread: for a picture of 1024×1024 pixels (12 MiB) that is 2 to
10 ms instead of 30 to 60, and nodes may change tensors in place afterwards.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EACCES
from hashlib import sha256
from importlib.metadata import version
from os import W_OK, access, strerror
from pathlib import Path
from threading import RLock
from typing import Any

from engine import VERSION
from engine.disk_cache import values
from engine.disk_cache.blobs import Blobs, digest_of, discard
from engine.disk_cache.index import Dropped, Index, Row, inode_of, open_to_read, open_to_write
from engine.disk_cache.places import INDEX, VALUES
from engine.disk_cache.troubles import Complaints, trouble_of

Parts = list[bytes | memoryview]
"""The bytes of a file."""

LARGEST_SHARE = 4
"""An entry larger than the limit divided by this is not kept: it would drive out too much."""

MOST_UNWRITTEN = 256 * 2**20
"""Bytes that may wait to be written. On a disk that is slower than the run, what comes then is not kept."""

USES_EVERY = 1.0
"""Seconds between two writings of what was used."""


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


def surroundings(device: str, dtype: str) -> str:
    """What values depend on besides their content keys, in words. device, dtype: as settings name them, resolved."""
    return f"comfyless {VERSION}, torch {version('torch')}, {device.partition(':')[0]}, {dtype}"


def _size(parts: Parts) -> int:
    return sum(map(len, parts))


def _line_of(row: Row) -> Line:
    return Line(row.key, row.class_type, row.size, row.seconds, row.made, row.used, row.hits, row.surroundings)


class DiskCache:
    """Outputs in a folder. Safe for several processes, and for threads of one.

    A folder that cannot be written, or is full, takes nothing more and says so once through `warn`; what is there can
    still be read.
    """

    def __init__(
        self, folder: Path, limit: int, surroundings: str = "", warn: Callable[[str], None] | None = None
    ) -> None:
        """limit: bytes. surroundings: what keys do not say. warn: told a sentence, once for each kind of trouble.

        The folder is made. warn is called by the methods, never from another thread.
        """
        self.limit = limit
        self.surroundings = surroundings
        self._folder = folder
        self._blobs = Blobs(folder / VALUES)
        self._complaints = Complaints(str(folder), warn)
        self._reading_lock, self._writing_lock = RLock(), RLock()
        self._reading: Index | None = None
        self._writing: Index | None = None
        self._inode: int | None = None
        self._writer = ThreadPoolExecutor(1, "disk-cache")
        self._tasks: list[Future[None]] = []
        self._unwritten: dict[str, Parts] = {}
        self._spoiled: set[str] = set()
        self._uses: dict[str, tuple[int, float]] = {}
        self._uses_written = time.monotonic()
        self._open()
        self._complaints.tell()

    def has(self, key: str) -> bool:
        """Whether that key is kept (a lookup in the index, in well under 0.1 ms)."""
        name = self._name(key)
        if name in self._unwritten:
            return True
        return name not in self._spoiled and self._find(name) is not None and self._blobs.has(name)

    def get(self, key: str) -> Found | None:
        """What is kept under that key, verified; None if nothing is, or it was damaged and has been dropped."""
        name = self._name(key)
        parts = self._unwritten.get(name)
        data = self._read(name) if parts is None else bytearray().join(parts)
        if data is None:
            return None
        outputs, about = values.unpack(data)
        self._use(name)
        return Found(tuple(outputs), about)

    def put(
        self, key: str, class_type: str, outputs: Sequence[Sequence[Any]], about: Mapping[str, Any], seconds: float
    ) -> bool:
        """Keep it, if every value can be written down; whether it is kept. Never raises for a disk's trouble.

        It is copied before this returns, can be had from now on, and is written soon; `flush` waits for that.
        """
        self._complaints.tell()
        if self._writing is None:
            return False
        if self.has(key):
            return True
        try:
            parts = values.pack([[list(items) for items in outputs], dict(about)])
        except values.NotStorable:
            return False
        size = _size(parts)
        waiting = sum(map(_size, tuple(self._unwritten.values())))
        if size > self.limit // LARGEST_SHARE or (waiting and waiting + size > MOST_UNWRITTEN):
            return False
        name, now = self._name(key), time.time()
        row = Row(name, key, self.surroundings, class_type, size, b"", seconds, made=now, used=now)
        self._unwritten[name] = parts
        self._later(lambda index: self._write(index, row, parts), name)
        return True

    def lines(self) -> list[Line]:
        """Every entry, most recently used first."""
        self.flush()
        with self._guarded(), self._reading_lock:
            if self._reading is not None:
                return [_line_of(row) for row in self._reading.rows()]
        return []

    def elsewhere(self, key: str) -> list[str]:
        """The surroundings, other than these, in which outputs of that key are kept, for explaining."""
        with self._guarded(), self._reading_lock:
            if self._reading is not None:
                return [name for name in self._reading.elsewhere(key) if name != self.surroundings]
        return []

    def prune(self, limit: int | None = None, older_than: float | None = None) -> tuple[int, int]:
        """Drop the least recently used until `limit` bytes remain, and what was not used for so many seconds.

        (entries, bytes) dropped. Files that no entry names, left by processes that were killed, go too.
        """
        self.flush()
        dropped = Dropped()
        with self._guarded(), self._writing_lock:
            if self._writing is not None:
                before = None if older_than is None else time.time() - older_than
                dropped = self._writing.prune(limit, before, self._blobs.strays)
        self._complaints.tell()
        return dropped.entries, dropped.bytes

    def timed(self, shapes: Mapping[str, float]) -> None:
        """Remember how long steps took, in seconds, by what they are apart from seeds and texts."""
        times = {self._name(shape): seconds for shape, seconds in shapes.items()}
        if times and self._writing is not None:
            self._later(lambda index: index.took(times))

    def timings(self, shapes: Iterable[str]) -> dict[str, float]:
        """How long such steps took the last times; those never timed are left out."""
        self.flush()
        with self._guarded(), self._reading_lock:
            if self._reading is not None:
                names = {self._name(shape): shape for shape in shapes}
                known = self._reading.times(names)
                return {names[name]: sum(times) / len(times) for name, times in known.items()}
        return {}

    def flush(self) -> None:
        """Wait until everything that was put is written."""
        if self._uses and self._writing is not None:
            self._later(self._write_uses)
        with self._reading_lock:
            tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.result()
        self._complaints.tell()

    def close(self) -> None:
        """Write what is pending, and close the index."""
        self.flush()
        self._writer.shutdown()
        with self._writing_lock, self._reading_lock:
            self._close()

    def _name(self, key: str) -> str:
        return sha256(f"{self.surroundings}\n{key}".encode()).hexdigest()

    def _find(self, name: str) -> tuple[bytes, int] | None:
        with self._guarded(), self._reading_lock:
            if self._reading is not None:
                return self._reading.find(name)
        return None

    def _read(self, name: str) -> bytearray | None:
        """A file that is as it was written; else its entry is dropped."""
        known = self._find(name)
        if known is None:
            return None
        digest, size = known
        try:
            data = self._blobs.read(name, size)
            if digest_of([data]) == digest:
                return data
        except OSError:
            pass  # gone, or on a bad place of the disk: as good as damaged
        with self._guarded(), self._writing_lock:
            if self._writing is not None:
                self._writing.drop(name, digest)
                return None
        self._spoiled.add(name)  # it cannot be dropped, so it is remembered
        return None

    def _write(self, index: Index, row: Row, parts: Parts) -> None:
        """Write one entry; in the writer's thread."""
        growing: Path | None = None
        try:
            self._write_uses(index)
            growing = written = self._blobs.write(row.name, parts)
            row = row._replace(digest=digest_of(parts))
            if index.add(row, lambda: self._blobs.place(written, row.name), self.limit):
                growing = None
        except FileNotFoundError:  # a prune has swept it away, or somebody the whole folder
            return
        finally:
            if growing is not None:
                discard(growing)

    def _use(self, name: str) -> None:
        """Count a use, to be written with others."""
        with self._reading_lock:
            hits, _ = self._uses.pop(name, (0, 0.0))
            self._uses[name] = (hits + 1, time.time())
        if self._writing is not None and time.monotonic() - self._uses_written > USES_EVERY:
            self._uses_written = time.monotonic()
            self._later(self._write_uses)

    def _write_uses(self, index: Index) -> None:
        with self._reading_lock:  # what has no row yet is counted later
            uses = {name: use for name, use in self._uses.items() if name not in self._unwritten}
            self._uses = {name: use for name, use in self._uses.items() if name not in uses}
        if uses:
            index.use(uses)

    def _later(self, task: Callable[[Index], None], name: str | None = None) -> None:
        """Do something with the index that is written to, in the writer's thread. name: of the entry it writes."""
        # What raised stays, for flush to raise it again: a fault of ours, since trouble of the disk is noted.
        with self._reading_lock:
            self._tasks = [known for known in self._tasks if not known.done() or known.exception() is not None]
            self._tasks.append(self._writer.submit(self._do, task, name))

    def _do(self, task: Callable[[Index], None], name: str | None) -> None:
        try:
            with self._guarded(), self._writing_lock:
                if self._writing is not None:
                    task(self._writing)
        finally:
            if name is not None:
                self._unwritten.pop(name, None)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Note the disk's trouble, and draw the consequences. To be entered before any lock."""
        inode = self._inode
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            trouble = trouble_of(error)
            self._complaints.note(trouble, error)
            with self._writing_lock, self._reading_lock:
                if trouble == "damaged" and inode == self._inode:
                    self._close()
                    self._open(inode)
                elif trouble not in ("damaged", "busy") and self._writing is not None:
                    self._writing.close()
                    self._writing = None

    def _open(self, distrusted: int | None = None) -> None:
        """Open the index, for writing if that can be. distrusted: the inode of one that is damaged."""
        places = [self._folder, self._folder / INDEX]
        try:
            if not all(access(place, W_OK) for place in places if place.exists()):
                raise PermissionError(EACCES, strerror(EACCES), str(self._folder))
            database, state = open_to_write(self._folder, distrusted)
            self._writing = Index(database, self._blobs.remove)
            if state == "renewed":
                self._complaints.note("damaged")
            if state != "found":  # files that are there already belong to an index that is no more
                self._writing.prune(None, None, self._blobs.strays)
            self._reading = Index(open_to_write(self._folder)[0], self._blobs.remove)
        except (sqlite3.Error, OSError) as error:
            self._close()
            self._complaints.note(trouble_of(error), error)
            self._open_to_read()
        self._inode = inode_of(self._folder)

    def _open_to_read(self) -> None:
        try:
            database = open_to_read(self._folder)
            self._reading = None if database is None else Index(database, self._blobs.remove)
        except sqlite3.Error as error:
            self._complaints.note(trouble_of(error), error)

    def _close(self) -> None:
        for index in (self._writing, self._reading):
            if index is not None:
                index.close()
        self._writing = self._reading = None
