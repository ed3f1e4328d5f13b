"""What is done to a graph, said without knowing the form in which the graph is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.convert.loaders import BASE, LoaderClass, by_name

MEMORY = "comfyless"
"""Under this name a converted loader remembers what it was; ComfyUI keeps the entry and gives no meaning to it."""


@dataclass(frozen=True)
class Found:
    """A base-model loader of a graph.

    values: widgets by name, as far as the file has them. readers: slot to inputs it feeds ("6.clip"). linked: widgets
    that are fed by other nodes.
    """

    node: str
    title: str | None
    loader: LoaderClass
    values: Mapping[str, Any]
    readers: Mapping[int, Sequence[str]]
    linked: tuple[str, ...] = ()

    @property
    def file(self) -> Any:
        """The name of its file."""
        return self.values.get(self.loader.file_field)

    def reads(self, output: str) -> Sequence[str]:
        """Inputs that an output feeds."""
        return self.readers.get(self.loader.outputs.index(output), ()) if output in self.loader.outputs else ()

    @property
    def only_companions(self) -> bool:
        """Whether it is there for the text encoders or the autoencoder alone."""
        return not self.readers.get(0) and any(self.readers.values())


@dataclass(frozen=True)
class Addition:
    """A loader to add. slots: outputs of the old loader to those of this one, which take their links."""

    loader: LoaderClass
    values: Mapping[str, Any]
    slots: Mapping[int, int]


@dataclass(frozen=True)
class Rewrite:
    """What becomes of one loader: its class and widgets, and what is added beside it."""

    loader: LoaderClass
    values: Mapping[str, Any]
    additions: tuple[Addition, ...] = field(default=())


class Graph(Protocol):
    """A graph in some form, changed in place. Nodes are known by their ids as text.

    name: of the subgraph, None for the graph itself. notes: what was met and left alone.
    """

    name: str | None
    notes: list[str]

    def found(self) -> list[Found]:
        """Its base-model loaders, in its order."""

    def rewrite(self, node: str, change: Rewrite) -> list[str]:
        """Change a loader, and remember in it what it was. Returns the ids of added loaders."""

    def remembers(self, node: str) -> bool | None:
        """Whether a loader was converted before and can be turned back; None if it, or what was added, was edited."""

    def history(self, node: str) -> list[tuple[str, dict[str, Any]]]:
        """Of a loader that remembers: class and widgets of what it was, then of each loader added for it."""

    def undo(self, node: str) -> list[str]:
        """Turn a loader that remembers back. Returns the ids of loaders that are gone."""

    def wires(self) -> dict[str, tuple[str, int]]:
        """Every link: the input it feeds ("6.clip") to the node and slot that feed it."""


def values_of(class_type: str, held: Any) -> dict[str, Any]:
    """Widgets of a base-model loader by name. UNETLoaderNF4's fork of CheckpointLoaderNF4 has a bnb_dtype too."""
    known = BASE[class_type]
    return by_name(known, held, () if "bnb_dtype" in known.widgets else ("bnb_dtype",) if known.whole else ())


def retitled(title: Any, before: LoaderClass, after: LoaderClass) -> Any:
    """The title for a new class: one that only repeats the old class's name follows, one a person gave stays."""
    return after.display_name if title in (before.display_name, before.class_type) else title
