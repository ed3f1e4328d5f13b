"""Batch: rows of settings for one graph, what is known of them beforehand, and what became of each."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.job import JobState


class Row(BaseModel):
    """One run of the graph.

    index: from 1. settings: as written, by column, None where the graph keeps its own value, and what changed since the
    run before. values: (node, field, value) of the prompt's literals that differ from the graph's. run: which of the
    runs with these settings it is, from 1.
    """

    model_config = ConfigDict(defer_build=True)

    index: int
    settings: dict[str, Any] = Field(default_factory=dict)
    values: list[tuple[str, str, Any]] = Field(default_factory=list)
    run: int = 1


class Recipe(BaseModel):
    """What a batch's folder keeps, beside its rows, to go on without being told anything again.

    name: of the graph, as it was named. graph: its file in the folder. sets: NODE.FIELD=VALUE for every row.
    prompt_seed, control: as for `run --repeat`. rows: how many. options: settings that the command was given, paths
    made absolute.
    """

    model_config = ConfigDict(defer_build=True)

    format: Literal[1] = 1
    name: str
    graph: str
    sets: list[str] = Field(default_factory=list)
    prompt_seed: int | Literal["off"] | None = None
    control: str | None = None
    rows: int
    options: dict[str, Any] = Field(default_factory=dict)


class ManifestLine(BaseModel):
    """What became of one row.

    row: from 1. settings: as written, by column. outputs: paths, in the order written. hashes: of these files, as
    "sha256:…", or None where there is no file any more. seconds: that it took. attempts: how often it was begun.
    """

    model_config = ConfigDict(defer_build=True)

    row: int
    settings: dict[str, Any] = Field(default_factory=dict)
    state: JobState
    outputs: list[str] = Field(default_factory=list)
    hashes: list[str | None] = Field(default_factory=list)
    seconds: float = 0.0
    attempts: int = 0
    error: str | None = None


class ClassForecast(BaseModel):
    """The steps of one class. runs: steps that will run; shared: that another row's step stands for; cached: at hand.

    maybe: steps that run only if a node asks for them.
    """

    model_config = ConfigDict(defer_build=True)

    class_type: str
    runs: int = 0
    shared: int = 0
    cached: int = 0
    maybe: int = 0


class WeightsForecast(BaseModel):
    """One set of weights. kind: the socket it travels on. files: names. steps: that use it. loads: how often it comes.

    bytes: of its files, which other sets may be in, too.
    """

    model_config = ConfigDict(defer_build=True)

    kind: str
    files: list[str]
    bytes: int
    steps: int
    loads: int


class Forecast(BaseModel):
    """What a batch would do.

    steps: of all rows, each for itself; distinct: those left when equal ones are one; shared: the difference. cached:
    distinct ones that need not run; maybe: that run only if a node asks for them. encodes: texts that are encoded.
    model_calls: evaluations of diffusion models, None if the graph does not tell. read_bytes: of the files that are
    read. seconds: of the steps that were ever timed, None if none was; untimed: how many were not. peak_bytes: measured
    when such a graph ran last.
    """

    model_config = ConfigDict(defer_build=True)

    rows: int
    steps: int
    distinct: int
    shared: int
    cached: int = 0
    maybe: int = 0
    classes: list[ClassForecast] = Field(default_factory=list)
    encodes: int = 0
    loads: list[WeightsForecast] = Field(default_factory=list)
    model_calls: int | None = None
    read_bytes: int = 0
    seconds: float | None = None
    untimed: int = 0
    peak_bytes: int | None = None
