"""Values of a group node: one list, which is shared out to the inner nodes in order.

The list has the inner nodes' widgets one after the other, with what editors store beside some of them. How many each
node takes is read off its own stored values, not off today's schema: classes gain widgets over time. Widgets that are
sockets of the group, or fed from inside, or hidden may lack, depending on the editor's age: the way that fits counts.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from engine.catalogue.catalogue import Catalogue
from engine.editor.graph import EditorNode
from engine.editor.group_definitions import Group
from engine.editor.widget_slots import InOrder, read
from schemas.node_schema import NodeSchema

_Kept = list[tuple[EditorNode, list[int]]]
"""Inner nodes in order, with the numbers of the values that the list has for them."""


def spread(instance: EditorNode, group: Group, catalogue: Catalogue) -> list[str]:
    """Put the values of a group node into the inner nodes. Returns what is to be told."""
    given = instance.values
    if not given:
        return []
    if isinstance(given, dict):
        return ["its values are stored by name, which is not understood: its inner nodes keep their own"]
    names = {node.id: _value_names(node, catalogue.find(node.type)) for node in group.nodes.values()}
    ways = [_kept(group, names, way) for way in _lacking(group)]
    sizes = [sum(len(numbers) for _, numbers in kept) for kept in ways]
    fitting = next((kept for kept, size in zip(ways, sizes, strict=True) if size == len(given)), None)
    remaining = iter(enumerate(given))
    for node, numbers in fitting or ways[0]:
        values = list(node.values) if isinstance(node.values, list) else []
        for number, (place, value) in zip(numbers, remaining, strict=False):
            values[number] = value
            node.elsewhere[number] = (instance.path, place)
        node.values = values if isinstance(node.values, list) else node.values
    if fitting is None:
        return [f"it has {len(given)} values where its inner nodes have {sizes[0]}: shared out as far as they go"]
    return []


def _lacking(group: Group) -> Iterator[set[tuple[str, str]]]:
    """Sets of widgets, as (node, name), that the list may lack, likeliest first."""
    sockets = [(node, slot) for node in group.nodes.values() for slot in node.inputs if slot.widget is not None]
    fed = {(node.id, slot.name) for node, slot in sockets if slot.link is not None}
    shown = {(node.id, slot.name) for node, slot in sockets}
    hidden = {
        (node.id, name)
        for node in group.nodes.values()
        for name, setting in _settings(group, node).items()
        if isinstance(setting, dict) and setting.get("visible") is False
    }
    yield from (fed, fed | hidden, shown, shown | hidden, set())


def _settings(group: Group, node: EditorNode) -> dict[str, Any]:
    held = group.config.get(node.id)
    found = held.get("input") if isinstance(held, dict) else None
    return found if isinstance(found, dict) else {}


def _kept(group: Group, names: dict[str, list[str]], lacking: set[tuple[str, str]]) -> _Kept:
    """Which stored values of each inner node the list has, if it has none for the widgets that are lacking."""
    kept: _Kept = []
    for node in group.nodes.values():
        own = len(node.values) if isinstance(node.values, list) else 0
        known = names[node.id]
        kept.append((node, [n for n in range(own) if n >= len(known) or (node.id, known[n]) not in lacking]))
    return kept


def _value_names(node: EditorNode, schema: NodeSchema | None) -> list[str]:
    """Whose value each stored value of a node is, as far as that is sure; control values are their widget's."""
    if not isinstance(node.values, list):
        return []
    if schema is None:
        sockets = [slot.name for slot in node.inputs if slot.widget is not None]
        return sockets if len(sockets) == len(node.values) else []
    told = _Named(node.values)
    read(schema.inputs, told, schema.class_type, sockets=frozenset(slot.name for slot in node.inputs))
    return told.names


class _Named(InOrder):
    """Values by position that remember whose they were. names: of the input that each place belongs to."""

    def __init__(self, values: Sequence[Any]) -> None:
        super().__init__(values)
        self.names: list[str] = []

    def take(self, name: str) -> Any:
        """The next value, which is that of an input."""
        self.names.append(name)
        return super().take(name)

    def control(self) -> Any:
        """The next value, which belongs to the input before it."""
        return self.take(self.names[-1])

    def skip(self) -> None:
        """Pass one value, nobody's."""
        self.take("")
