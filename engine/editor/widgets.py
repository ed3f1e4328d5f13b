"""Widgets: a node's saved values become inputs by name. CONTRACT; being written."""

from dataclasses import dataclass, field
from typing import Any

from engine.editor.graph import EditorNode
from schemas.node_schema import NodeSchema


@dataclass(slots=True)
class Widgets:
    """What the saved values of one node say.

    values: every widget input by name, in slot order, dotted names of dynamic combos among them; lists are not yet
    wrapped. controls: saved mode of `control_after_generate` by input ("fixed", "increment", …). remarks: what is to
    be told, without naming the node. known: False if neither a schema nor names nor sockets told what the values mean.
    """

    values: dict[str, Any]
    controls: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    known: bool = True


def widgets_of(node: EditorNode, schema: NodeSchema | None) -> Widgets:
    """The widget inputs of a node. Never raises for what a file may hold."""
    raise NotImplementedError


def has_widget(node: EditorNode, name: str, schema: NodeSchema | None) -> bool:
    """Whether an input of a node (a dotted name included) is a widget, by the schema, or else by its socket."""
    raise NotImplementedError
