"""Lookout: a thread that looks into the watched folder while others run graphs, and queues what has arrived."""

import errno
import json
import sqlite3
import threading
import time
from collections.abc import Callable
from types import TracebackType

from engine.journal.journal import Journal, NewJob
from engine.watching.arrivals import Arrival, Arrivals
from engine.watching.waking import Waker

RESCAN = 5.0
"""Seconds between two looks where events wake us, in case one was lost."""
POLLING = 1.0
"""Seconds between two looks where nothing wakes us."""
GATHERING = 0.02
"""Seconds between two looks at least: files come in bursts."""
SHARE = 5
"""How many times longer than a look the pause after it lasts: looking at many files must not slow down the work."""
RECONCILED = 5.0
"""Seconds between two comparisons of what stands in the folder with what is queued."""
BACKOFF = 5.0
"""Seconds after which a folder is tried again that could not be looked into, or a journal that took nothing."""
GONE = "the watched folder is gone; nothing is lost: watch it again when it is back"
GONE_JOURNAL = "the journal was removed, or replaced, while the watch wrote it; graphs that wait are safe: watch again"


class Lookout:
    """While entered, jobs for what arrives are added to the journal.

    A job is named as its file; its payload is {"stamp": ...} of the file that was found.
    """

    def __init__(
        self,
        arrivals: Arrivals,
        waker: Waker,
        journal: Journal,
        *,
        every: float = RESCAN,
        group: Callable[[Arrival], str] = lambda arrival: "",
        note: Callable[[str], None] = lambda said: None,
    ) -> None:
        """every: seconds between two looks if nothing wakes us. group: of a job. note: told of trouble."""
        self._arrivals, self._waker, self._journal = arrivals, waker, journal
        self._every, self._group, self._note = every, group, note
        self._turn = threading.Condition()
        self._added, self._told = 0, 0
        self._asked, self._answered = 0, 0
        self._trouble: Exception | None = None
        self._folder: tuple[int, int] | None = None
        self._looked, self._trying = False, ""
        self._closing = threading.Event()
        self._reconciled = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="lookout", daemon=True)

    def wait(self, seconds: float) -> bool:
        """Whether jobs were added since the last call; waits so long for them. Raises what ended the lookout."""
        with self._turn:
            self._turn.wait_for(lambda: self._added > self._told or self._trouble is not None, seconds)
            if self._trouble is not None:
                raise self._trouble
            new, self._told = self._added > self._told, self._added
            return new

    def forget(self, name: str) -> None:
        """That file's job is over, or was dropped: if a file stands there, it is another one, to be looked for."""
        if self._arrivals.forget([name]):
            self._waker.wake()

    def empty(self, seconds: float) -> bool:
        """Whether a look that begins now finds nothing that is not queued yet; waits so long for that look."""
        with self._turn:
            self._asked += 1
            self._waker.wake()
            self._turn.wait_for(lambda: self._answered == self._asked or self._trouble is not None, seconds)
            if self._trouble is not None:
                raise self._trouble
            return self._answered == self._asked and not self._arrivals.pending

    def __enter__(self) -> "Lookout":
        """Begin to look."""
        self._waker.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread."""
        self._closing.set()
        self._waker.wake()
        self._thread.join()
        self._waker.__exit__(kind, error, trace)

    def _watch(self) -> None:
        try:
            while not self._closing.is_set():
                begun, asked = time.monotonic(), self._asked
                if (trouble := self._look()) is not None:
                    self._rest(trouble)
                    continue
                self._trying = ""
                ended = time.monotonic()
                with self._turn:
                    self._answered = asked
                    self._turn.notify_all()
                self._waker.follow(self._arrivals.folders)
                every = self._every if self._waker.listens else min(self._every, POLLING)
                due = self._arrivals.due()
                self._waker.wait(every if due is None else min(due, every))
                self._closing.wait(max(GATHERING, SHARE * (ended - begun)) - (time.monotonic() - ended))
        except Exception as error:  # given to whoever waits for jobs
            with self._turn:
                self._trouble = error
                self._turn.notify_all()

    def _look(self) -> str | None:
        """Queue what has arrived; why that could not be done, if it may be possible later."""
        try:
            self._check_there()
            found = self._arrivals.look()
        except FileNotFoundError as error:
            folder = str(self._arrivals.folder)
            raise FileNotFoundError(errno.ENOENT, GONE, folder) from error
        except OSError as error:  # a network mount that is away for a while, as a rule
            if not self._looked:
                raise
            return f"{self._arrivals.folder} cannot be looked into: {error.strerror or error}"
        self._looked = True
        if not self._journal.in_place():
            raise FileNotFoundError(errno.ENOENT, GONE_JOURNAL, str(self._journal.path))
        try:
            if found:
                self._journal.add([self._job(arrival) for arrival in found])
            self._reconcile()
        except sqlite3.OperationalError as error:
            self._arrivals.forget([arrival.name for arrival in found])
            return f"the journal cannot be written: {error}"
        with self._turn:
            self._added += len(found)
            self._turn.notify_all()
        return None

    def _rest(self, trouble: str) -> None:
        """Leave it alone for a while; each trouble is told once."""
        if trouble != self._trying:
            self._note(f"{trouble}; trying again")
            self._trying = trouble
        self._closing.wait(BACKOFF)

    def _check_there(self) -> None:
        """Raise FileNotFoundError unless it is the folder that it was: who puts results away may make one like it."""
        found = self._arrivals.folder.stat()
        self._folder = self._folder or (found.st_dev, found.st_ino)
        if self._folder != (found.st_dev, found.st_ino):
            raise FileNotFoundError

    def _job(self, arrival: Arrival) -> NewJob:
        return NewJob(arrival.name, json.dumps({"stamp": arrival.stamp}), self._group(arrival))

    def _reconcile(self) -> None:
        """Files that stand here, but whose jobs are over or were dropped by another watcher, have arrived anew."""
        now = time.monotonic()
        if now - self._reconciled < RECONCILED:
            return
        self._reconciled = now
        if given := self._arrivals.given():
            queued = {job.name for job in self._journal.jobs("waiting", "running", "finishing")}
            self._arrivals.forget(name for name in given if name not in queued)
