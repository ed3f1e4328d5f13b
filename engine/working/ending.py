"""Ending: a job that has run on its way to its end, in the journal and on the disk."""

import os
from collections.abc import Callable
from pathlib import Path

from engine.errors import NotWritten
from engine.journal.journal import Job, Journal
from engine.whole_files import replacing
from engine.working.placing import Changed, redirected
from engine.working.waiting import may_pass, told
from schemas.job import JobResult, Outcome
from schemas.report import RunReport


class Ending:
    """The end of one job, to be called until it does not raise; each call goes on from what the journal knows.

    place: carries an outcome out, as working.placing.place does. instead: the outcome of a result, asked if the first
    one cannot be carried out on any disk. over: told of the end.
    """

    def __init__(
        self,
        journal: Journal,
        job: Job,
        outcome: Outcome,
        place: Callable[[Outcome, Changed], RunReport],
        instead: Callable[[JobResult], Outcome],
        over: Callable[[Outcome, RunReport, str | None], None],
    ) -> None:
        """Nothing is done yet."""
        self._journal, self._job, self._latest = journal, job, outcome.model_dump_json()
        self._place, self._instead, self._over = place, instead, over

    def __call__(self) -> None:
        """Do what is left. Raises OSError or sqlite3.OperationalError if the disk is in the way for now."""
        outcome = Outcome.model_validate_json(self._latest)
        try:
            report = self._place(outcome, self._changed)
        except (OSError, NotWritten) as error:
            if may_pass(error):
                raise
            outcome = self._unplaceable(outcome, error)
            report = self._place_failure(outcome)
        said = None if report.status == "done" else first_words(report)
        self._journal.end(self._job.id, failed=said is not None, seconds=outcome.seconds, error=said)
        self._over(outcome, report, said)

    def _changed(self, outcome: Outcome) -> None:
        text = outcome.model_dump_json()
        self._journal.finishing(self._job.id, text)
        self._latest = text

    def _unplaceable(self, outcome: Outcome, error: Exception) -> Outcome:
        """The outcome of a job whose results no disk can take; pictures that have their places stay there."""
        placed = {draft.file: draft.final for draft in outcome.drafts if draft.final and not os.path.exists(draft.file)}
        kept = {node: [path for path in paths if path in placed] for node, paths in outcome.report.outputs.items()}
        report = redirected(outcome.report.model_copy(update={"outputs": kept}), placed)
        said = f"its results cannot be put in their places: {told(error)}"
        report = report.model_copy(update={"status": "failed", "error": report.error or said})
        failed = self._instead(JobResult(job=self._job.id, report=report, seconds=outcome.seconds))
        failed.staging = outcome.staging
        return failed

    def _place_failure(self, outcome: Outcome) -> RunReport:
        """Leave a note of a failure; in the journal alone, if there is no place for it either."""
        try:
            return self._place(outcome, self._changed)
        except (OSError, NotWritten) as error:
            if may_pass(error):
                raise
            return outcome.report


def failed(job: Job, said: str) -> JobResult:
    """What a job has come to that nobody could run to its end."""
    return JobResult(job=job.id, report=RunReport(file=job.name, status="failed", error=said))


def first_words(report: RunReport) -> str:
    """Why a job failed, in a line."""
    said = report.error or "; ".join(problem.said for problem in report.problems) or report.status
    return said.partition("\n")[0]


def brought(result: JobResult, staging: Path) -> JobResult:
    """A result whose drafts lie here. staging: for those that came as bytes. Raises OSError."""
    if not result.contents:
        return result
    staging.mkdir(parents=True, exist_ok=True)
    moved: dict[str, str] = {}
    for number, (path, data) in enumerate(result.contents.items(), 1):
        moved[path] = str(staging / f"{number:05}.png")
        with replacing(Path(moved[path])) as file:
            file.write(data)
    drafts = [draft.model_copy(update={"file": moved.get(draft.file, draft.file)}) for draft in result.drafts]
    report = redirected(result.report, moved)
    return result.model_copy(update={"drafts": drafts, "report": report, "contents": {}})
