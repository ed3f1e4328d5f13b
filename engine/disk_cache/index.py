"""Index: what a cache holds, in SQLite (WAL): sizes, digests, who was used last, and how long steps took."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from engine.disk_cache.places import ASIDE, INDEX, LOCK

OURS = 0x636C7363
"""SQLite's application_id of a file of ours."""
VERSION = 1
"""Its user_version. Raise when the tables change: an index of another version is begun anew."""

PATIENCE = 5.0
"""Seconds that a writer waits for another process."""

TIMES_KEPT = 5
MOST_TIMINGS = 10_000

_TABLES = f"""
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
CREATE TABLE entries (
    name TEXT PRIMARY KEY, key TEXT NOT NULL, surroundings TEXT NOT NULL, class_type TEXT NOT NULL,
    size INTEGER NOT NULL, digest BLOB NOT NULL, seconds REAL NOT NULL,
    made REAL NOT NULL, used REAL NOT NULL, turn INTEGER NOT NULL, hits INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX entries_by_turn ON entries (turn);
CREATE INDEX entries_by_key ON entries (key);
CREATE TABLE held (bytes INTEGER NOT NULL);
INSERT INTO held VALUES (0);
CREATE TRIGGER more AFTER INSERT ON entries BEGIN UPDATE held SET bytes = bytes + NEW.size; END;
CREATE TRIGGER less AFTER DELETE ON entries BEGIN UPDATE held SET bytes = bytes - OLD.size; END;
CREATE TABLE timings (shape TEXT PRIMARY KEY, seconds TEXT NOT NULL);
PRAGMA application_id = {OURS};
PRAGMA user_version = {VERSION};
COMMIT;
"""


State = Literal["found", "made", "renewed"]
"""How an index was come by."""


class Row(NamedTuple):
    """One entry. name: its file's. size: bytes.

    turn: rises with every use; it decides who leaves, since clocks can be set back.
    """

    name: str
    key: str
    surroundings: str
    class_type: str
    size: int
    digest: bytes
    seconds: float
    made: float
    used: float
    turn: int = 0
    hits: int = 0


class Dropped(NamedTuple):
    """What was let go of."""

    entries: int = 0
    bytes: int = 0


class Index:
    """One connection to the index. Every method may raise sqlite3.Error.

    remove: called with the name of each entry that is dropped, before it is gone for other processes too: an entry
    without a file is noticed, a file without an entry would only take room.
    """

    def __init__(self, database: sqlite3.Connection, remove: Callable[[str], None]) -> None:
        """Use an open database that holds the tables."""
        # A power cut may take the last changes back; that leaves files without entries, or entries without files.
        database.execute("PRAGMA synchronous = NORMAL")
        self._database = database
        self._remove = remove

    def find(self, name: str) -> tuple[bytes, int] | None:
        """Digest and size of an entry."""
        row = self._database.execute("SELECT digest, size FROM entries WHERE name = ?", (name,)).fetchone()
        return None if row is None else (row[0], row[1])

    def rows(self) -> list[Row]:
        """All entries, most recently used first."""
        found = self._database.execute(f"SELECT {', '.join(Row._fields)} FROM entries ORDER BY turn DESC")
        return [Row(*row) for row in found]

    def elsewhere(self, key: str) -> list[str]:
        """The surroundings in which outputs of that content key are kept."""
        found = self._database.execute("SELECT surroundings FROM entries WHERE key = ? ORDER BY turn DESC", (key,))
        return [row[0] for row in found]

    def add(self, row: Row, place: Callable[[], None], limit: int) -> bool:
        """Take in an entry, and let others go until all fit; False if another process was faster.

        place: gives the file its name, inside the transaction: no file has its name without an entry, unless its
        process was killed at that moment. The row's turn is not looked at: it is the last one used.
        """
        with self._writing():
            if self.find(row.name) is not None:
                return False
            place()
            marks = ", ".join("?" * len(row))
            row = row._replace(turn=self._turn())
            self._database.execute(f"INSERT INTO entries ({', '.join(Row._fields)}) VALUES ({marks})", row)
            self._shrink(limit)
        return True

    def use(self, uses: Mapping[str, tuple[int, float]]) -> None:
        """Count uses of entries, the last one used last. uses: name to how often, and when for the last time."""
        with self._writing():
            turn = self._turn()
            self._database.executemany(
                "UPDATE entries SET hits = hits + ?, used = ?, turn = ? WHERE name = ?",
                [(hits, used, turn + place, name) for place, (name, (hits, used)) in enumerate(uses.items())],
            )

    def drop(self, name: str, digest: bytes) -> None:
        """Drop an entry whose file is not what it was, unless another process has made it again meanwhile."""
        with self._writing():
            gone = self._database.execute("DELETE FROM entries WHERE name = ? AND digest = ?", (name, digest))
            if gone.rowcount:
                self._remove(name)

    def prune(
        self, limit: int | None, used_before: float | None, strays: Callable[[], Iterable[tuple[str | None, Path]]]
    ) -> Dropped:
        """Drop what was used last before that time, and then the least recently used until at most `limit` bytes stay.

        strays: lists files that are there; those that no entry names are removed.
        """
        with self._writing():
            dropped = Dropped()
            if used_before is not None:
                old = "SELECT name, size FROM entries WHERE used < ?"
                dropped = self._drop_all(self._database.execute(old, (used_before,)).fetchall())
            if limit is not None:
                more = self._shrink(limit)
                dropped = Dropped(dropped.entries + more.entries, dropped.bytes + more.bytes)
            for name, path in strays():
                if name is None or self.find(name) is None:
                    path.unlink(missing_ok=True)
        return dropped

    def took(self, seconds: Mapping[str, float]) -> None:
        """Remember times by what took them: the last few of each, and of so many."""
        with self._writing():
            known = self.times(seconds)
            rows = [(shape, json.dumps([*known.get(shape, ()), time][-TIMES_KEPT:])) for shape, time in seconds.items()]
            # A replaced row counts as a new one, so that those with low numbers are those not timed for long.
            self._database.executemany("INSERT OR REPLACE INTO timings VALUES (?, ?)", rows)
            newest = "SELECT max(rowid) FROM timings"
            self._database.execute(f"DELETE FROM timings WHERE rowid <= ({newest}) - {MOST_TIMINGS}")

    def times(self, shapes: Iterable[str]) -> dict[str, list[float]]:
        """The times remembered, the last one last; shapes without any are left out."""
        found: dict[str, list[float]] = {}
        for shape in shapes:
            row = self._database.execute("SELECT seconds FROM timings WHERE shape = ?", (shape,)).fetchone()
            if row is not None:
                found[shape] = json.loads(row[0])
        return found

    def close(self) -> None:
        """Close the connection."""
        self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction: the only one, from its first moment, in all processes."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:  # a full disk may have ended it
                self._database.execute("ROLLBACK")
            raise

    def _turn(self) -> int:
        return int(self._database.execute("SELECT coalesce(max(turn), 0) + 1 FROM entries").fetchone()[0])

    def _shrink(self, limit: int) -> Dropped:
        (excess,) = self._database.execute("SELECT bytes - ? FROM held", (limit,)).fetchone()
        leaving: list[tuple[str, int]] = []
        if excess > 0:
            for name, size in self._database.execute("SELECT name, size FROM entries ORDER BY turn"):
                leaving.append((name, size))
                excess -= size
                if excess <= 0:
                    break
        return self._drop_all(leaving)

    def _drop_all(self, leaving: Iterable[tuple[str, int]]) -> Dropped:
        names, sizes = [], 0
        for name, size in leaving:
            self._remove(name)
            names.append((name,))
            sizes += size
        self._database.executemany("DELETE FROM entries WHERE name = ?", names)
        return Dropped(len(names), sizes)


def open_to_read(folder: Path) -> sqlite3.Connection | None:
    """The index of a folder that cannot be written; None if there is none. Raises sqlite3.Error."""
    path = folder / INDEX
    if not path.is_file():
        return None
    for way in ("mode=ro", "immutable=1"):  # without a file of shared memory only the second one works
        with suppress(sqlite3.OperationalError):  # this way is barred; the caller is told if both are
            database = _checked(f"{path.absolute().as_uri()}?{way}")
            if database is not None:
                return database
    return None


def open_to_write(folder: Path, distrusted: int | None = None) -> tuple[sqlite3.Connection, State]:
    """The index of a folder, made if there is none, or instead of one that is damaged or foreign and is put aside.

    distrusted: the inode of an index that turned out to be damaged. Raises sqlite3.Error, OSError.
    """
    path = folder / INDEX
    if distrusted is None and (database := _open_ours(path)) is not None:
        return database, "found"
    import filelock

    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / LOCK, timeout=PATIENCE):  # of several processes that find it so, one renews it
        if inode_of(folder) != distrusted and (database := _open_ours(path)) is not None:
            return database, "found"
        put_aside = path.exists() and path.stat().st_size > 0
        for ending in ("-wal", "-shm"):
            Path(f"{path}{ending}").unlink(missing_ok=True)
        if put_aside:
            os.replace(path, folder / ASIDE)
        database = _connect(path.absolute().as_uri())
        try:
            database.executescript(_TABLES)
        except BaseException:
            database.close()
            raise
        return database, "renewed" if put_aside else "made"


def inode_of(folder: Path) -> int | None:
    """What tells the index file from a later one of the same name; None if there is none."""
    try:
        return os.stat(folder / INDEX).st_ino
    except OSError:
        return None


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the file is no index, or no longer one."""
    return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _open_ours(path: Path) -> sqlite3.Connection | None:
    """A connection to an index of ours; None if there is none, or something else."""
    if not path.is_file():
        return None
    try:
        return _checked(f"{path.absolute().as_uri()}?mode=rw")
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return None
        raise


def _checked(address: str) -> sqlite3.Connection | None:
    """A connection to an index of ours; None if it is something else. Raises sqlite3.DatabaseError."""
    database = _connect(address)
    ours = False
    try:
        ours = _is_ours(database)
    finally:
        if not ours:
            database.close()
    return database if ours else None


def _connect(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, PATIENCE, isolation_level=None, check_same_thread=False, uri=True)


def _is_ours(database: sqlite3.Connection) -> bool:
    """Whether it is an index in a shape that we know. Raises sqlite3.DatabaseError if it is no database."""
    with closing(database.execute("PRAGMA application_id")) as told:
        ours = told.fetchone() == (OURS,)
    with closing(database.execute("PRAGMA user_version")) as told:
        return ours and bool(told.fetchone() == (VERSION,))
