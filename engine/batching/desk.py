"""BatchDesk: jobs of a batch. A job is a row; what becomes of it is a line of the manifest."""

from collections.abc import Iterator
from typing import Any

from engine.batching.base import Base
from engine.batching.manifest import Manifest
from engine.batching.state import BatchFolder
from engine.journal.journal import Job, Journal
from engine.working.desk import Desk
from engine.working.listening import Listener
from schemas.batch import ManifestLine
from schemas.job import JobResult, Outcome
from schemas.report import RunReport
from schemas.workflow import Workflow


class BatchDesk(Desk):
    """Hands out the rows that wait, and writes down what became of each."""

    def __init__(
        self, journal: Journal, batch: BatchFolder, base: Base, manifest: Manifest, *, listener: Listener, **desk: Any
    ) -> None:
        """desk: what Desk takes besides."""
        super().__init__(journal, tell=listener.event, **desk)
        self._batch, self._base, self._manifest = batch, base, manifest
        self._begun: set[int] = set()

    def workflow_of(self, job: Job) -> Workflow:
        """The row's graph. Raises GraphInvalid if it cannot be read as the editor's any more."""
        workflow = self._base.workflow_of(self._batch.row(job.payload))
        self._begun.add(job.id)
        return workflow

    def outcome_of(self, job: Job, result: JobResult) -> Outcome:
        """Pictures to their places; the manifest tells the rest."""
        report = result.report
        return Outcome(report=report, drafts=result.drafts, seconds=result.seconds, failure=result.failure)

    def more(self, wait: float) -> bool:
        """All rows were queued before the first one ran."""
        return False

    def ended(self, job: Job, report: RunReport, seconds: float, failed: bool) -> None:
        """One more line."""
        row = self._batch.row(job.payload)
        here = job.id in self._begun  # then the job is as it was before this attempt was counted
        self._begun.discard(job.id)
        self._manifest.add(
            ManifestLine(
                row=row.index,
                settings=row.settings,
                state="failed" if failed else "done",
                outputs=[path for paths in report.outputs.values() for path in paths],
                seconds=round(seconds, 3),
                attempts=job.attempts + here,
                error=why(report) if failed else None,
            )
        )


def why(report: RunReport) -> str:
    """Why a row failed, in a line or a few."""
    found = [f"{problem.said} {problem.fix}".strip() for problem in report.problems]
    return report.error or "; ".join(found) or report.status


def lines(journal: Journal, batch: BatchFolder) -> Iterator[ManifestLine]:
    """What the journal knows of the rows that are over."""
    for job in journal.jobs("done", "failed"):
        row = batch.row(job.payload)
        drafts = Outcome.model_validate_json(job.outcome).drafts if job.outcome else []
        yield ManifestLine(
            row=row.index,
            settings=row.settings,
            state=job.state,
            outputs=[draft.final for draft in drafts if draft.final is not None],
            seconds=round(job.seconds, 3),
            attempts=job.attempts,
            error=job.error if job.state == "failed" else None,
        )
