"""The journal's SQLite file: opened, recognised or made; its tables; texts as they are stored.

With WAL a change takes one fsync, or none if it need not outlive a power cut. Where WAL cannot be had, on some network
mounts, the file stays in SQLite's rollback mode, which takes several.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from engine.errors import JournalInvalid

APPLICATION = 0x434C4A4E
"""Tells our file from others of SQLite: CLJN, in the file's header."""

VERSION = 1
"""Raise when the tables change."""

PATIENCE = 30.0
"""Seconds to wait for another process's transaction; they last milliseconds, unless a disk is very busy."""

TABLES = """
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    payload TEXT NOT NULL,
    grouping TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'finishing', 'done', 'failed')),
    owner INTEGER CHECK ((owner IS NULL) = (state NOT IN ('running', 'finishing'))),
    attempts INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,
    error TEXT,
    seconds REAL NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    ended REAL,
    ending INTEGER CHECK ((ending IS NULL) = (state NOT IN ('done', 'failed')))
);
CREATE UNIQUE INDEX job_name ON job (name) WHERE ending IS NULL;
CREATE INDEX job_state ON job (state, ending);
CREATE INDEX job_group ON job (grouping) WHERE state = 'waiting';
CREATE INDEX job_owner ON job (owner) WHERE owner IS NOT NULL;
CREATE TABLE owner (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lock TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started REAL NOT NULL,
    beat REAL NOT NULL,
    doing TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE fact (key TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
"""
# ending: the jobs that are over, numbered as they ended; a clock would not do, since it can be set back. Each index has
# the id at its end, so it also gives jobs as they were queued.


def connect(path: Path, owners: Path, *, read_only: bool) -> tuple[sqlite3.Connection, str]:
    """The open file and its SQLite journal mode ("wal" as a rule). owners: folder of lock files, in being.

    Raises JournalInvalid if it is not ours, FileNotFoundError if it is only to be read and is not there.
    """
    if path.is_dir():
        raise JournalInvalid(f"{path} is a folder, not a journal. Move it away, or name another place.")
    if read_only and not path.is_file():
        raise FileNotFoundError(f"{path} is not there.")
    connection = _open(path, "rw" if read_only else "rwc")
    try:
        with told(path):
            if read_only:
                connection = _readable(path, connection)
            if not _ours(path, connection):
                if read_only:
                    raise JournalInvalid(f"{path} is empty: no journal yet.")
                with FileLock(owners / "opening", timeout=PATIENCE, fallback_to_soft=False):
                    if not _ours(path, connection):  # nobody else was quicker
                        _make(connection)
            connection.execute(f"PRAGMA query_only = {read_only}")
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection, str(mode)


def _open(path: Path, how: str) -> sqlite3.Connection:
    """SQLite's connection; nothing is read yet. how: its `mode`, and what else it is told in the address."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={how}",
        uri=True,
        timeout=PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )


def _readable(path: Path, connection: sqlite3.Connection) -> sqlite3.Connection:
    """A connection that can read. In "rw", as one in "ro" would leave SQLite's side files lying behind."""
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        connection.close()  # the folder takes no side files: nobody writes here, so that none are needed
        return _open(path, "ro&immutable=1")
    return connection


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What SQLite says of a file that is damaged or none of its own, in words."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        raise JournalInvalid(
            f"{path} is no journal, or a damaged one ({error}). Move it away, or name another place."
        ) from error


def _ours(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether the file is a journal; no: it is new and empty. Raises JournalInvalid if it is something else."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application, version, tables) == (0, 0, 0):
        return False
    if application != APPLICATION:
        raise JournalInvalid(f"{path} is another program's database. Move it away, or name another place.")
    if version > VERSION:
        raise JournalInvalid(
            f"{path} was written by a newer comfyless (version {version}; this one knows {VERSION}). Update comfyless, "
            "or name another place."
        )
    return True


def _make(connection: sqlite3.Connection) -> None:
    """All of it or nothing, whenever we die: SQLite's header numbers belong to the transaction as tables do."""
    with suppress(sqlite3.OperationalError):  # the file lies where WAL cannot be had; the mode that it has will do
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def stored(value: object) -> Any:
    """The value as SQLite takes it. A text with lone surrogates, as names that are not UTF-8 have, becomes bytes."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
    return value


def read(value: Any) -> Any:
    """The value of a column as it was before `stored`."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value
