"""WatchDesk: jobs of a watched folder. A job is a file; when it is over, the file lies in `done` or `failed`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine import api
from engine.journal.journal import Job, Journal
from engine.reading.source import bytes_of
from engine.running.outputs import Kind
from engine.watching.leaving import folder_of_pictures, leaving
from engine.watching.lookout import Lookout
from engine.whole_files import stamp_of
from engine.working.desk import Desk, Vanished
from engine.working.listening import Listener
from schemas.job import JobResult, Move, Outcome
from schemas.report import RunReport
from schemas.settings import Settings
from schemas.workflow import Workflow

KEPT = 10_000
"""Jobs that are over and stay in the journal."""
TRIMMED = 100
"""After how many jobs the journal is trimmed."""
LOOKING = 10.0
"""Seconds to wait at most for the look that tells whether a folder is drained."""


class WatchDesk(Desk):
    """Hands out graphs of a folder, and puts away what has run.

    A file that changed since it was found is passed over, and found again when it is whole.
    """

    def __init__(
        self,
        journal: Journal,
        watched: Path,
        lookout: Lookout,
        settings: Settings,
        *,
        once: bool = False,
        per_graph: bool = False,
        listener: Listener,
        **desk: Any,
    ) -> None:
        """watched: an absolute path. once: end when the folder is drained. desk: what Desk takes besides.

        per_graph: each graph's pictures get a folder of their own below the output folder.
        """
        super().__init__(journal, tell=listener.event, **desk)
        self._watched, self._lookout, self._settings = watched, lookout, settings
        self._once, self._per_graph, self._listener = once, per_graph, listener
        self._since_trim = 0

    def workflow_of(self, job: Job) -> Workflow:
        """Read the file now. Raises GraphInvalid for what is no graph, Vanished if the file went away or changed."""
        path, stamp = self._watched / job.name, _stamp(job)
        if _stamp_at(path) != stamp:
            raise self._vanished(job)
        try:
            data = bytes_of(path)
        finally:
            if _stamp_at(path) != stamp:
                raise self._vanished(job)
        workflow = api.load(data, job.name, settings=self._settings)
        for said in workflow.notes:
            self._listener.note(f"{job.name}: {said}")
        return workflow

    def outcome_of(self, job: Job, result: JobResult) -> Outcome:
        """Pictures to their places, the graph to `done` or `failed`, its report beside it."""
        failed = result.report.status != "done"
        places = leaving(self._watched, job.name, failed)
        return Outcome(
            report=result.report,
            drafts=result.drafts,
            seconds=result.seconds,
            failure=result.failure,
            report_file=str(places.report),
            error_file=str(places.error) if failed else None,
            move=Move(source=str(self._watched / job.name), target=str(places.graph), stamp=_stamp(job)),
        )

    def roots_of(self, job: Job) -> Mapping[Kind, Path]:
        """Where its pictures go: each graph's into a folder of its own, if that is wanted."""
        roots = super().roots_of(job)
        return {**roots, "output": roots["output"] / folder_of_pictures(job.name)} if self._per_graph else roots

    def more(self, wait: float) -> bool:
        """Wait for arrivals. False: once, and nothing stands there that is not queued, nor waits in the queue."""
        if self._lookout.wait(wait) or not self._once:
            return True
        return not self._lookout.empty(LOOKING) or self._lookout.wait(0) or bool(self._journal.counts()["waiting"])

    def ended(self, job: Job, report: RunReport, seconds: float, failed: bool) -> None:
        """What stands there under that name from now on is another file."""
        self._lookout.forget(job.name)
        self._since_trim += 1
        if self._since_trim >= TRIMMED:
            self._since_trim = 0
            self._journal.trim(KEPT)

    def _vanished(self, job: Job) -> Vanished:
        self._lookout.forget(job.name)
        return Vanished(job.name)


def _stamp(job: Job) -> str:
    """The state of the file that was found."""
    return str(json.loads(job.payload)["stamp"])


def _stamp_at(path: Path) -> str | None:
    try:
        return stamp_of(path.stat())
    except FileNotFoundError:
        return None
