"""Plan: what a run would do, step by step, before it does it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FileNeed(BaseModel):
    """A model or picture file that a step reads. bytes: on disk, of the whole file."""

    model_config = ConfigDict(defer_build=True)

    name: str
    path: str
    bytes: int


class PlanStep(BaseModel):
    """One node in the order it would run.

    state: "run", "cached", or "lazy" (runs only if a node asks for it on the way). reason: why it would run, in words
    ("first run", "seed changed", "input latent_image changed", "never cached", ...). key: the content key.
    reads: ids of the nodes it takes values from. drops: ids of nodes whose values nobody reads after this step.
    """

    model_config = ConfigDict(defer_build=True)

    node: str
    class_type: str
    title: str | None = None
    state: Literal["run", "cached", "lazy"] = "run"
    reason: str = ""
    key: str
    reads: list[str] = Field(default_factory=list)
    drops: list[str] = Field(default_factory=list)
    files: list[FileNeed] = Field(default_factory=list)


class Plan(BaseModel):
    """Steps in topological order."""

    model_config = ConfigDict(defer_build=True)

    file: str
    steps: list[PlanStep]
