"""Journal: a SQLite file (WAL) of jobs, that several processes claim from, and any of which may be killed at any moment.

A job is *waiting*, then *running* (claimed by one owner), then *finishing* (it has run; its outcome is written here and
its files are being put in their places), then *done* or *failed*. An owner that dies leaves its jobs as they are; who
finds them (`orphans`) takes them over: a running one is to be run again, a finishing one to be finished.

Owners are alive as long as they hold the lock on their own file beside the journal (engine.journal.owners): the system
gives it back when a process dies, however it dies; no clock is asked.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from schemas.job import JobState


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
    """A process that has claimed jobs from here. doing: JSON text of what it told last; beat: when, for people only."""

    id: int
    host: str
    pid: int
    alive: bool
    started: float
    beat: float
    doing: str


class Journal:
    """Jobs in a file. Safe for threads of one process and for several processes; every change is durable on return.

    Raises JournalInvalid (engine.errors) for a file that is no journal of ours, sqlite3.OperationalError for a disk
    that is full or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        """Open it, or make it and its folder; become one of its owners with the first `take` or `beat`."""
        raise NotImplementedError

    def add(self, jobs: Iterable[NewJob]) -> list[int]:
        """Queue jobs, in this order, in one transaction; the ids of the new ones.

        A job whose name is waiting already takes its new payload and group and keeps its place; one that is running or
        finishing is left alone.
        """
        raise NotImplementedError

    def take(self, limit: int = 1, *, groups: Collection[str] = (), ready: bool = True) -> list[Job]:
        """Claim waiting jobs, oldest first, but those of these groups before others; nobody else gets them.

        A job that was put back with a delay is not claimed before its time, unless nothing else is `ready`.
        O(limit · log n).
        """
        raise NotImplementedError

    def begin(self, jobs: Sequence[int]) -> None:
        """These claimed jobs really run now: count an attempt."""
        raise NotImplementedError

    def put_back(
        self, jobs: Sequence[int], *, error: str | None = None, crashed: bool = False, uncount: bool = False
    ) -> None:
        """Let claimed jobs wait again, in their old places. crashed: count a crash. uncount: take the attempt back."""
        raise NotImplementedError

    def drop(self, job: int) -> None:
        """Forget a job altogether: its file went away before anybody ran it."""
        raise NotImplementedError

    def finishing(self, job: int, outcome: str) -> None:
        """It has run; anybody can finish it from now on. Also to write down what changed in the outcome."""
        raise NotImplementedError

    def end(self, job: int, *, failed: bool, seconds: float = 0.0, error: str | None = None) -> None:
        """It is over, and its outcome stays, for `jobs`."""
        raise NotImplementedError

    def orphans(self) -> list[Job]:
        """The running and finishing jobs of owners that are no more; mine from now on, so that no two take one over."""
        raise NotImplementedError

    def counts(self) -> dict[JobState, int]:
        """How many there are in each state, states without any included."""
        raise NotImplementedError

    def jobs(self, *states: JobState, limit: int | None = None, newest: bool = False) -> list[Job]:
        """Jobs in these states, all if none is named: as queued, or those that ended last first."""
        raise NotImplementedError

    def beat(self, doing: dict[str, Any]) -> None:
        """Tell what this owner does now, for `owners`."""
        raise NotImplementedError

    def owners(self) -> list[Owner]:
        """Who has this journal open, or left jobs in it, the living first."""
        raise NotImplementedError

    def fact(self, key: str) -> str | None:
        """A text that was kept under a key."""
        raise NotImplementedError

    def keep(self, key: str, text: str) -> None:
        """Keep a text under a key."""
        raise NotImplementedError

    def close(self) -> None:
        """Give the lock back. What is still claimed can be taken over by anybody."""
        raise NotImplementedError
