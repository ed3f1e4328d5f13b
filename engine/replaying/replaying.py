"""Replaying: the graph in a picture is run as it ran then, and the two pictures are compared, bit by bit."""

import time
from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine import api
from engine.replaying.differences import Difference, differences, pixel_differences, unexplained
from engine.replaying.pixels import Made, Nearest, apart
from engine.replaying.recorded import Original, Recorded, read
from engine.running.context import Pictures
from schemas.report import Event, Problem, RunReport
from schemas.settings import Settings
from schemas.workflow import Workflow

NO_PICTURE = Problem(
    code="not-comparable",
    said="the graph saved no picture that could be this one.",
    fix="Give it a SaveImage node, as it had when it made the picture.",
)


class Replay(BaseModel):
    """What came of replaying a picture.

    identical: None if there is nothing to compare, as the report then says. lossy: the file's format keeps no exact
    pixels. max_difference: of any channel of any pixel, of 255; with mean_difference and pixels_differing None if the
    sizes differ, too. seconds: for the run. picture: where the new one was written, if it was kept.
    """

    model_config = ConfigDict(defer_build=True)

    event: Literal["replay"] = "replay"
    file: str
    identical: bool | None = None
    lossy: bool = False
    width: int
    height: int
    differences: list[Difference] = Field(default_factory=list)
    max_difference: int | None = None
    mean_difference: float | None = None
    pixels_differing: int | None = None
    notes: list[str] = Field(default_factory=list)
    seconds: float = 0.0
    picture: str | None = None
    report: RunReport


def uncached(settings: Settings) -> Settings:
    """The same settings without any results kept: what was computed before proves nothing."""
    return settings.model_copy(update={"cache": "off", "memory_cache": 0})


class Replayer:
    """Replays pictures one after the other; models stay loaded between them, results do not.

    failure: the traceback of the last run, as text, if a node failed in it.
    """

    def __init__(
        self, session: api.Session, kept: Pictures | None = None, events: Callable[[Event], None] | None = None
    ) -> None:
        """kept: where the new pictures go; None for nowhere. events: told what happens in the runs.

        Raises ValueError for a session that keeps results.
        """
        if session.settings.cache != "off" or session.settings.memory_cache:
            raise ValueError("replaying needs a session that keeps no results: see `uncached`")
        self._session, self._kept, self._events = session, kept, events
        self.failure: str | None = None

    def replay(self, file: str) -> Replay:
        """Replay the picture in a file, or on standard input for "-". Raises GraphInvalid if it is none with a graph.

        What is wrong with running it now is in the report.
        """
        original = read(file, self._session.settings)
        recorded = original.recorded or Recorded()
        nearest = Nearest(original.pixels, recorded.saved_by, self._kept)
        begun = time.monotonic()
        report = self._run(original.workflow, nearest)
        height, width = original.pixels.shape[:2]
        replay = Replay(
            file=original.workflow.name,
            lossy=original.lossy,
            width=width,
            height=height,
            notes=original.notes,
            seconds=time.monotonic() - begun,
            report=report,
        )
        if self._kept is None:
            report.outputs = {}
        if report.status == "done" and nearest.found is None:
            report.status, report.problems = "invalid", [NO_PICTURE.model_copy(update={"file": replay.file})]
        if report.status == "done" and nearest.found is not None:
            _compare(replay, original, nearest.found)
        report.problems = [_with_fingerprint(problem, recorded) for problem in report.problems]
        return replay

    def _run(self, workflow: Workflow, pictures: Pictures) -> RunReport:
        told = self._events
        event = None if told is None else lambda job, happened: told(happened)
        ended: list[tuple[RunReport, str | None]] = []
        task = api.Task(0, workflow, pictures)
        self._session.run_all([task], lambda job, report, failure: ended.append((report, failure)), event)
        ((report, self.failure),) = ended
        return report


def _compare(replay: Replay, original: Original, made: Made) -> None:
    """Fill in how the two pictures differ."""
    found = apart(original.pixels, made.pixels)
    replay.identical = found is not None and not found.differing
    replay.picture = str(made.path) if made.path else None
    if found is not None:
        replay.max_difference, replay.mean_difference = found.largest, found.mean
        replay.pixels_differing = found.differing
    was, now, steps = original.recorded, made.recorded, replay.report.steps
    if was is not None and now is not None:
        replay.differences = differences(was, now, original.workflow.prompt, steps)
        if not replay.identical and not original.lossy:
            replay.differences += unexplained(replay.differences, was, now, original.workflow.prompt, steps)
    now_size = (made.pixels.shape[1], made.pixels.shape[0])
    replay.differences += pixel_differences(found, (replay.width, replay.height), now_size)


def _with_fingerprint(problem: Problem, recorded: Recorded) -> Problem:
    """A missing model file with the fingerprint that it had, so that it can be told from others of its name."""
    had = {model.fingerprint for model in recorded.models if model.name == problem.found}
    if problem.code != "missing-file" or not had:
        return problem
    said = f"{problem.said} When the picture was made, its fingerprint was {' or '.join(sorted(had))}."
    return problem.model_copy(update={"said": said})
