"""What a worker tells, by whatever way it comes."""

from dataclasses import dataclass

from schemas.job import JobResult
from schemas.report import Event, Problem


@dataclass(frozen=True, slots=True)
class Ready:
    """It has started, and waits for jobs."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One of its jobs has run, well or badly."""

    result: JobResult


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened in a job."""

    job: int
    event: Event


@dataclass(frozen=True, slots=True)
class Idle:
    """All that it was given has run."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot work at all, and no other one could. problems: of the settings, if it is they; said: in words."""

    problems: tuple[Problem, ...]
    said: str


@dataclass(frozen=True, slots=True)
class Gone:
    """It is no more, and this is the last of it. why: in words."""

    why: str


Message = Ready | Ran | Happened | Idle | Refused | Gone
