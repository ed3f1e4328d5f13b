"""status: what becomes of a watched folder or a batch, from its journal, read while others write it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from engine.journal.journal import Job, Journal, Owner
from engine.working.pulse import Current, read_doing

RECENT = 20
"""Jobs that the time of the next ones is told from."""
FAILURES = 5
"""How many failures are told, the last ones."""


class Worker(BaseModel):
    """A process that has, or had, jobs of the journal. beat: when it told something last, seconds since 1970."""

    model_config = ConfigDict(defer_build=True)

    host: str
    pid: int
    alive: bool
    verb: str
    beat: float
    current: list[Current]
    done: int
    failed: int
    rate: float | None
    waits: str | None


class Failure(BaseModel):
    """A job that failed. ended: seconds since 1970. error: its first line."""

    model_config = ConfigDict(defer_build=True)

    name: str
    ended: float
    error: str


class Status(BaseModel):
    """A journal at a glance.

    rate: jobs a minute, of all living processes. left: seconds until the queue is empty, if that can be told.
    stranded: jobs whose process is dead: the next one to look takes them over.
    """

    model_config = ConfigDict(defer_build=True)

    journal: str
    waiting: int
    running: int
    done: int
    failed: int
    workers: list[Worker] = Field(default_factory=list)
    stranded: list[str] = Field(default_factory=list)
    rate: float | None = None
    left: float | None = None
    failures: list[Failure] = Field(default_factory=list)


def read_status(path: Path) -> Status:
    """The state of a journal; nothing is written. Raises FileNotFoundError, JournalInvalid."""
    with Journal(path, read_only=True) as journal:
        counts, owners = journal.counts(), journal.owners()
        recent = journal.jobs("done", limit=RECENT, newest=True)
        failures = journal.jobs("failed", limit=FAILURES, newest=True)
        claimed = journal.jobs("running", "finishing")
    workers = [_worker(owner, claimed) for owner in owners if owner.alive or owner.jobs]
    dead = {job for owner in owners if not owner.alive for job in owner.jobs}
    rates = [worker.rate for worker in workers if worker.alive and worker.rate is not None]
    status = Status(
        journal=str(path),
        waiting=counts["waiting"],
        running=counts["running"] + counts["finishing"],
        done=counts["done"],
        failed=counts["failed"],
        workers=workers,
        stranded=[job.name for job in claimed if job.id in dead],
        rate=sum(rates) if rates else None,
        failures=[_failure(job) for job in failures],
    )
    return status.model_copy(update={"left": _left(status, recent)})


def _worker(owner: Owner, claimed: list[Job]) -> Worker:
    """What a process told last; of one that told nothing, what it has claimed."""
    doing = read_doing(owner.doing)
    own = [Current(job=job.id, name=job.name) for job in claimed if job.id in owner.jobs]
    told = {each.job: each for each in doing.current} if doing else {}
    return Worker(
        host=owner.host,
        pid=owner.pid,
        alive=owner.alive,
        verb=doing.verb if doing else "",
        beat=owner.beat,
        current=[told.get(each.job, each) for each in own],
        done=doing.done if doing else 0,
        failed=doing.failed if doing else 0,
        rate=doing.rate if doing else None,
        waits=doing.waits if doing else None,
    )


def _failure(job: Job) -> Failure:
    first = (job.error or "").strip().partition("\n")[0]
    return Failure(name=job.name, ended=job.ended or 0.0, error=first)


def _left(status: Status, recent: list[Job]) -> float | None:
    """Seconds, if the jobs to come take as long as the last ones, and are run by as many at once as now."""
    at_once = sum(max(1, len(worker.current)) for worker in status.workers if worker.alive)
    if not at_once or not recent:
        return None
    return (status.waiting + status.running) * sum(job.seconds for job in recent) / len(recent) / at_once
