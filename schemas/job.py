"""Job: one graph to be run unattended, on its way from a queue to a worker and back as pictures in their places."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.report import Event, RunReport
from schemas.workflow import Workflow

JobState = Literal["waiting", "running", "finishing", "done", "failed"]
"""Waiting to be claimed; claimed by somebody; run, its files being put in their places; over, one way or the other."""

CRASHES = 3
"""Deaths of the program that one job may take part in, where nobody says otherwise."""


class Draft(BaseModel):
    """A picture that a job has made, whole but not yet under its own name.

    file: where it lies. node: that wrote it. name: its filename prefix, tokens expanded (see running.output_names).
    kind: which folder it is for. final: the path it got, once it has one.
    """

    model_config = ConfigDict(defer_build=True)

    file: str
    node: str
    name: str
    kind: Literal["output", "temp"] = "output"
    batch_index: int = 0
    final: str | None = None


class JobOrder(BaseModel):
    """What a worker is given: a graph to run.

    job: the journal's number. staging: a folder of this attempt alone, for drafts; made by the worker when it needs it.
    group: equal for jobs that use equal models.
    """

    model_config = ConfigDict(defer_build=True)

    job: int
    workflow: Workflow
    staging: str
    group: str = ""


class JobResult(BaseModel):
    """What a worker gives back. report: of this job alone; its outputs name drafts. seconds: of its own steps.

    contents: the bytes of drafts by their `file`, where the worker's disk is not the one that pictures go to.
    failure: the traceback, as text, if a node failed. disk: why no draft could be written, if that is what is wrong:
    the job may do better when there is room.
    """

    model_config = ConfigDict(defer_build=True)

    job: int
    report: RunReport
    drafts: list[Draft] = Field(default_factory=list)
    contents: dict[str, bytes] = Field(default_factory=dict)
    seconds: float = 0.0
    failure: str | None = None
    disk: str | None = None


class Move(BaseModel):
    """A file that goes elsewhere when its job is over. stamp: of the file that was run, lest another one is moved."""

    model_config = ConfigDict(defer_build=True)

    source: str
    target: str
    stamp: str = ""


class Outcome(BaseModel):
    """What remains to be done on disk when a job has run; written to the journal first, so that anyone can finish it.

    report: as the worker gave it. drafts: pictures to put in their places. staging: the folder to remove after that.
    report_file: where the report goes, if it is wanted. error_file: where a readable note of the failure goes.
    move: of the graph's own file. seconds, failure: as in JobResult. named: whether all names were chosen, so that
    files which have them now may be those of this job.
    """

    model_config = ConfigDict(defer_build=True)

    report: RunReport
    drafts: list[Draft] = Field(default_factory=list)
    staging: str | None = None
    report_file: str | None = None
    error_file: str | None = None
    move: Move | None = None
    seconds: float = 0.0
    failure: str | None = None
    named: bool = False


@dataclass(frozen=True, slots=True)
class JobStarted(Event):
    """A job was given to a worker. name: the graph's file, or the row. attempt: from 1."""

    job: int
    name: str
    attempt: int


@dataclass(frozen=True, slots=True)
class JobEnded(Event):
    """A job is over, its files in their places, or it waits again. outputs: paths, in the order written."""

    job: int
    name: str
    state: JobState
    seconds: float
    outputs: tuple[str, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class Waits(Event):
    """Nothing goes on for a reason that somebody should know: a full disk."""

    said: str
