"""Plain data becomes an EditorFile: what is damaged is told all at once, what merely lacks is filled in.

Formats: litegraph 0.4 and ComfyUI's workflow schema 1, see `engine.editor.graph`.
"""

from collections.abc import Iterator
from typing import Any

from engine.editor.graph import ALWAYS, EditorFile, EditorGraph, EditorLink, EditorNode, Path, Slot
from engine.errors import GraphInvalid
from engine.reading.printable import clipped, printable, shown
from schemas.report import Problem

_FIX = "Export it again."


class GraphReader:
    """Reads one file. Used up by one call of `read`."""

    def __init__(self, name: str) -> None:
        """name: the file, for messages."""
        self._name = name
        self._problems: list[Problem] = []
        self._remarks: list[str] = []

    def read(self, raw: dict[str, Any], at: Path = ()) -> EditorFile:
        """The records of a whole file, or of a part that is found `at` a path of one.

        Raises GraphInvalid with a problem (malformed-node) for each damaged part.
        """
        root = self._graph(raw, at)
        definitions: dict[str, EditorGraph] = {}
        for path, part in _located_definitions(raw):
            name = text_id(part.get("id"))
            if name is None:
                self._damaged(part, "is no subgraph definition: it has no id")
            elif name in definitions:
                self._remarks.append(f"the subgraph {shown(part.get('name'))} is defined twice: the first one counts")
            else:
                definitions[name] = self._definition(name, part, path)
        if self._problems:
            raise GraphInvalid(self._problems)
        return EditorFile(root, definitions, self._remarks)

    def _definition(self, name: str, part: dict[str, Any], path: Path) -> EditorGraph:
        graph = self._graph(part, path)
        graph.id, graph.name = name, _text(part.get("name"))
        graph.inputs, graph.outputs = (self._slots(part, key) for key in ("inputs", "outputs"))
        graph.input_links, graph.output_links = (_face_links(part.get(key)) for key in ("inputs", "outputs"))
        return graph

    def _graph(self, raw: dict[str, Any], path: Path) -> EditorGraph:
        return EditorGraph(self._nodes(raw.get("nodes"), (*path, "nodes")), self._links(raw.get("links")))

    def _nodes(self, held: Any, path: Path) -> dict[str, EditorNode]:
        if held is not None and not isinstance(held, list):
            self._damaged(held, "is no list of nodes")
        nodes: dict[str, EditorNode] = {}
        twice: list[EditorNode] = []
        for place, raw in enumerate(held if isinstance(held, list) else []):
            node = self._node(raw, (*path, place))
            if node is not None:
                (twice.append(node) if node.id in nodes else nodes.setdefault(node.id, node))
        free = max((int(name) for name in nodes if _is_number(name)), default=0) + 1
        for number, node in enumerate(twice, free):
            self._remarks.append(
                f"two nodes have the id {shown(node.id)}: the second, a {shown(node.type)}, is {number}"
            )
            node.id = str(number)
            nodes[node.id] = node
        return nodes

    def _node(self, raw: Any, path: Path) -> EditorNode | None:
        if not isinstance(raw, dict):
            self._damaged(raw, "is no node as editors write it")
            return None
        name, kind = text_id(raw.get("id")), raw.get("type")
        if name is None or not isinstance(kind, str):
            self._damaged(raw, "is no node as editors write it: it needs an id and a type")
            return None
        values, named, properties = (raw.get(key) for key in ("widgets_values", "widgets_values_named", "properties"))
        return EditorNode(
            id=name,
            type=kind,
            mode=_number(raw.get("mode"), ALWAYS),
            title=raw["title"] if isinstance(raw.get("title"), str) else None,
            inputs=self._slots(raw, "inputs"),
            outputs=self._slots(raw, "outputs"),
            values=values if isinstance(values, list | dict) else None,
            named=named if isinstance(named, dict) else None,
            properties=properties if isinstance(properties, dict) else {},
            raw=raw,
            path=path,
        )

    def _slots(self, holder: dict[str, Any], key: str) -> list[Slot]:
        held = holder.get(key) or []
        if not isinstance(held, list) or not all(isinstance(each, dict) for each in held):
            self._damaged(held, f"is no list of {key}")
            return []
        return [_slot(each) for each in held]

    def _links(self, held: Any) -> dict[str, EditorLink]:
        raw = list(held.values()) if isinstance(held, dict) else held or []
        if not isinstance(raw, list):
            self._damaged(raw, "is no table of links")
            return {}
        links: dict[str, EditorLink] = {}
        for each in raw:
            link = _link(each)
            if link is not None:
                links.setdefault(link.id, link)
            elif each is not None:
                self._damaged(each, "is no link as editors write it")
        return links

    def _damaged(self, found: Any, said: str) -> None:
        node = text_id(found.get("id")) if isinstance(found, dict) else None
        told = f"{shown(found)} {said}."
        self._problems.append(
            Problem(
                code="malformed-node", file=self._name, node=clipped(node), found=clipped(found), said=told, fix=_FIX
            )
        )


def definitions_in(raw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The subgraph definitions of a file as the file has them, those held by other definitions included."""
    return (part for _, part in _located_definitions(raw))


def _located_definitions(raw: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    waiting: list[tuple[Path, dict[str, Any]]] = [((), raw)]
    for path, holder in waiting:
        held = holder.get("definitions")
        inner = held.get("subgraphs") if isinstance(held, dict) else None
        for number, part in enumerate(inner if isinstance(inner, list) else ()):
            if isinstance(part, dict):
                located = ((*path, "definitions", "subgraphs", number), part)
                yield located
                waiting.append(located)


def text_id(value: Any) -> str | None:
    """An id as text: 7, "7" and 7.0 are the same node; None if it is none."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None
    return str(value)


def _slot(raw: dict[str, Any]) -> Slot:
    widget, label = raw.get("widget"), raw.get("label")
    name = widget.get("name") if isinstance(widget, dict) else None
    return Slot(
        name=_text(raw.get("name")),
        type=_type(raw.get("type")),
        link=text_id(raw.get("link")),
        widget=name if isinstance(name, str) else None,
        label=label if isinstance(label, str) else None,
    )


def _link(raw: Any) -> EditorLink | None:
    """[id, origin, origin slot, target, target slot, type], or an object of the same."""
    if isinstance(raw, dict):
        raw = [raw.get(key) for key in ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")]
    if not isinstance(raw, list) or len(raw) < 5:
        return None
    name, origin, target = text_id(raw[0]), text_id(raw[1]), text_id(raw[3])
    if name is None or origin is None or target is None:
        return None
    return EditorLink(name, origin, _number(raw[2], 0), target, _number(raw[4], 0), _type(raw[5] if raw[5:] else None))


def _face_links(held: Any) -> list[list[str]]:
    """The link ids that each end of a subgraph's face lists."""
    found = []
    for each in held if isinstance(held, list) else []:
        ids = each.get("linkIds") if isinstance(each, dict) else None
        found.append([name for name in map(text_id, ids if isinstance(ids, list) else []) if name is not None])
    return found


def _type(value: Any) -> str:
    """A socket type; editors write 0, -1 or "*" for any."""
    return value if isinstance(value, str) else "*"


def _text(value: Any) -> str:
    return printable(value) if isinstance(value, str) else "" if value is None else str(value)[:80]


def _number(value: Any, otherwise: int) -> int:
    """A small whole number; texts of digits too."""
    name = text_id(value)
    return int(name) if name is not None and _is_number(name) and len(name) < 12 else otherwise


def _is_number(name: str) -> bool:
    return len(name) < 12 and name.removeprefix("-").isdecimal() and name.isascii()
