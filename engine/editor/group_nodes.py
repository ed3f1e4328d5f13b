"""Group nodes, ComfyUI's older subgraphs: each becomes a subgraph of its own, so that all else knows one kind.

A file keeps them in `extra.groupNodes`: {nodes, links, external, config} by name; a node of type `workflow>name`, or
`workflow/name` in older files, stands for one. Inner nodes are numbered; links give these numbers.
"""

from typing import Any

from engine.catalogue.catalogue import Catalogue
from engine.editor.graph import EditorFile, EditorGraph, EditorNode
from engine.editor.group_definitions import Group, read_group
from engine.editor.group_faces import connect_faces
from engine.editor.group_values import spread
from engine.editor.places import DEEPEST
from engine.errors import GraphInvalid
from engine.reading.printable import shown

_PREFIXES = ("workflow>", "workflow/")
_MOST_NODES = 50_000
"""Nodes that unfolding may add: groups in groups multiply."""


def expand(file: EditorFile, raw: dict[str, Any], catalogue: Catalogue) -> None:
    """Make every group node an instance of a definition in `file.definitions`, with a remark for each.

    raw: the file as it was read. Ids of inner nodes are their numbers. A group node of a name that the file does not
    have stays as it is: an unknown class.
    """
    extra = raw.get("extra")
    groups = extra.get("groupNodes") if isinstance(extra, dict) else None
    if isinstance(groups, dict) and groups:
        _remark_unreachable(file, groups)
        _Unfolding(file, groups, catalogue).run()


def _name_of(node: EditorNode, groups: dict[str, Any]) -> str | None:
    """The name of the group that a node stands for, or None."""
    name = next((node.type.removeprefix(start) for start in _PREFIXES if node.type.startswith(start)), None)
    return name if name is not None and isinstance(groups.get(name), dict) else None


def _remark_unreachable(file: EditorFile, groups: dict[str, Any]) -> None:
    """Group nodes in subgraphs mean nothing to ComfyUI's editor either."""
    for graph in file.definitions.values():
        for node in graph.nodes.values():
            if _name_of(node, groups) is not None:
                told = f"the group node {node.id} in the subgraph {shown(graph.name)}"
                file.remarks.append(f"{told} is left: group nodes work only outside")


class _Unfolding:
    """Turns the group nodes of one file into instances, those inside other groups included."""

    def __init__(self, file: EditorFile, groups: dict[str, Any], catalogue: Catalogue) -> None:
        self._file, self._groups, self._catalogue = file, groups, catalogue
        self._left = _MOST_NODES

    def run(self) -> None:
        """Unfold from the outside in. What waits has the path of its ids and the names of the groups around it."""
        waiting: list[tuple[EditorGraph, str, tuple[str, ...]]] = [(self._file.root, "", ())]
        for graph, path, around in waiting:
            for node in graph.nodes.values():
                name = _name_of(node, self._groups)
                inner = self._unfold(node, name, f"{path}{node.id}", around) if name is not None else None
                if name is not None and inner is not None:
                    waiting.append((inner, f"{path}{node.id}:", (*around, name)))

    def _unfold(self, node: EditorNode, name: str, path: str, around: tuple[str, ...]) -> EditorGraph | None:
        """The definition that the node is now an instance of, or None with a remark."""
        told = f"the group node {path} {shown(name)}"
        if name in around or len(around) >= DEEPEST:
            why = "it contains itself" if name in around else f"it stands in {DEEPEST} others"
            self._file.remarks.append(f"{told} is left: {why}")
            return None
        try:
            group = read_group(name, self._groups[name])
        except GraphInvalid as error:
            self._file.remarks.append(f"{told} is left: {error.problems[0].said}")
            return None
        self._left -= len(group.nodes)
        if self._left < 0:
            self._file.remarks.append(f"{told} is left: unfolding makes more than {_MOST_NODES} nodes")
            return None
        self._file.remarks.append(f"{told} is unfolded into its {len(group.nodes)} nodes")
        self._stand_for(node, group, told, path)
        return group.graph

    def _stand_for(self, node: EditorNode, group: Group, told: str, path: str) -> None:
        self._file.remarks += [f"{told}: {said}" for said in spread(node, group, self._catalogue)]
        self._file.remarks += [f"{told}: {said}" for said in connect_faces(node, group)]
        ident = f"{node.type} {path}"
        while ident in self._file.definitions:
            ident += "'"
        group.graph.id = ident
        self._file.definitions[ident] = group.graph
        node.title, node.type, node.values, node.named = node.title or group.graph.name, ident, None, None
