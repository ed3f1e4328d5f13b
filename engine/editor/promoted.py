"""Promoted widgets: values that stand on a subgraph's node and belong to widgets inside it.

Two ways are in use: inputs of the subgraph that feed inner widgets, and `properties.proxyWidgets`, a list of
[inner node id, widget name]; "-1" as id means the input of that name.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from engine.catalogue.catalogue import Find
from engine.editor.graph import EditorGraph, EditorNode
from engine.editor.places import DEEPEST, Place, Places, face_numbers
from engine.editor.remarks import Remark
from engine.editor.virtual_nodes import is_primitive
from engine.editor.widgets import Widgets, has_widget
from engine.reading.printable import shown
from schemas.node import MISSING
from schemas.workflow import Origin

_DECORATION = re.compile(r"^(?:\d+: )+")
"""Older editors wrote `3: text` for the widget of a node deeper inside."""
_CONTROL = ("control_after_generate", "control_filter_list")
LONGEST = 100_000
"""Characters of proxyWidgets as text."""
_Target = int | tuple[str, str]
"""An input of a definition by its number, or a widget by its node's id and its name; of a subgraph's node `3: text`."""


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
        schema_of: Find,
        widgets: Callable[[EditorNode], Widgets],
        remark: Remark,
    ) -> None:
        """widgets: a node's own saved values. remark: hears what was passed over, with the node it belongs to."""
        self._places, self._schema_of, self._widgets, self._remark = places, schema_of, widgets, remark
        self._backed: dict[tuple[str | None, int], bool] = {}
        self._hosts: dict[str, HostValues] = {}
        self._addressed: dict[str, list[_Target | None] | None] = {}
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
            held = Held(value, instance.origin(key, ""))
            if value is None:
                self._remark(place.parent, instance, "a promoted value is null: the stored value inside counts")
            elif isinstance(target, int):
                found.by_input[target] = held
            else:
                found.by_widget.setdefault(target[0], {})[target[1]] = held
        self._add_own(place, instance, found)
        self._add_from_around(place, instance, found)
        return found

    def _add_own(self, place: Place, instance: EditorNode, found: HostValues) -> None:
        """A widget that is promoted without a value keeps its own, but as a promoted one: no choices are made in it."""
        for target in self._addresses(place, instance) or ():
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
        addressed = (self._addresses(place, instance) or ()) if said else ()
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

    def _said(self, place: Place, instance: EditorNode) -> Iterator[tuple[_Target, int | str, Any]]:
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
        addressed = self._addresses(place, instance) or []
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

    def _addresses(self, place: Place, instance: EditorNode) -> list[_Target | None] | None:
        """What each entry of proxyWidgets means, which some files hold as text; None without it."""
        if place.path not in self._addressed:
            proxies = instance.properties.get("proxyWidgets")
            if isinstance(proxies, str) and len(proxies) < LONGEST:
                proxies = _parsed(proxies)
            known = [self._target(place, each) for each in proxies] if isinstance(proxies, list) else None
            self._addressed[place.path] = known
        return self._addressed[place.path]

    def _target(self, place: Place, entry: Any) -> _Target | None:
        """What an entry of proxyWidgets means; None for previews and for what is not there."""
        if not isinstance(entry, list) or len(entry) < 2 or not all(isinstance(part, str | int) for part in entry):
            return None
        inner, name = str(entry[0]), str(entry[1])
        if name.startswith("$$"):
            return None
        if inner == "-1":
            return place.layout.names.get(name)
        leaf, name = str(entry[2]) if entry[2:] else _leaf(name), _DECORATION.sub("", name)
        if (number := place.layout.feeding.get((inner, name))) is not None:
            return number
        node = place.graph.nodes.get(inner)
        if node is not None and self._places.definition(node) is not None:
            return inner, f"{leaf}: {name}" if leaf else name
        if node is not None and (is_primitive(node) or has_widget(node, name, self._schema_of(node.type))):
            return inner, name
        if not name.startswith(_CONTROL) and place.parent is not None and place.instance is not None:
            said = f"a promoted widget {shown(name)} of node {shown(inner)}, which is not there"
            self._remark(place.parent, place.instance, said)
        return None


def _parsed(text: str) -> Any:
    """A list that is written as text, or None."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _leaf(name: str) -> str:
    """The node that older editors name before a widget deeper inside."""
    found = _DECORATION.match(name)
    return found[0].removesuffix(": ").rpartition(": ")[2] if found else ""
