"""Desk: hands out the jobs of a journal and takes back what came of them; each is run to its end once.

Whatever it does is in the journal before it is on the disk. So a desk that dies can be taken over by another one: what
ran is run again, what had run is put in its places. Trouble with the disk ends nothing: a patient desk waits until it
is over, another one goes on with the rest, and leaves to the next what it could not put in its place.
"""

import shutil
import sqlite3
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

from pydantic import ValidationError

from engine.errors import ComfylessError, GraphInvalid, NotWritten
from engine.journal.journal import Job, Journal
from engine.running.outputs import Kind
from engine.working.ending import Ending, brought, failed
from engine.working.placing import Changed, Counters, place
from engine.working.waiting import Backoff, Owed
from schemas.job import CRASHES, JobEnded, JobOrder, JobResult, JobStarted, JobState, Outcome, Waits
from schemas.report import Event, RunReport, Saved, Warned
from schemas.workflow import Workflow

ORPHANS_EVERY = 5.0
"""Seconds between two looks for jobs whose owners have died."""

MOST_OWED = 16
"""Jobs that have run and wait for the disk, beyond which a patient desk begins no others."""

SUSPECTS = 4
"""How many times smaller a wave of suspects is."""

KILLED = "killed, or out of memory"

STAGING_FACT = "staging"
"""Where the journal keeps the name of its own folder among the staging folders of others."""


class Vanished(Exception):
    """The file of a job went away before it ran: the job is to be forgotten."""


class Summary(NamedTuple):
    """What came of the jobs that ended here. unplaced: have run, but their results wait for the disk."""

    done: int
    failed: int
    unplaced: int


class _Claim(NamedTuple):
    """A job that a worker has. attempt: from 1. staging: the folder of this attempt."""

    job: Job
    attempt: int
    staging: Path


class Desk(ABC):
    """A Source over a journal; what watching and batching are made from. All calls come from one thread.

    fail_fast: whether a failed job is the last one.
    """

    def __init__(
        self,
        journal: Journal,
        folder: Path,
        roots: Mapping[Kind, Path],
        *,
        retries: int = 0,
        crashes: int = CRASHES,
        wave: int = 16,
        patient: bool = False,
        fail_fast: bool = False,
        tell: Callable[[Event, int | None], None] = lambda event, job: None,
    ) -> None:
        """Touch nothing yet.

        folder: where staging folders are made; best on the file system of the output folder. roots: the folders that
        pictures are for. retries: how often a job that failed is run again. crashes: deaths of the process that a job
        may take part in. wave: jobs given to a worker at once. patient: wait when the disk is full. tell: told events,
        each with its job.
        """
        self.fail_fast = fail_fast
        self._journal, self._folder, self._roots, self._tell = journal, folder / "staging", dict(roots), tell
        self._retries, self._crashes, self._wave, self._patient = retries, crashes, wave, patient
        self._counters = Counters()
        self._mine: dict[int, _Claim] = {}
        self._taken: list[Job] = []
        self._orphans: list[Job] = []
        self._looked: float | None = None
        self._pause = Backoff()
        self._owed = Owed(lambda why: self._tell(Waits("waits", why), None))
        self._done = self._failed = 0
        self._own: str | None = None

    @abstractmethod
    def workflow_of(self, job: Job) -> Workflow:
        """The graph of a job. Raises GraphInvalid if there is none to run, Vanished if the job is to be forgotten."""

    @abstractmethod
    def outcome_of(self, job: Job, result: JobResult) -> Outcome:
        """What is to be done on disk for a job that has run; may be asked again after a failure to do it."""

    @abstractmethod
    def more(self, wait: float) -> bool:
        """Wait for jobs so many seconds at most. False: there are none, and none will come."""

    def ended(self, job: Job, report: RunReport, seconds: float, failed: bool) -> None:  # noqa: B027 - need not be heard
        """A job is over and its files are in their places, which the report names."""

    def roots_of(self, job: Job) -> Mapping[Kind, Path]:
        """The folders that the pictures of a job are for."""
        return self._roots

    @property
    def summary(self) -> Summary:
        """What came of the jobs so far."""
        return Summary(self._done, self._failed, len(self._owed))

    def take(self, warm: frozenset[str], wait: float) -> Sequence[JobOrder] | None:
        """See Source. Raises NotWritten at the end, if results could not be put in their places."""
        if self.fail_fast and self._failed:
            return None
        try:
            self._adopt()
            if self._patient:
                self._owed.pay()
            if self._pause.left:
                time.sleep(min(wait, self._pause.left))
                return ()
            return self._next(warm, wait)
        except sqlite3.OperationalError as error:
            if not self._patient:
                raise
            self._wait(f"the journal cannot be written: {error}")
            return ()

    def done(self, result: JobResult) -> None:
        """See Source. What comes from a worker that was given up already is passed over: its job is another's."""
        claim = self._mine.pop(result.job, None)
        if claim is not None:
            self._owed.attempt(result.job, claim.job.name, partial(self._take_back, claim, result))

    def lost(self, jobs: Sequence[int], why: str) -> None:
        """See Source."""
        for claim in [self._mine.pop(job) for job in jobs if job in self._mine]:
            self._owed.attempt(claim.job.id, claim.job.name, partial(self._crashed, claim.job, why))

    def event(self, job: int, event: Event) -> None:
        """See Source. That a draft was written is nobody's business: its name will be another."""
        if not isinstance(event, Saved):
            self._tell(event, job)

    def close(self) -> None:
        """Let everything that was claimed and has not run wait again, for whoever comes next."""
        self._owed.pay(now=True)
        with suppress(sqlite3.OperationalError):  # a full disk: the next desk finds them as those of a dead one
            for claim in self._mine.values():
                self._discard(claim.staging)
            self._journal.put_back(list(self._mine), uncount=True)
            self._journal.put_back([job.id for job in self._taken])
            self._own = self._own or self._journal.fact(STAGING_FACT)
        self._mine, self._taken = {}, []
        for folder in () if self._own is None else (self._folder / self._own, self._folder):
            with suppress(OSError):  # not empty: others have drafts there
                folder.rmdir()

    # taking

    def _next(self, warm: frozenset[str], wait: float) -> Sequence[JobOrder] | None:
        self._claim(warm)
        if not self._taken and self.more(wait):
            self._claim(warm)
            if not self._taken:
                return ()
        if self._taken:
            return self._orders()
        if self._mine or (self._owed and self._patient):
            return ()  # these may have to run again, or to be put away
        self._owed.pay(now=True)
        if self._owed:
            raise NotWritten(str(self._owed))
        return None

    def _claim(self, warm: Iterable[str]) -> None:
        """Claim jobs; what a process died of, perhaps, is run apart, lest it takes others along.

        A wave is suspected as a whole: its jobs run in smaller ones, and alone before they would be given up.
        """
        if self._patient and len(self._owed) >= MOST_OWED:
            return
        self._taken = self._taken or self._journal.take(self._wave, groups=list(warm))
        suspects = [job for job in self._taken if job.crashes]
        if not suspects:
            return
        last = suspects[0].crashes + 1 >= self._crashes
        apart = [job for job in suspects if job.crashes == suspects[0].crashes]
        apart = apart[: 1 if last else max(1, self._wave // SUSPECTS)]
        self._journal.put_back([job.id for job in self._taken if job not in apart])
        self._taken = apart

    def _orders(self) -> list[JobOrder]:
        """What was claimed, begun; without jobs that have no graph to run."""
        orders: list[JobOrder] = []
        claims: list[_Claim] = []
        for job in list(self._taken):
            workflow = self._workflow(job)
            if workflow is None:
                self._taken.remove(job)
                continue
            attempt = job.attempts + 1
            staging = self._staging() / f"{job.id}-{attempt}-{token_hex(4)}"
            claims.append(_Claim(job, attempt, staging))
            orders.append(JobOrder(job=job.id, workflow=workflow, staging=str(staging), group=job.group))
        self._journal.begin([order.job for order in orders])
        self._taken = []
        for claim in claims:
            self._mine[claim.job.id] = claim
            self._tell(JobStarted("job-started", claim.job.id, claim.job.name, claim.attempt), claim.job.id)
        return orders

    def _workflow(self, job: Job) -> Workflow | None:
        """The graph of a job; None if the job is over for want of one."""
        failure = None
        try:
            return self.workflow_of(job)
        except Vanished:
            self._journal.drop(job.id)
            return None
        except GraphInvalid as error:
            report = RunReport(file=job.name, status="invalid", problems=error.problems)
        except (ComfylessError, OSError) as error:
            report = RunReport(file=job.name, status="failed", error=str(error))
        except Exception as error:  # a fault of ours in reading one file must not stop the others
            report = RunReport(file=job.name, status="failed", error=f"internal error: {type(error).__name__}: {error}")
            failure = traceback.format_exc()
        result = JobResult(job=job.id, report=report, failure=failure)
        self._end_as(job, result)
        return None

    def _staging(self) -> Path:
        """The folder of this journal's staging folders: job numbers of several journals may be equal."""
        if self._own is None:
            if self._journal.fact(STAGING_FACT) is None:
                self._journal.keep(STAGING_FACT, token_hex(4))
            self._own = self._journal.fact(STAGING_FACT) or ""
        return self._folder / self._own

    # taking back

    def _take_back(self, claim: _Claim, result: JobResult) -> None:
        """What becomes of a job that a worker gave back."""
        job, report = claim.job, result.report
        if report.status == "interrupted":
            self._again(claim, None, uncount=True)
        elif report.status == "failed" and result.disk is not None and self._patient:
            self._wait(result.disk)
            self._again(claim, result.disk, uncount=True)
        elif report.status == "failed" and claim.attempt - job.crashes <= self._retries:
            self._again(claim, report.error)
        else:
            if report.status == "done":
                self._pause.reset()
            outcome = self.outcome_of(job, brought(result, claim.staging))
            outcome.staging = str(claim.staging)
            self._end(job, outcome)

    def _again(self, claim: _Claim, error: str | None, uncount: bool = False) -> None:
        """Let a job wait again."""
        self._discard(claim.staging)
        self._journal.put_back([claim.job.id], error=error, uncount=uncount)
        self._tell_end(claim.job, "waiting", 0.0, (), error)

    def _end_as(self, job: Job, result: JobResult) -> None:
        """End a job that has no pictures."""
        self._owed.attempt(job.id, job.name, lambda: self._end(job, self.outcome_of(job, result)))

    def _end(self, job: Job, outcome: Outcome) -> None:
        """Put a job's results in their places, now or when the disk lets us."""

        def put(now: Outcome, changed: Changed) -> RunReport:
            return place(now, self.roots_of(job), changed, self._counters)

        ending = Ending(self._journal, job, outcome, put, partial(self.outcome_of, job), partial(self._over, job))
        self._owed.attempt(job.id, job.name, ending)

    def _over(self, job: Job, outcome: Outcome, report: RunReport, error: str | None) -> None:
        """Tell that a job is over."""
        bad = error is not None
        self._done, self._failed = self._done + (not bad), self._failed + bad
        try:
            self.ended(job, report, outcome.seconds, bad)
        except (OSError, sqlite3.OperationalError) as trouble:  # the job is over all the same
            self._tell(Warned("warned", None, f"{job.name}: {trouble}"), job.id)
        outputs = tuple(path for paths in report.outputs.values() for path in paths)
        self._tell_end(job, "failed" if bad else "done", outcome.seconds, outputs, error)

    def _tell_end(self, job: Job, state: JobState, seconds: float, outputs: tuple[str, ...], error: str | None) -> None:
        self._tell(JobEnded("job-ended", job.id, job.name, state, seconds, outputs, error), job.id)

    # deaths

    def _adopt(self) -> None:
        """Take over what the dead have left, now and then."""
        now = time.monotonic()
        if self._looked is None or now - self._looked >= ORPHANS_EVERY:
            self._orphans += self._journal.orphans()
            self._looked = now
        while self._orphans:
            job = self._orphans[0]
            if job.state == "finishing":
                self._finish_anothers(job)
            else:
                self._crashed(job, KILLED)
            self._orphans.pop(0)

    def _finish_anothers(self, job: Job) -> None:
        try:
            self._end(job, Outcome.model_validate_json(job.outcome or ""))
        except ValidationError:
            said = "it has run, but what was to be done with its results cannot be read in the journal."
            self._end_as(job, failed(job, said))

    def _crashed(self, job: Job, why: str) -> None:
        """Let a job wait again whose worker died, unless that has happened too often."""
        for staging in self._staging().glob(f"{job.id}-*"):
            self._discard(staging)
        crashes = job.crashes + 1
        if crashes < self._crashes:
            self._journal.put_back([job.id], error=why, crashed=True)
            self._tell_end(job, "waiting", 0.0, (), why)
            return
        times = "once" if crashes == 1 else f"{crashes} times"
        said = f"the program died {times} while it ran ({why})."
        self._end_as(job, failed(job, said))

    def _wait(self, why: str) -> None:
        """Hand out nothing for a while."""
        self._pause.lengthen()
        self._tell(Waits("waits", why), None)

    def _discard(self, staging: Path) -> None:
        """Remove what an attempt has drawn that came to nothing; what cannot be removed is in nobody's way."""
        shutil.rmtree(staging, ignore_errors=True)
