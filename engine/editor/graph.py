"""An editor's graph as typed records: nodes with slots, links by id, subgraph definitions by id.

Formats: litegraph 0.4 (links as arrays) and ComfyUI's workflow schema 1 (links as objects); both may stand anywhere.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.workflow import Origin

ALWAYS, ON_EVENT, MUTED, ON_TRIGGER, BYPASSED = range(5)
"""Modes of a node; 1 and 3 execute as 0 does."""
INPUT_SIDE, OUTPUT_SIDE = "-10", "-20"
"""Ids of a subgraph's own boundary in its links."""

Path = tuple[str | int, ...]
"""Keys and numbers that lead from a file's outermost object to one inside it."""


@dataclass(slots=True)
class Slot:
    """An input or output socket. widget: the widget that an input socket stands for, or None. link: of an input."""

    name: str
    type: str
    link: str | None = None
    widget: str | None = None
    label: str | None = None


@dataclass(slots=True)
class EditorNode:
    """One node. id: as text. values: `widgets_values` as saved: a list, a dict by name, or None.

    named: `widgets_values_named`, if the file has it. raw: the node's own JSON object; path leads to it in the file.
    elsewhere: values that another node keeps for this one, by number: the path to that node, and the number there.
    """

    id: str
    type: str
    mode: int = ALWAYS
    title: str | None = None
    inputs: list[Slot] = field(default_factory=list)
    outputs: list[Slot] = field(default_factory=list)
    values: list[Any] | dict[str, Any] | None = None
    named: dict[str, Any] | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)
    path: Path = ()
    elsewhere: dict[int, tuple[Path, int]] = field(default_factory=dict)

    def origin(self, key: int | str | None, name: str) -> Origin:
        """Where the file keeps the value that stands at `key`, which may be another node. name: of the widget."""
        if isinstance(key, int) and key in self.elsewhere:
            path, number = self.elsewhere[key]
            return Origin(path, number, "")
        return Origin(self.path, key, name)

    @property
    def active(self) -> bool:
        """Neither muted nor bypassed."""
        return self.mode not in (MUTED, BYPASSED)


class EditorLink(NamedTuple):
    """From output `origin_slot` of a node to input `target_slot` of another; ids as text."""

    id: str
    origin: str
    origin_slot: int
    target: str
    target_slot: int
    type: str


@dataclass(slots=True)
class EditorGraph:
    """Nodes by id in the file's order, and links by id.

    Of a subgraph definition: id, name and its face: inputs and outputs, whose inner ends are links from INPUT_SIDE and
    to OUTPUT_SIDE. input_links, output_links: for each end of the face the ids of its inner links, as the file lists
    them.
    """

    nodes: dict[str, EditorNode]
    links: dict[str, EditorLink]
    id: str | None = None
    name: str = ""
    inputs: list[Slot] = field(default_factory=list)
    outputs: list[Slot] = field(default_factory=list)
    input_links: list[list[str]] = field(default_factory=list)
    output_links: list[list[str]] = field(default_factory=list)


@dataclass(slots=True)
class EditorFile:
    """A whole file: the root graph and every subgraph definition by id. remarks: what reading changed."""

    root: EditorGraph
    definitions: dict[str, EditorGraph]
    remarks: list[str] = field(default_factory=list)
