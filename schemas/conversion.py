"""Conversion: what became of a graph whose base model was changed to another storage type."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.workflow import Form

PartKind = Literal["flux", "checkpoint", "t5xxl", "clip_l", "kl_vae"]
"""What of a model file another can be made from; "checkpoint" is all of it."""


class LoaderState(BaseModel):
    """A loader at one moment. values: its widgets by name."""

    model_config = ConfigDict(defer_build=True)

    class_type: str
    values: dict[str, Any]


class MovedLink(BaseModel):
    """A link that another node feeds now. reader: node and input ("6.clip"). before, after: ids of who feeds it."""

    model_config = ConfigDict(defer_build=True)

    reader: str
    before: str
    after: str


class AddedLoader(LoaderState):
    """A loader that was added to the graph."""

    node: str


class Change(BaseModel):
    """What happened to one base-model loader.

    graph: name of the subgraph it lies in, None for the graph itself. links: those that moved. stays: readers whose
    links did not need to. removed: ids of loaders that an earlier conversion had added. said: which way and why.
    """

    model_config = ConfigDict(defer_build=True)

    node: str
    title: str | None = None
    graph: str | None = None
    before: LoaderState
    after: LoaderState
    links: list[MovedLink] = Field(default_factory=list)
    stays: list[str] = Field(default_factory=list)
    added: list[AddedLoader] = Field(default_factory=list)
    removed: list[str] = Field(default_factory=list)
    said: str = ""


class FileNeeded(BaseModel):
    """A model file that the new graph names.

    there: whether the model folders have it. source_folder, source: the file it can be made from. part: what of that
    file: "flux", "checkpoint" (all of it), "t5xxl", "clip_l" or "kl_vae". to: the storage type, as the command line
    has it; empty for a part that is taken out as it is stored.
    """

    model_config = ConfigDict(defer_build=True)

    folder: str
    name: str
    there: bool
    source_folder: str
    source: str
    part: PartKind
    to: str = ""


class Conversion(BaseModel):
    """A graph in its own form, changed. document: the JSON value. changes: empty if there was nothing to do.

    said: sentences about what was not changed, and why.
    """

    model_config = ConfigDict(defer_build=True)

    event: Literal["conversion"] = "conversion"
    file: str
    form: Form
    to: str
    document: dict[str, Any]
    changes: list[Change] = Field(default_factory=list)
    files: list[FileNeeded] = Field(default_factory=list)
    said: list[str] = Field(default_factory=list)
