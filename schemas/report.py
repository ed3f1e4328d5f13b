"""What a run tells: problems found before it, events on its way, a report at its end."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ProblemCode = Literal[
    "unreadable-file",
    "malformed-json",
    "duplicate-key",
    "not-a-workflow",
    "unsupported-format",
    "malformed-node",
    "empty-graph",
    "no-output",
    "unknown-class",
    "unknown-input",
    "missing-input",
    "wrong-type",
    "out-of-range",
    "unknown-choice",
    "missing-file",
    "bad-file",
    "unavailable",
    "dangling-link",
    "self-link",
    "bad-slot",
    "wrong-wire",
    "cycle",
    "too-large",
    "unknown-node",
    "bad-override",
    "bad-setting",
    "bad-rows",
    "not-convertible",
    "not-comparable",
    "would-overwrite",
]


class Problem(BaseModel):
    """One finding: where it is, what is wrong with the value we got, what to do next.

    node, title, class_type, field: as far as the finding has them. also: ids of other nodes with the same fault.
    found: what the file says. said: what is wrong, naming what was found. fix: the next step, in the imperative.
    line, column: from 1, for malformed JSON.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    code: ProblemCode
    said: str
    fix: str
    file: str | None = None
    node: str | None = None
    title: str | None = None
    class_type: str | None = None
    field: str | None = None
    also: list[str] = Field(default_factory=list)
    found: Any = None
    line: int | None = None
    column: int | None = None


StepState = Literal["run", "cached", "skipped"]


class StepReport(BaseModel):
    """What became of one node. seconds: wall time of its own run, 0 if it did not run."""

    model_config = ConfigDict(defer_build=True)

    node: str
    class_type: str
    state: StepState
    seconds: float = 0.0


class LoraReport(BaseModel):
    """How a LoRA fits what it was loaded for.

    model, text: how many of its modules change the diffusion model and the text encoders. unused: modules for text
    encoders, where only the diffusion model was given. unmatched: names of tensors that found no place.
    """

    model_config = ConfigDict(defer_build=True)

    node: str
    file: str
    model: int = 0
    text: int = 0
    unused: int = 0
    unmatched: list[str] = Field(default_factory=list)

    def __str__(self) -> str:
        """`style.safetensors: 192 modules fit the model, 36 the text encoders; 2 tensors found no place: a, b`."""
        said = f"{self.file}: {self.model} modules fit the model, {self.text} the text encoders"
        if self.unused:
            said += f"; {self.unused} are for text encoders, not used here"
        if self.unmatched:
            more = ", …" if len(self.unmatched) > SHOWN_NAMES else ""
            said += f"; {len(self.unmatched)} tensors found no place: {', '.join(self.unmatched[:SHOWN_NAMES])}{more}"
        return said


SHOWN_NAMES = 4
"""How many names a line lists."""


class Peak(BaseModel):
    """Largest memory seen, in bytes: private memory of the process, and the device's own."""

    model_config = ConfigDict(defer_build=True)

    ram: int = 0
    vram: int = 0


class Work(BaseModel):
    """What was computed with weights, counted: texts encoded, weights loaded, evaluations of a diffusion model.

    A conditional and an unconditional evaluation in one batch count as one call. In a batch, what several rows share is
    counted in the row that came first.
    """

    model_config = ConfigDict(defer_build=True)

    encodes: int = 0
    loads: int = 0
    model_calls: int = 0

    def __add__(self, other: "Work") -> "Work":
        """Both together."""
        return Work(
            encodes=self.encodes + other.encodes,
            loads=self.loads + other.loads,
            model_calls=self.model_calls + other.model_calls,
        )


class RunReport(BaseModel):
    """The result of one file.

    outputs: node id to the paths it wrote (or, if cached, had written). failed_node: the one that `error` is about.
    """

    model_config = ConfigDict(defer_build=True)

    event: Literal["report"] = "report"
    file: str
    status: Literal["done", "failed", "invalid", "interrupted"]
    outputs: dict[str, list[str]] = Field(default_factory=dict)
    problems: list[Problem] = Field(default_factory=list)
    steps: list[StepReport] = Field(default_factory=list)
    loras: list[LoraReport] = Field(default_factory=list)
    peak: Peak = Field(default_factory=Peak)
    work: Work = Field(default_factory=Work)
    error: str | None = None
    failed_node: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on the way. `event` names it in JSON lines."""

    event: str

    def as_json(self) -> dict[str, Any]:
        """A dictionary for one JSON line."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """A file begins. total: steps planned, cached ones included."""

    file: str
    total: int


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """A node begins. index: from 1."""

    node: str
    class_type: str
    title: str | None
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class StepDone(Event):
    """A node ended: run, cached or skipped."""

    node: str
    class_type: str
    state: StepState
    seconds: float
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """A long step has done `done` of `total` parts (a sampler's steps). seconds: since the step began."""

    node: str
    done: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Saved(Event):
    """A file was written, whole and under its final name."""

    node: str
    path: str


@dataclass(frozen=True, slots=True)
class MemoryMoved(Event):
    """Weights came or went. action: "load" or "drop"; bytes: their size; why: in words."""

    label: str
    action: str
    bytes: int
    why: str


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """Something a person may want to know; nothing is wrong."""

    node: str | None
    said: str


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """Something a person should know that stops nothing."""

    node: str | None
    said: str
