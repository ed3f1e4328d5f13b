"""Promoted widgets: values that stand on a subgraph's node and belong to widgets inside it.

Two ways are in use: inputs of the subgraph that feed inner widgets, and `properties.proxyWidgets`, a list of
[inner node id, widget name]; "-1" as id means the input of that name.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from engine.editor.graph import EditorGraph, EditorNode
from engine.editor.places import DEEPEST, Place, Places, face_numbers
from engine.editor.widgets import Widgets, has_widget
from engine.reading.printable import shown
from schemas.node import MISSING
from schemas.node_schema import NodeSchema
from schemas.workflow import Origin

_DECORATION = re.compile(r"^(?:\d+: )+")
"""Older editors wrote `3: text` for the widget of a node deeper inside."""


class Held(NamedTuple):
    """A value, and where the file keeps it."""

    value: Any
    origin: Origin


class HostValues:
    """What the node of one subgraph says of the widgets inside it. by_input: by number of the definition's input.

    by_widget: by inner node id and widget name for those that no input feeds.
    """

    def __init__(self) -> None:
        """Nothing said."""
        self.by_input: dict[int, Held] = {}
        self.by_widget: dict[str, dict[str, Held]] = {}


class Promoted:
    """Values of promoted widgets, for all places of a file."""

    def __init__(
        self,
        places: Places,
        schema_of: Callable[[str], NodeSchema | None],
        widgets: Callable[[EditorNode], Widgets],
        remark: Callable[[Place, EditorNode, str], None],
    ) -> None:
        """widgets: a node's own saved values. remark: hears what was passed over, with the node it belongs to."""
        self._places, self._schema_of, self._widgets, self._remark = places, schema_of, widgets, remark
        self._backed: dict[tuple[str | None, int], bool] = {}
        self._hosts: dict[str, HostValues] = {}
        self._faces: dict[tuple[str | None, int], dict[int, int]] = {}

    def value(self, place: Place, number: int) -> Held | None:
        """What input `number` of a subgraph gives its inner inputs when nothing is linked to it, or None.

        The node's own value if it has one; else what the first widget inside that it feeds has stored.
        """
        if not self.is_backed(place.graph, number):
            return None
        hosts = self.hosts(place)
        if number in hosts.by_input:
            return hosts.by_input[number]
        return self._inner_value(place, number)

    def _inner_value(self, place: Place, number: int) -> Held | None:
        """The stored value of the first widget that an input of a subgraph feeds, or None."""
        while True:
            for node, index in place.layout.targets[number]:
                inner = self._places.inside(place, node)
                if inner is None and has_widget(node, node.inputs[index].name, self._schema_of(node.type)):
                    return self.own_value(place, node, node.inputs[index].name)
                below = self._face_number(inner.graph, node, index) if inner is not None else None
                if inner is not None and below is not None and self.is_backed(inner.graph, below):
                    hosts = self.hosts(inner)
                    if below in hosts.by_input:
                        return hosts.by_input[below]
                    place, number = inner, below
                    break
            else:
                return None

    def own_value(self, place: Place, node: EditorNode, name: str) -> Held | None:
        """A widget's value inside a place: as its surroundings say, else as stored in the node; or None."""
        said = self.hosts(place).by_widget.get(node.id, {}).get(name)
        if said is not None:
            return said
        widgets = self._widgets(node)
        value = widgets.values.get(name, MISSING)
        return None if value is MISSING else Held(value, kept_at(node, widgets.places.get(name), name))

    def is_backed(self, graph: EditorGraph, number: int, depth: int = 0) -> bool:
        """Whether an input of a definition stands for a widget inside it. depth: of the definitions passed through."""
        key = (graph.id, number)
        if key not in self._backed:
            self._backed[key] = False  # a definition that contains itself is refused elsewhere
            targets = self._targets(graph, number) if depth <= DEEPEST else []
            self._backed[key] = any(self._is_widget(node, index, depth) for node, index in targets)
        return self._backed[key]

    def _targets(self, graph: EditorGraph, number: int) -> list[tuple[EditorNode, int]]:
        targets = self._places.layout(graph).targets
        return targets[number] if number < len(targets) else []

    def _is_widget(self, node: EditorNode, index: int, depth: int) -> bool:
        definition = self._places.definition(node)
        if definition is None:
            return has_widget(node, node.inputs[index].name, self._schema_of(node.type))
        number = self._face_number(definition, node, index)
        return number is not None and self.is_backed(definition, number, depth + 1)

    def _face_number(self, definition: EditorGraph, instance: EditorNode, index: int) -> int | None:
        """The number of a definition's input for which input `index` of an instance stands."""
        key = (definition.id, id(instance))
        if key not in self._faces:
            numbers = face_numbers(definition, instance)
            self._faces[key] = {outer: number for number, outer in enumerate(numbers) if outer is not None}
        return self._faces[key].get(index)

    def hosts(self, place: Place) -> HostValues:
        """What the node of a place says of the widgets inside."""
        if place.path not in self._hosts:
            self._hosts[place.path] = self._read(place)
        return self._hosts[place.path]

    def _read(self, place: Place) -> HostValues:
        found, instance = HostValues(), place.instance
        if instance is None or place.parent is None:
            return found
        for target, key, value in self._said(place, instance):
            held = Held(value, kept_at(instance, key, ""))
            if value is None:
                self._remark(place.parent, instance, "a promoted value is null: the stored value inside counts")
            elif isinstance(target, int):
                found.by_input.setdefault(target, held)
            else:
                found.by_widget.setdefault(target[0], {}).setdefault(target[1], held)
        self._add_from_around(place, instance, found)
        return found

    def _add_from_around(self, place: Place, instance: EditorNode, found: HostValues) -> None:
        """A subgraph's node may itself be addressed from around it, by the names of its inputs."""
        assert place.parent is not None
        for name, value in self.hosts(place.parent).by_widget.get(instance.id, {}).items():
            if (number := place.layout.names.get(name)) is not None:
                found.by_input[number] = value

    def _said(self, place: Place, instance: EditorNode) -> Iterator[tuple[int | tuple[str, str], int | str, Any]]:
        """(input number, or inner widget; number or name; value) of each saved value of an instance."""
        graph, values = place.graph, instance.values
        if isinstance(values, dict):
            for name, value in values.items():
                if (number := place.layout.names.get(name)) is not None:
                    yield number, name, value
            return
        proxies = instance.properties.get("proxyWidgets")
        targets: list[int | tuple[str, str] | None]
        if isinstance(proxies, list):
            targets = [self._addressed(place, entry) for entry in proxies]
        else:
            targets = [number for number in range(len(graph.inputs)) if self.is_backed(graph, number)]
        for at, (target, value) in enumerate(zip(targets, values or [], strict=False)):
            if target is not None:
                yield target, at, value
        if len(values or []) > len(targets) and place.parent is not None:
            said = f"{len(values or [])} values are saved for {len(targets)} promoted widgets: the rest is left out"
            self._remark(place.parent, instance, said)

    def _addressed(self, place: Place, entry: Any) -> int | tuple[str, str] | None:
        """What an entry of proxyWidgets means; None for previews and for what is not there."""
        if not isinstance(entry, list) or len(entry) < 2 or not all(isinstance(part, str | int) for part in entry[:2]):
            return None
        inner, name = str(entry[0]), str(entry[1])
        if name.startswith("$$"):
            return None
        if inner == "-1":
            return place.layout.names.get(name)
        name = _DECORATION.sub("", name)
        node = place.graph.nodes.get(inner)
        if node is None:
            if place.parent is not None and place.instance is not None:
                said = f"a promoted widget {shown(name)} of node {shown(inner)}, which is not there"
                self._remark(place.parent, place.instance, said)
            return None
        number = place.layout.feeding.get((inner, name))
        return (inner, name) if number is None else number


def kept_at(node: EditorNode, key: int | str | None, name: str) -> Origin:
    """Where a file keeps the value that a node has at `key`, which may be another node. name: of the widget."""
    if isinstance(key, int) and key in node.elsewhere:
        path, key = node.elsewhere[key]
        return Origin(path, key, "")
    return Origin(node.path, key, name)
