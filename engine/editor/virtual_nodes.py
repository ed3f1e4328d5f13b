"""Virtual nodes: those that live in the editor alone and are never queued, and where the values behind them come from.

The packs' types are those that rgthree-comfy, ComfyUI-KJNodes, ComfyUI-Easy-Use and comfy_mtb make in the browser. The
nodes of cg-use-everywhere do exist on the server, but mean nothing there: all their work is done by the editor.
"""

from collections.abc import Sequence
from typing import Any

from engine.editor.graph import EditorGraph, EditorNode
from engine.editor.widget_slots import mode_of
from schemas.node import MISSING

_EDITOR = {"Note", "MarkdownNote", "Reroute", "PrimitiveNode"}
_SETTER_OF = {"GetNode": "SetNode", "easy getNode": "easy setNode"}
"""Nodes that read a named value, and those that give it its name; ComfyUI-KJNodes and ComfyUI-Easy-Use."""
_RGTHREE = {
    "Reroute (rgthree)",
    "Label (rgthree)",
    "Bookmark (rgthree)",
    "Node Collector (rgthree)",
    "Node Combiner (rgthree)",
    "Power Conductor (rgthree)",
    "Fast Muter (rgthree)",
    "Fast Bypasser (rgthree)",
    "Fast Groups Muter (rgthree)",
    "Fast Groups Bypasser (rgthree)",
    "Fast Actions Button (rgthree)",
    "Mute / Bypass Relay (rgthree)",
    "Mute / Bypass Repeater (rgthree)",
    "Random Unmuter (rgthree)",
}
BROADCASTERS = frozenset({"Anything Everywhere", "Anything Everywhere?", "Anything Everywhere3", "Prompts Everywhere"})
"""Nodes of cg-use-everywhere that feed inputs without drawn links."""
_OTHERS = {"Note Plus (mtb)", "LG_GroupMuterNode"}
_VIRTUAL = frozenset(_EDITOR | set(_SETTER_OF) | set(_SETTER_OF.values()) | _RGTHREE | BROADCASTERS | _OTHERS)


def is_virtual(node_type: str) -> bool:
    """Whether nodes of this type are never queued. Subgraph instances, which are not either, are not meant."""
    return node_type in _VIRTUAL


def is_primitive(node: EditorNode) -> bool:
    """Whether the node only holds a value that is written into the widgets it is linked to."""
    return node.type == "PrimitiveNode"


def primitive_value(node: EditorNode) -> Any:
    """The value that a primitive writes into the widgets it is linked to; MISSING if it has none or is no primitive.

    Null is none: the editor makes something else of it for each type.
    """
    value = _first_value(node) if is_primitive(node) else MISSING
    return MISSING if value is None else value


def primitive_key(node: EditorNode) -> int | str:
    """Where a primitive keeps its value: its number, or its name."""
    return next(iter(node.values)) if isinstance(node.values, dict) else 0


def primitive_mode(node: EditorNode) -> str | None:
    """What a primitive does with its value between two runs, its second saved value; None if it does not say."""
    values = node.values if isinstance(node.values, list) else []
    return mode_of(values[1]) if len(values) > 1 else None


def replaces_tokens(node: EditorNode) -> bool:
    """Whether %Node.widget% and %date% in a primitive's value are replaced."""
    return node.properties.get("Run widget replace on values") is True


def _first_value(node: EditorNode) -> Any:
    if isinstance(node.values, dict):
        return next(iter(node.values.values()), MISSING)
    return node.values[0] if node.values else MISSING


class VirtualNodes:
    """Follows values through virtual nodes. One for each file: it remembers the named values of each graph."""

    def __init__(self) -> None:
        """Start knowing nothing; a graph is indexed when first asked about, and must not change after that."""
        self._setters: dict[int, tuple[EditorGraph, dict[tuple[str, str], str]]] = {}

    def upstream(self, scopes: Sequence[EditorGraph], node: EditorNode, slot: int) -> tuple[int, str, int] | None:
        """Where output `slot` of a virtual node has its value from: (scopes outward, node id, index of its input).

        scopes: the node's own graph, then the graph that holds its instance, and so on outward. The link of the input
        told is to be followed next. None: it leads nowhere.
        """
        if node.type in _SETTER_OF:
            return self._setter(scopes, node)
        return (0, node.id, slot) if 0 <= slot < len(node.inputs) else None

    def _setter(self, scopes: Sequence[EditorGraph], getter: EditorNode) -> tuple[int, str, int] | None:
        """The input of the node that names the value: in the nearest scope, and there the first of that name."""
        name = _first_value(getter)
        if not isinstance(name, str) or not name:
            return None
        for outward, graph in enumerate(scopes):
            found = self._named(graph).get((_SETTER_OF[getter.type], name))
            if found is not None:
                return (outward, found, 0) if graph.nodes[found].inputs else None
        return None

    def _named(self, graph: EditorGraph) -> dict[tuple[str, str], str]:
        """Ids of a graph's setters by type and name. The graph is kept, so that its identity stays its own."""
        known = self._setters.get(id(graph))
        if known is None:
            names: dict[tuple[str, str], str] = {}
            for node in graph.nodes.values():
                if node.type in _SETTER_OF.values() and isinstance(name := _first_value(node), str):
                    names.setdefault((node.type, name), node.id)
            known = self._setters[id(graph)] = (graph, names)
        return known[1]
