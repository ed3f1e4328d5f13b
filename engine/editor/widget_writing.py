"""Writing a node's saved values anew, when a list was saved too short or another choice brings other inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.editor.graph import EditorNode, Slot
from engine.editor.widget_slots import VIEWERS, InOrder, read
from engine.editor.widgets import read_places
from schemas.node import MISSING
from schemas.node_schema import NodeSchema
from schemas.workflow import FIXED

_Key = tuple[str, str]
"""What a place is for: the input it belongs to, and "" or what the editor keeps behind it."""
_UNCERTAIN = frozenset({*VIEWERS, "BOUNDING_BOX"})
"""Inputs with places of which only the editor knows what belongs there."""


def rewritten(
    node: dict[str, Any], schema: NodeSchema, changes: Mapping[str, Any]
) -> tuple[list[Any] | dict[str, Any], dict[str, int | str]] | None:
    """A node's `widgets_values` with changes by name, and where each value now stands; None if that is not certain.

    node: its own JSON object. Values that were not saved get their defaults, as far as places are needed.
    """
    held = node.get("widgets_values")
    if isinstance(held, dict):
        return {**held, **changes}, {name: name for name in changes}
    if not schema.certain or any(entry.type in _UNCERTAIN for entry in schema.inputs):
        return None
    old = list(held) if isinstance(held, list) else []
    slots = [Slot(str(slot.get("name")), "") for slot in node.get("inputs") or []]
    record = EditorNode(str(node.get("id")), schema.class_type, inputs=slots, values=old)
    place = read_places(record, schema, old)[0].place
    sockets = frozenset(slot.name for slot in slots)
    saved = _Noted(old)
    read(schema.inputs, saved, schema.class_type, sockets=sockets)
    if saved.place != place:  # an old file with places of inputs, too
        return None
    written = _Written(dict(zip(saved.keys, old, strict=False)), dict(changes))
    reading = read(schema.inputs, written, schema.class_type, sockets=sockets)
    values = written.values(reading.values)
    places = {name: at for at, (name, kind) in enumerate(written.keys) if not kind and at < len(values)}
    if not changes.keys() <= places.keys() or MISSING in values:
        return None
    return values + old[place:], {**places}


@dataclass(slots=True)
class _Noted(InOrder):
    """Values by position. keys: what the places are for."""

    keys: list[_Key] = field(default_factory=list)

    def take(self, name: str) -> Any:
        """The next value."""
        self.keys.append((name, ""))
        return InOrder.take(self, name)

    def control(self) -> Any:
        """The next value."""
        self.keys.append(behind(self.keys))
        return InOrder.control(self)

    def skip(self) -> None:
        """Pass one value."""
        self.keys.append(behind(self.keys))
        InOrder.skip(self)


@dataclass(slots=True)
class _Written:
    """Values as they are to be saved. saved: the old ones. keys: what the places asked for are for."""

    saved: dict[_Key, Any]
    changes: dict[str, Any]
    keys: list[_Key] = field(default_factory=list)

    def take(self, name: str) -> Any:
        """The value of that name, the new one if it changes."""
        self.keys.append((name, ""))
        return self.changes.get(name, self.saved.get((name, ""), MISSING))

    def control(self) -> Any:
        """What is saved behind the last value."""
        self.keys.append(behind(self.keys))
        return self.saved.get(self.keys[-1], MISSING)

    def skip(self) -> None:
        """Pass a place that means nothing here."""
        self.keys.append(behind(self.keys))

    def values(self, defaults: Mapping[str, Any]) -> list[Any]:
        """All values up to the last that was saved or changes; MISSING where none is known."""
        needed = [at for at, (name, kind) in enumerate(self.keys) if (name, kind) in self.saved]
        needed += [at for at, (name, kind) in enumerate(self.keys) if name in self.changes and not kind]
        return [self._value(key, defaults) for key in self.keys[: max(needed, default=-1) + 1]]

    def _value(self, key: _Key, defaults: Mapping[str, Any]) -> Any:
        name, kind = key
        if not kind and name in self.changes:
            return self.changes[name]
        if key in self.saved:
            return self.saved[key]
        return defaults.get(name, MISSING) if not kind else FIXED if kind == "behind" else ""


def behind(keys: list[_Key]) -> _Key:
    """What a place of the editor's own is for: "behind" the last input, then "behind it", and so on."""
    name, kind = keys[-1] if keys else ("", "")
    return name, f"{kind} it" if kind else "behind"
