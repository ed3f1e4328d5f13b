"""WorkerBench: what one worker works at, whatever its process is: a session, and what it tells on the way."""

from collections.abc import Callable, Sequence
from time import monotonic

from engine import accelerators
from engine.api import Session
from engine.errors import ComfylessError, GraphInvalid
from engine.working.source import Stop
from engine.working.work import carry_out
from engine.working.worker_messages import Happened, Idle, Message, Ran, Ready, Refused
from schemas.job import JobOrder, JobResult
from schemas.report import Event, Progress
from schemas.settings import Settings

PAUSE = 0.1
"""Seconds between two events of a sampler's progress that are told."""


class WorkerBench:
    """A session for a worker's whole life: its loaded models and its outputs serve one wave after the other."""

    def __init__(self, settings: Settings, tell: Callable[[Message], None], halted: Stop) -> None:
        """halted: whether to end the step that runs and give the rest back. Raises GraphInvalid for bad settings."""
        accelerators.resolve(settings.device)
        self._tell = tell
        self._session = Session(settings, stop=halted)
        self._quiet_until = 0.0

    def work(
        self, orders: Sequence[JobOrder], finished: Callable[[JobResult], JobResult] = lambda result: result
    ) -> None:
        """Run these jobs together, and tell of each as soon as it is over; at the end, that nothing is left.

        finished: may add to a result before it is told.
        """
        carry_out(self._session, orders, lambda result: self._tell(Ran(finished(result))), self._event)
        self._tell(Idle())

    def close(self) -> None:
        """No more will come: what is kept on disk is written to the end."""
        self._session.close()

    def _event(self, job: int, event: Event) -> None:
        """Tell it, unless it is one of many."""
        if isinstance(event, Progress) and event.done < event.total:
            now = monotonic()
            if now < self._quiet_until:
                return
            self._quiet_until = now + PAUSE
        self._tell(Happened(job, event))


def set_up(settings: Settings, tell: Callable[[Message], None], halted: Stop) -> WorkerBench | None:
    """A bench, and word that it is ready; None, and word why, if there can be none."""
    try:
        bench = WorkerBench(settings, tell, halted)
    except GraphInvalid as error:
        tell(Refused(tuple(error.problems), str(error)))
        return None
    except (ComfylessError, ImportError) as error:
        tell(Refused((), str(error)))
        return None
    tell(Ready())
    return bench
