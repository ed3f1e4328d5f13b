"""Work: orders become results; what every kind of worker does with the jobs that it was given."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine.api import Session, Task
from engine.errors import ComfylessError
from engine.running.outputs import Kind
from engine.working.staging import StagingFolder
from schemas.job import JobOrder, JobResult
from schemas.report import Event, RunReport
from schemas.settings import Settings


def carry_out(
    session: Session,
    orders: Sequence[JobOrder],
    done: Callable[[JobResult], None],
    event: Callable[[int, Event], None] | None = None,
) -> None:
    """Run orders together, sharing what they have in common; each one's result is given as soon as it is there.

    Every order gets exactly one result, in this thread, whatever goes wrong with it or beside it: after a fault of ours
    that ends the run of all, each that is left runs alone, so that one graph takes no others along. What `done` raises
    ends everything and is raised here.
    """
    wave = _Wave(session, orders, done, event)
    wave.run(orders)
    for order in list(wave.left.values()):
        wave.run([order])


class _Wave:
    """Orders that are run together. left: those without a result, by job."""

    def __init__(
        self,
        session: Session,
        orders: Sequence[JobOrder],
        done: Callable[[JobResult], None],
        event: Callable[[int, Event], None] | None,
    ) -> None:
        self.left = {order.job: order for order in orders}
        self._session, self._done, self._event = session, done, event
        self._stagings: dict[int, StagingFolder] = {}
        self._refused: BaseException | None = None

    def run(self, orders: Sequence[JobOrder]) -> None:
        """Run these; if the run itself breaks, a single order has failed by it, and of several some are left."""
        roots = roots_of(self._session.settings)
        self._stagings = {order.job: StagingFolder(Path(order.staging), roots) for order in orders}
        tasks = [Task(order.job, order.workflow, self._stagings[order.job]) for order in orders]
        try:
            self._session.run_all(tasks, self._ended, self._event)
        except Exception as error:
            if self._refused is not None:
                raise self._refused from None
            if len(orders) == 1 and orders[0].job in self.left:
                self._ended(orders[0].job, _broken(orders[0], error), "".join(traceback.format_exception(error)))

    def _ended(self, job: int, report: RunReport, failure: str | None) -> None:
        staging = self._stagings[job]
        result = JobResult(
            job=job,
            report=report,
            drafts=staging.drafts(report),
            seconds=sum(step.seconds for step in report.steps if step.state == "run"),
            failure=failure,
            disk=staging.disk if report.status == "failed" else None,
        )
        del self.left[job]
        try:
            self._done(result)
        except BaseException as error:
            self._refused = error
            raise


def roots_of(settings: Settings) -> Mapping[Kind, Path]:
    """The folders that pictures are for."""
    return {"output": settings.output, "temp": settings.temp}


def _broken(order: JobOrder, error: Exception) -> RunReport:
    """What became of a graph whose run ended in a way that no node is to blame for."""
    known = isinstance(error, ComfylessError)
    said = str(error) if known else f"internal error: {type(error).__name__}: {error}"
    return RunReport(file=order.workflow.name, status="failed", error=said)
