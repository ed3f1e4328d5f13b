"""Promoted widgets: values that stand on a subgraph's node and belong to widgets inside it.

Two ways are in use: inputs of the subgraph that feed inner widgets, and the list `properties.proxyWidgets`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.catalogue.catalogue import Find
from engine.editor.graph import EditorGraph, EditorNode
from engine.editor.places import DEEPEST, Place, Places, face_numbers
from engine.editor.proxies import Addresses, Target
from engine.editor.remarks import Remark
from engine.editor.virtual_nodes import is_primitive
from engine.editor.widgets import Widgets, has_widget
from schemas.node import MISSING
from schemas.workflow import Origin


class Held(NamedTuple):
    """A value, and where the file keeps it."""

    value: Any
    origin: Origin


@dataclass(frozen=True, slots=True)
class HostValues:
    """What the node of one subgraph says of the widgets inside it. by_input: by number of the definition's input.

    by_widget: by inner node id and widget name for those that no input feeds.
    """

    by_input: dict[int, Held] = field(default_factory=dict)
    by_widget: dict[str, dict[str, Held]] = field(default_factory=dict)


class Promoted:
    """Values of promoted widgets, for all places of a file."""

    def __init__(self, places: Places, find: Find, widgets: Callable[[EditorNode], Widgets], remark: Remark) -> None:
        """find: tells schemas of classes. widgets: a node's own saved values. remark: hears what was passed over."""
        self._places, self._find, self._widgets, self._remark = places, find, widgets, remark
        self._backed: dict[tuple[str | None, int], bool] = {}
        self._hosts: dict[str, HostValues] = {}
        self._addresses = Addresses(places, find, remark)
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
                if inner is None and has_widget(node, node.inputs[index].name, self._find(node.type)):
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
        return None if value is MISSING else Held(value, node.origin(widgets.places.get(name), name))

    def is_backed(self, graph: EditorGraph, number: int, depth: int = 0) -> bool:
        """Whether an input of a definition stands for a widget inside it. depth: of the definitions passed through."""
        key = (graph.id, number)
        if key not in self._backed:
            self._backed[key] = False  # a definition that contains itself is refused elsewhere
            targets = self._places.layout(graph).fed_by(number) if depth <= DEEPEST else []
            self._backed[key] = any(self._is_widget(node, index, depth) for node, index in targets)
        return self._backed[key]

    def _is_widget(self, node: EditorNode, index: int, depth: int) -> bool:
        definition = self._places.definition(node)
        if definition is None:
            return has_widget(node, node.inputs[index].name, self._find(node.type))
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
            held = Held(value, instance.origin(key, ""))
            if value is None:
                self._remark(place.parent, instance, "a promoted value is null: the stored value inside counts")
            elif isinstance(target, int):
                found.by_input[target] = held
            else:
                found.by_widget.setdefault(target[0], {})[target[1]] = held
        self._add_own(place, found)
        self._add_from_around(place, instance, found)
        return found

    def _add_own(self, place: Place, found: HostValues) -> None:
        """A widget that is promoted without a value keeps its own, but as a promoted one: no choices are made in it."""
        for target in self._addresses.of(place):
            if not isinstance(target, tuple) or target[1] in found.by_widget.get(target[0], {}):
                continue
            node, name = place.graph.nodes[target[0]], target[1]
            widgets = None if self._places.definition(node) or is_primitive(node) else self._widgets(node)
            if widgets is not None and name in widgets.values:
                held = Held(widgets.values[name], node.origin(widgets.places.get(name), name))
                found.by_widget.setdefault(node.id, {})[name] = held

    def _add_from_around(self, place: Place, instance: EditorNode, found: HostValues) -> None:
        """A subgraph's node may itself be addressed from around it, by the names of what it promotes."""
        assert place.parent is not None
        said = self.hosts(place.parent).by_widget.get(instance.id, {})
        addressed = self._addresses.of(place) if said else ()
        inner: dict[tuple[str, str], tuple[str, str]] = {}
        for target in addressed:
            if isinstance(target, tuple):
                name = target[1].rpartition(": ")[2]
                inner.setdefault(("", name), target)
                inner.setdefault((target[0], name), target)
        for key, value in said.items():
            leaf, _, name = key.rpartition(": ")
            number = place.layout.feeding.get((leaf, name), place.layout.names.get(name))
            if number is not None:
                found.by_input[number] = value
            elif (at := inner.get((leaf, name), inner.get(("", name)))) is not None:
                found.by_widget.setdefault(at[0], {})[at[1]] = value

    def _said(self, place: Place, instance: EditorNode) -> Iterator[tuple[Target, int | str, Any]]:
        """(target; number or name; value) of each saved value of an instance; for each target the last one counts.

        Values stand for the inputs that are backed by widgets, in their order. Where proxyWidgets addresses a target of
        its own with a value's number, it stands for that one.
        """
        values = instance.values
        if isinstance(values, dict):
            for name, value in values.items():
                if (number := place.layout.names.get(name)) is not None:
                    yield number, name, value
            return
        backed = [number for number in range(len(place.graph.inputs)) if self.is_backed(place.graph, number)]
        addressed = self._addresses.of(place)
        for at, value in enumerate(values or []):
            if at < len(backed) and (at >= len(addressed) or addressed[at] is None):
                yield backed[at], at, value
        for at, (target, value) in enumerate(zip(addressed, values or [], strict=False)):
            if target is not None:
                yield target, at, value
        most = max(len(backed), len(addressed))
        if len(values or []) > most and place.parent is not None:
            said = f"{len(values or [])} values are saved for {most} promoted widgets: the rest is left out"
            self._remark(place.parent, instance, said)
