"""Journal: a SQLite file (WAL) of jobs, that several processes claim from, and each may be killed at any moment.

A job is *waiting*, then *running* (claimed by one owner), then *finishing* (it has run; its outcome is written here and
its files are being put in their places), then *done* or *failed*. An owner that dies leaves its jobs as they are; who
finds them (`orphans`) takes them over: a running one is to be run again, a finishing one to be finished.

Owners are alive as long as they hold the lock on their own file beside the journal (engine.journal.owners): the system
gives it back when a process dies, however it dies; no clock is asked.
"""

import json
import os
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, get_args

from engine.journal.database import connect, read, stored, told
from engine.journal.owners import Hold, held, sweep
from schemas.job import JobState

STATES: tuple[JobState, ...] = get_args(JobState)

COLUMNS = "id, name, payload, grouping, state, attempts, crashes, outcome, error, seconds, created, ended"

CLEAN = "attempts = 0, crashes = 0, error = NULL"
"""What another payload under the same name brings with it."""


class NewJob(NamedTuple):
    """What is queued. name: nobody else's as long as the job is not over. group: equal for jobs that use equal models.

    payload: whatever its giver needs to run it, as text.
    """

    name: str
    payload: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the journal.

    attempts: how often it was claimed and begun. crashes: how often its owner died while it ran. outcome: JSON of
    schemas.job.Outcome, from finishing on. error: why it failed, or why it waits again. seconds: that it took. created,
    ended: seconds since 1970, for people only; nothing is decided by them.
    """

    id: int
    name: str
    payload: str
    group: str
    state: JobState
    attempts: int
    crashes: int
    outcome: str | None
    error: str | None
    seconds: float
    created: float
    ended: float | None


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that has claimed jobs from here. doing: JSON text of what it told last; beat: when, for people only.

    jobs: ids of what it has claimed and not ended.
    """

    id: int
    host: str
    pid: int
    alive: bool
    started: float
    beat: float
    doing: str
    jobs: tuple[int, ...] = ()


class Journal:
    """Jobs in a file. Safe for threads of one process and for several processes.

    A change that has returned outlives its process; what is added, kept, finishing or over outlives a power cut too. A
    claim need not: who claimed is then gone anyway, and its jobs are to be run again.

    Raises JournalInvalid (engine.errors) for a file that is no journal of ours, sqlite3.OperationalError for a disk
    that is full or cannot be written; a change that raised has not happened. RuntimeError for a change that the job's
    state or owner forbids, which is a mistake in the program. A forked child opens its own.
    """

    mode: str
    """How SQLite keeps the file whole: "wal", or "delete" where WAL cannot be had."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open it, or make it and its folder; become one of its owners with the first `take`, `orphans` or `beat`.

        read_only: change nothing, whoever writes meanwhile; raises FileNotFoundError if there is none.
        """
        self._path, self._owners = path, path.with_name(f"{path.name}.owners")
        if not read_only:
            self._owners.mkdir(parents=True, exist_ok=True)
        self._turn, self._process = threading.RLock(), os.getpid()
        self._me: tuple[int, Hold] | None = None
        self._connection, self.mode = connect(path, self._owners, read_only=read_only)
        self._number = path.stat().st_ino

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, jobs: Iterable[NewJob]) -> list[int]:
        """Queue jobs, in this order, in one transaction; the ids of the new ones.

        A job whose name is waiting already takes its new payload and group and keeps its place; another payload is
        another job, whose attempts and crashes start from none. One that is running or finishing is left alone.
        """
        made: list[int] = []
        now = time.time()
        with self._transaction():
            for name, payload, group in jobs:
                known = self._rows(
                    "SELECT id, state, payload, grouping FROM job WHERE name = ? AND ending IS NULL", name
                )
                if not known:
                    values = (name, payload, group, now)
                    self._change("INSERT INTO job (name, payload, grouping, created) VALUES (?, ?, ?, ?)", *values)
                    made += self._rows("SELECT last_insert_rowid()")[0]
                    continue
                job, state, *old = known[0]
                if state == "waiting" and payload != old[0]:
                    self._change(f"UPDATE job SET payload = ?, {CLEAN} WHERE id = ?", payload, job)
                if state == "waiting" and group != old[1]:
                    self._change("UPDATE job SET grouping = ? WHERE id = ?", group, job)
        return made

    def take(self, limit: int = 1, *, groups: Collection[str] = ()) -> list[Job]:
        """Claim waiting jobs, oldest first, but those of these groups before others; nobody else gets them.

        Jobs that were put back have their old places. O((limit + groups) · log n).
        """
        me, limit = self._owner(), max(0, limit)
        wanted = "SELECT id FROM job WHERE state = 'waiting'"
        with self._transaction(synced=False):
            known = [self._rows(f"{wanted} AND grouping = ? ORDER BY id LIMIT ?", each, limit) for each in set(groups)]
            taken = self._claim(sorted(job for rows in known for (job,) in rows)[:limit], me)
            rest = self._rows(f"{wanted} ORDER BY ending, id LIMIT ?", limit - len(taken))
            return taken + self._claim([job for (job,) in rest], me)

    def begin(self, jobs: Sequence[int]) -> None:
        """These claimed jobs really run now: count an attempt."""
        self._all_of(jobs, "UPDATE job SET attempts = attempts + 1 WHERE id = ? AND owner = ? AND state = 'running'")

    def put_back(
        self, jobs: Sequence[int], *, error: str | None = None, crashed: bool = False, uncount: bool = False
    ) -> None:
        """Let claimed, running jobs wait again, in their old places.

        error: why, kept if none is given. crashed: count a crash. uncount: take the attempt back.
        """
        change = (
            "UPDATE job SET state = 'waiting', owner = NULL, error = coalesce(?, error), crashes = crashes + ?, "
            "attempts = max(0, attempts - ?) WHERE id = ? AND owner = ? AND state = 'running'"
        )
        self._all_of(jobs, change, error, int(crashed), int(uncount))

    def drop(self, job: int) -> None:
        """Forget a job altogether, one that waits or one that is claimed: its file went away before anybody ran it."""
        self._all_of([job], "DELETE FROM job WHERE id = ? AND (state = 'waiting' OR owner = ? AND state = 'running')")

    def finishing(self, job: int, outcome: str) -> None:
        """It has run; anybody can finish it from now on. Also to write down what changed in the outcome."""
        with self._transaction():
            self._all_of([job], "UPDATE job SET state = 'finishing', outcome = ? WHERE id = ? AND owner = ?", outcome)

    def end(self, job: int, *, failed: bool, seconds: float = 0.0, error: str | None = None) -> None:
        """It is over, and its outcome stays, for `jobs`. Straight from running too, where nothing is to be placed."""
        change = (
            "UPDATE job SET state = ?, owner = NULL, seconds = ?, error = ?, ended = ?, ending = ? "
            "WHERE id = ? AND owner = ?"
        )
        with self._transaction():
            state = "failed" if failed else "done"
            self._all_of([job], change, state, seconds, error, time.time(), self._last_ending() + 1)

    def again(self) -> int:
        """Let failed jobs wait once more, in their old places, as if they had never run; how many do.

        Not those whose name was queued anew since.
        """
        change = (
            f"UPDATE job SET state = 'waiting', outcome = NULL, seconds = 0, ended = NULL, ending = NULL, {CLEAN} "
            "WHERE state = 'failed' AND id IN (SELECT max(id) FROM job GROUP BY name)"
        )
        with self._transaction():
            return self._change(change)

    def orphans(self) -> list[Job]:
        """The running and finishing jobs of owners that are no more; mine from now on, so that no two take one over."""
        if not self._rows("SELECT 1 FROM owner WHERE id != ? LIMIT 1", self._me[0] if self._me else 0):
            return []
        me = self._owner()
        with self._transaction(synced=False):  # others that look for orphans wait, and find none
            found = self._rows("SELECT id, lock FROM owner WHERE id != ?", me)
            dead = {owner: lock for owner, lock in found if not held(self._owners / lock)}
            jobs = [job for owner in dead for job in self._jobs("WHERE owner = ?", owner)]
            for owner in dead:
                self._change("UPDATE job SET owner = ? WHERE owner = ?", me, owner)
                self._change("DELETE FROM owner WHERE id = ?", owner)
            if dead:
                sweep(self._owners, keep=[lock for owner, lock in found if owner not in dead])
        return sorted(jobs, key=lambda job: job.id)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def in_place(self) -> bool:
        """Whether the file is where it was opened. If not, others see another journal, and this one is for nobody."""
        try:
            return self._path.stat().st_ino == self._number
        except FileNotFoundError:
            return False
        except OSError:  # a mount that is away for a moment
            return True

    def counts(self) -> dict[JobState, int]:
        """How many there are in each state, states without any included; those trimmed are not counted."""
        found = dict(self._rows("SELECT state, count(*) FROM job GROUP BY state"))
        return {state: found.get(state, 0) for state in STATES}

    def jobs(self, *states: JobState, limit: int | None = None, newest: bool = False) -> list[Job]:
        """Jobs in these states, all if none is named: as queued, or the newest first.

        Newest: those that are not over, last queued first, then those that ended last first. limit: at most so many.
        """
        most = -1 if limit is None else max(0, limit)
        found: list[tuple[int, Job]] = []
        with self._transaction("DEFERRED", synced=False):
            for state in set(states or STATES):
                over = state in ("done", "failed")
                order = "ending DESC, id DESC" if newest else "id" if over else "ending, id"
                rows = self._rows(
                    f"SELECT ending, {COLUMNS} FROM job WHERE state = ? ORDER BY {order} LIMIT ?", state, most
                )
                found += [(sys.maxsize if ending is None else ending, Job(*row)) for ending, *row in rows]
        if newest:
            found.sort(key=lambda each: (each[0], each[1].id), reverse=True)
        else:
            found.sort(key=lambda each: each[1].id)
        return [job for _, job in (found if limit is None else found[:most])]

    def trim(self, keep: int) -> int:
        """Forget the jobs that are over, but for the `keep` that ended last; how many were forgotten.

        The file gets no smaller, but what comes takes the place of what went.
        """
        of = "SELECT ending FROM job WHERE state ="
        oldest = f"{of} 'done' UNION ALL {of} 'failed' ORDER BY ending DESC LIMIT 1 OFFSET ?"
        with self._transaction():
            gone = self._rows(oldest, keep)
            change = "DELETE FROM job WHERE state IN ('done', 'failed') AND ending <= ?"
            return self._change(change, *gone[0]) if gone else 0

    def beat(self, doing: dict[str, Any]) -> None:
        """Tell what this owner does now, for `owners`."""
        text = json.dumps(doing, ensure_ascii=False)
        me = self._owner()
        with self._transaction(synced=False):
            self._change("UPDATE owner SET doing = ?, beat = ? WHERE id = ?", text, time.time(), me)

    def owners(self) -> list[Owner]:
        """Who has this journal open, or left jobs in it, the living first."""
        me = self._me[0] if self._me else None
        with self._transaction("DEFERRED", synced=False):
            rows = self._rows("SELECT id, host, pid, lock, started, beat, doing FROM owner ORDER BY id")
            claims = self._rows("SELECT owner, id FROM job WHERE owner IS NOT NULL ORDER BY id")
        found = []
        for owner, host, pid, lock, started, beat, doing in rows:
            jobs = tuple(job for by, job in claims if by == owner)
            alive = owner == me or held(self._owners / lock)
            found.append(Owner(owner, host, pid, alive, started, beat, doing, jobs))
        return sorted(found, key=lambda each: not each.alive)

    def fact(self, key: str) -> str | None:
        """A text that was kept under a key."""
        found = self._rows("SELECT text FROM fact WHERE key = ?", key)
        return str(found[0][0]) if found else None

    def keep(self, key: str, text: str) -> None:
        """Keep a text under a key."""
        with self._transaction():
            self._change("INSERT OR REPLACE INTO fact (key, text) VALUES (?, ?)", key, text)

    def close(self) -> None:
        """Give the lock back. What is still claimed can be taken over by anybody. Closing again changes nothing."""
        if self._process != os.getpid():
            return  # a forked child's: both belong to the parent
        with self._turn:
            if self._me is not None:
                (owner, hold), self._me = self._me, None
                forget = "DELETE FROM owner WHERE id = ? AND NOT EXISTS (SELECT 1 FROM job WHERE owner = ?)"
                with suppress(sqlite3.Error):  # a full disk: the next one to look for orphans cleans up after us
                    self._change(forget, owner, owner)
                hold.release()
            self._connection.close()

    def _owner(self) -> int:
        """My number, from the first time on that I am asked for it."""
        with self._turn:
            if self._me is None:
                with ExitStack() as undo:
                    with self._transaction(synced=False):  # so that nobody sees me before I hold my lock
                        hold = Hold(self._owners)
                        undo.callback(hold.release)
                        values = (hold.path.name, socket.gethostname(), os.getpid(), now := time.time(), now)
                        columns = "lock, host, pid, started, beat"
                        self._change(f"INSERT INTO owner ({columns}) VALUES (?, ?, ?, ?, ?)", *values)
                        ((owner,),) = self._rows("SELECT last_insert_rowid()")
                    undo.pop_all()
                self._me = (owner, hold)
            return self._me[0]

    def _claim(self, jobs: Sequence[int], owner: int) -> list[Job]:
        """The jobs, now this owner's."""
        for job in jobs:
            self._change("UPDATE job SET state = 'running', owner = ? WHERE id = ?", owner, job)
        return [each for job in jobs for each in self._jobs("WHERE id = ?", job)]

    def _all_of(self, jobs: Sequence[int], change: str, *values: object) -> None:
        """Make one change to each of these jobs, or none. change: with values, then the job's id, then mine."""
        with self._transaction(synced=False):
            for job in jobs:
                if not self._change(change, *values, job, self._me[0] if self._me else None):
                    found = self._rows("SELECT state, owner FROM job WHERE id = ?", job)
                    state = "forgotten" if not found else f"{found[0][0]}, owner {found[0][1]}"
                    raise RuntimeError(f"job {job} is {state}; I am {self._me[0] if self._me else 'no owner'}")

    def _last_ending(self) -> int:
        """The number of the job that ended last, 0 if none is there."""
        newest = "SELECT coalesce(max(ending), 0) FROM job WHERE state = ?"
        return max(int(self._rows(newest, state)[0][0]) for state in ("done", "failed"))

    def _jobs(self, which: str, *values: object) -> list[Job]:
        """Jobs by an SQL clause."""
        return [Job(*row) for row in self._rows(f"SELECT {COLUMNS} FROM job {which}", *values)]

    @contextmanager
    def _transaction(
        self, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE", *, synced: bool = True
    ) -> Iterator[None]:
        """All of the block's changes or none; one inside another is part of it. IMMEDIATE: no other process writes.

        synced: wait until they are on the disk. SQLite keeps the file whole without that too, but only in WAL mode.
        """
        with self._turn:
            if self._connection.in_transaction:
                yield
                return
            self._execute(f"PRAGMA synchronous = {'FULL' if synced or self.mode != 'wal' else 'NORMAL'}")
            self._execute(f"BEGIN {kind}")
            try:
                yield
                self._execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._execute("ROLLBACK")

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self._turn:
            found = self._execute(query, *values)
            with told(self._path):
                return [tuple(map(read, row)) for row in found]

    def _change(self, statement: str, *values: object) -> int:
        """Change rows; how many were."""
        with self._turn:
            return self._execute(statement, *values).rowcount

    def _execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Let SQLite do it. Raises RuntimeError in a forked child: SQLite must not be shared with one."""
        if self._process != os.getpid():
            raise RuntimeError("this journal was opened before a fork; the child opens its own")
        with told(self._path):
            return self._connection.execute(statement, [stored(each) for each in values])
