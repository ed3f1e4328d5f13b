"""Source: where workers get their jobs from, and bring the results to."""

from collections.abc import Sequence
from typing import Protocol

from schemas.job import JobOrder, JobResult
from schemas.report import Event


class Source(Protocol):
    """What watching and batching give to workers. All calls come from one thread, that of the journal's owner."""

    def take(self, warm: frozenset[str], wait: float) -> Sequence[JobOrder] | None:
        """The next jobs for a worker, to be run together; none: nothing now, ask again; None: no more will come.

        warm: groups whose models that worker has loaded, to be preferred. wait: seconds to wait for a job at most.
        """

    def done(self, result: JobResult) -> None:
        """A job has run, well or badly, or was interrupted (its report's status says so)."""

    def lost(self, jobs: Sequence[int], why: str) -> None:
        """The worker that had these jobs is gone, and they have not run to their end. why: in words."""

    def event(self, job: int, event: Event) -> None:
        """Something happened on the way."""


class Stop(Protocol):
    """Whether the user wants to stop."""

    def __call__(self) -> bool:
        """True from the moment of the wish on."""
