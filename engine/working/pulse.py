"""Pulse: what a process does with a journal's jobs, told there now and then for whoever asks from outside."""

import json
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.journal.journal import Journal
from schemas.job import JobEnded, JobStarted, Waits
from schemas.report import Event, Progress, RunStarted, StepDone, StepStarted

WORKING, IDLE = 1.0, 5.0
"""Seconds between two beats."""
RATED = 20
"""Jobs that the rate is told from."""


class Current(BaseModel):
    """A job that runs. step, total: of its nodes. done, parts: of the step, if it tells (a sampler)."""

    model_config = ConfigDict(defer_build=True)

    job: int
    name: str
    step: int = 0
    total: int = 0
    node: str = ""
    class_type: str = ""
    done: int = 0
    parts: int = 0


class Doing(BaseModel):
    """What one process told last. done, failed: jobs since it began. rate: jobs a minute, lately. waits: why."""

    model_config = ConfigDict(defer_build=True)

    verb: str
    current: list[Current] = Field(default_factory=list)
    done: int = 0
    failed: int = 0
    rate: float | None = None
    waits: str | None = None


class Pulse:
    """While entered, a thread tells the journal what the events given to it say; safe for threads."""

    def __init__(self, journal: Journal, verb: str, clock: Callable[[], float] = time.monotonic) -> None:
        """verb: "watch" or "batch"."""
        self._journal, self._clock = journal, clock
        self._doing, self._running = Doing(verb=verb), dict[int, Current]()
        self._ends: deque[float] = deque([clock()], maxlen=RATED + 1)
        self._lost: str | None = None
        self._lock, self._closing, self._begun = threading.Lock(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._tell, name="pulse", daemon=True)

    def event(self, event: Event, job: int | None = None) -> None:
        """Hear of something. job: whose event it is, where the event does not say."""
        with self._lock:
            match event:
                case JobStarted():
                    self._running[event.job] = Current(job=event.job, name=event.name)
                    self._doing.waits = None
                    self._begun.set()
                case JobEnded():
                    self._running.pop(event.job, None)
                    self._count(event)
                case Waits():
                    self._doing.waits = event.said
                    self._begun.set()
                case _ if job in self._running:
                    _follow(self._running[job], event)

    def doing(self) -> dict[str, Any]:
        """What this process does, as JSON."""
        with self._lock:
            now = self._clock()
            current = list(self._running.values())
            spent = now - self._ends[0]
            rate = 60 * (len(self._ends) - 1) / spent if len(self._ends) > 1 and spent > 0 else None
            return self._doing.model_copy(update={"current": current, "rate": rate}).model_dump(mode="json")

    def __enter__(self) -> "Pulse":
        """Begin to tell."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread."""
        self._closing.set()
        self._begun.set()
        self._thread.join()

    def _count(self, event: JobEnded) -> None:
        if event.state not in ("done", "failed"):
            return
        self._doing.waits = None  # what ends has found room
        self._ends.append(self._clock())
        if event.state == "done":
            self._doing.done += 1
        else:
            self._doing.failed += 1

    def _tell(self) -> None:
        while not self._closing.is_set():
            try:
                self._journal.beat(self.doing())
                self._unwritten(None)
            except sqlite3.Error as error:  # whoever runs jobs meets the same disk, and says so
                self._unwritten(f"the journal cannot be written: {error}")
            if self._closing.wait(WORKING):
                return
            if not self._running:
                self._begun.clear()
                self._begun.wait(IDLE - WORKING)

    def _unwritten(self, why: str | None) -> None:
        """Why the last beat was not written, which is over as soon as one is."""
        with self._lock:
            if why is not None:
                self._doing.waits = why
            elif self._lost is not None and self._doing.waits == self._lost:
                self._doing.waits = None
            self._lost = why


def _follow(current: Current, event: Event) -> None:
    match event:
        case RunStarted():
            current.total = event.total
        case StepStarted():
            current.step, current.total = event.index, event.total
            current.node, current.class_type = event.node, event.class_type
            current.done = current.parts = 0
        case Progress():
            current.done, current.parts = event.done, event.total
        case StepDone():
            current.step, current.total = event.index, event.total


def read_doing(text: str) -> Doing | None:
    """What a beat said; None if a process has not told anything yet, or another version of this program did."""
    try:
        return Doing.model_validate(json.loads(text))
    except ValueError:
        return None
