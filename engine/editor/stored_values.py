"""Stored values: a changed value finds its place in the editor's own graph, so that saved pictures restore it.

The place is known without the node's class: a controlled value is the one right before the mode that controls it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

MODES = frozenset({"fixed", "increment", "decrement", "randomize", "increment-wrap"})
_VALUES = "widgets_values"
_NAMED = "widgets_values_named"


def changed(graph: dict[str, Any], changes: Mapping[tuple[str, str], tuple[Any, Any]]) -> dict[str, Any]:
    """A copy with values changed; `changes`: node and field of the prompt to (before, after).

    A value stays where its place is not certain: of equal ones in a node, and in a subgraph that is used twice.
    """
    if not changes:
        return graph
    edited = Edited(graph)
    for (name, field), (before, after) in changes.items():
        edited.change(name.split(":"), field, before, after)
    return edited.graph


class Edited:
    """A copy of a graph, of which only what changes is copied deeply."""

    def __init__(self, graph: dict[str, Any]) -> None:
        """Copy the lists of nodes."""
        self.graph = {**graph, "nodes": _listed(graph.get("nodes"))}
        self._subgraphs: dict[str, dict[str, Any]] = {}
        self._indexes: dict[str, dict[str, int]] = {}
        definitions = graph.get("definitions")
        if isinstance(definitions, dict) and isinstance(definitions.get("subgraphs"), list):
            copies = [{**each, "nodes": _listed(each.get("nodes"))} for each in _objects(definitions["subgraphs"])]
            if len(copies) == len(definitions["subgraphs"]):
                self.graph["definitions"] = {**definitions, "subgraphs": copies}
                self._subgraphs = {str(each.get("id")): each for each in copies}
        graphs = (self.graph, *self._subgraphs.values())
        self._uses = Counter(str(node.get("type")) for each in graphs for node in _objects(each["nodes"]))

    def change(self, path: list[str], field: str, before: Any, after: Any) -> None:
        """Change a value of the node at the end of a path of ids, if it can be found."""
        kind, graph = "", self.graph
        for name in path[:-1]:
            place = self._places(kind).get(name)
            kind = "" if place is None else str(graph["nodes"][place].get("type"))
            if kind not in self._subgraphs or self._uses[kind] != 1:
                return
            graph = self._subgraphs[kind]
        place = self._places(kind).get(path[-1])
        if place is not None:
            graph["nodes"][place] = _with_value(graph["nodes"][place], field, before, after)

    def _places(self, kind: str) -> dict[str, int]:
        """Where each node stands in a subgraph, or in the root for an empty name."""
        if kind not in self._indexes:
            nodes = enumerate((self._subgraphs[kind] if kind else self.graph)["nodes"])
            self._indexes[kind] = {str(node.get("id")): at for at, node in nodes if isinstance(node, dict)}
        return self._indexes[kind]


def _with_value(node: dict[str, Any], field: str, before: Any, after: Any) -> dict[str, Any]:
    values = node.get(_VALUES)
    if isinstance(values, dict):
        return {**node, _VALUES: {**values, field: after}} if values.get(field) == before else node
    if not isinstance(values, list):
        return node
    places = [at for at in range(len(values) - 1) if _is_mode(values[at + 1])]
    equal = [at for at in places if values[at] == before]
    places = equal or [at for at in places if isinstance(values[at + 1], str)]  # the run may have had another value
    if len(places) != 1:
        return node
    copy = {**node, _VALUES: [*values[: places[0]], after, *values[places[0] + 1 :]]}
    if isinstance(named := node.get(_NAMED), dict) and field in named:
        copy[_NAMED] = {**named, field: after}
    return copy


def _is_mode(value: Any) -> bool:
    """Whether this is a mode of control; old files have true and false."""
    return isinstance(value, bool) or (isinstance(value, str) and value in MODES)


def _listed(nodes: Any) -> list[Any]:
    return list(nodes) if isinstance(nodes, list) else []


def _objects(values: list[Any]) -> Iterator[dict[str, Any]]:
    return (value for value in values if isinstance(value, dict))
