"""Widgets: a node's saved values become inputs by name.

An editor saves values by position (`widgets_values`), so the class must be known; some packs save them by name, and
newer files repeat them by name (`widgets_values_named`). Where the two disagree, the editor goes by position.
Nothing is converted, clamped or rounded.
"""

from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from engine.editor.graph import EditorNode, Slot
from engine.editor.widget_slots import VIEWERS, ByName, InOrder, Reading, mode_of, nested, read
from engine.reading.printable import listed, shown
from schemas.node import MISSING
from schemas.node_schema import SEEDS, WIDGET_TYPES, InputSchema, NodeSchema
from schemas.workflow import MODES

_CUSTOM_COMBO = "CustomCombo"
_EDITORS_OWN = ("control_after_generate", "control_filter_list", "videopreview", "audioUI", "upload", "$$")
"""How names begin of widgets that serve the editor alone."""
_BUTTONS = frozenset({"", "image", "refresh"} | MODES)
"""What buttons, previews and left-over controls leave behind the last value."""
_BUTTONS_AMID = frozenset({"upload3dmodel", "uploadExtraResources", "clear"})
"""What the buttons of a viewer of 3D models leave amid the values."""

_MOST_NAMED = 6
"""Inputs that a remark names."""


@dataclass(slots=True)
class Widgets:
    """What the saved values of one node say.

    values: every widget input by name, in slot order, dotted names of dynamic combos among them; lists are not yet
    wrapped. controls: saved mode of `control_after_generate` by input ("fixed", "increment", …). remarks: what is to
    be told, without naming the node. places: where each value stands in `widgets_values`, by number or name; those
    taken from defaults or from `widgets_values_named` alone stand nowhere. known: False if neither a schema nor names
    nor sockets told what the values mean.
    """

    values: dict[str, Any]
    controls: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    known: bool = True
    places: dict[str, int | str] = field(default_factory=dict, compare=False)


def widgets_of(node: EditorNode, schema: NodeSchema | None) -> Widgets:
    """The widget inputs of a node. Never raises for what a file may hold."""
    if node.type == _CUSTOM_COMBO and (node.values is None or isinstance(node.values, list)):
        return _custom_combo(node.values or [])
    if schema is None:
        return _without_schema(node)
    if isinstance(node.values, dict):
        return _by_name(node.values, schema)
    values = node.values if isinstance(node.values, list) else []
    if any(entry.type in VIEWERS for entry in schema.inputs):
        widgets = _without_buttons(node, schema, values)
    else:
        widgets = _by_position(node, schema, values)
    if node.values is None or isinstance(node.values, list):
        return widgets
    widgets.remarks.insert(0, f"its saved values are {shown(node.values)}, neither a list nor names: they are ignored")
    return widgets


def has_widget(node: EditorNode, name: str, schema: NodeSchema | None) -> bool:
    """Whether an input of a node (a dotted name included) is a widget, by the schema, or else by its socket."""
    entry = entry_of(schema.inputs, name) if schema else None
    if entry:
        return entry.is_widget
    if node.type == _CUSTOM_COMBO and (name in ("choice", "index") or name.startswith("option")):
        return True
    return any(slot.name == name and slot.widget is not None for slot in node.inputs)


def entry_of(inputs: tuple[InputSchema, ...], name: str) -> InputSchema | None:
    """The input of that name, looked for among what options and growing groups can bring too."""
    pending = list(inputs)
    while pending:
        entry = pending.pop()
        if entry.name == name:
            return entry
        if not name.startswith(f"{entry.name}."):
            continue
        if entry.growing:
            return entry.growing.of
        pending += [child for option in entry.options for child in nested(entry, option)]
    return None


def is_other_options(schema: NodeSchema, name: str, values: dict[str, Any]) -> bool:
    """Whether a dotted input belongs to options of a dynamic combo, of which none is chosen in these values."""
    inputs = schema.inputs
    while combo := next((entry for entry in inputs if entry.options and name.startswith(f"{entry.name}.")), None):
        brought = {option.key: tuple(nested(combo, option)) for option in combo.options}
        key = values.get(combo.name)
        chosen = brought.get(key) if isinstance(key, str) else None
        if chosen is None:
            return False
        if entry_of(chosen, name) is None:
            return any(entry_of(others, name) is not None for others in brought.values())
        inputs = chosen
    return False


def _without_buttons(node: EditorNode, schema: NodeSchema, values: list[Any]) -> Widgets:
    kept = [at for at, value in enumerate(values) if not (isinstance(value, str) and value in _BUTTONS_AMID)]
    widgets = _by_position(node, schema, [values[at] for at in kept])
    widgets.places.update((name, kept[at]) for name, at in widgets.places.items() if isinstance(at, int))
    return widgets


def _by_position(node: EditorNode, schema: NodeSchema, values: list[Any]) -> Widgets:
    saved, reading = read_places(node, schema, values)
    surplus = values[saved.place :]
    if reading.strange or (not schema.certain and (reading.shifted or surplus)):
        told = _without_schema(node)
        if told.known:
            return told
    _tell_absent(reading)
    shows = schema.output_node and not any(schema.widgets())  # all it may save is what it showed last
    if not shows and any(not _explained(value, surplus) for value in surplus):
        reading.remarks.append(
            f"its class has no place for the last {_counted(len(surplus))}, from {shown(surplus[0])} on: ignored"
        )
    return Widgets(reading.values, reading.controls, reading.remarks, places={**saved.taken})


def read_places(node: EditorNode, schema: NodeSchema, values: list[Any]) -> tuple[InOrder, Reading]:
    """A list of saved values along the inputs of a class; with places of inputs that old files have, if they fit."""
    sockets = frozenset(slot.name for slot in node.inputs)
    saved = InOrder(values)
    reading = read(schema.inputs, saved, schema.class_type, sockets=sockets)
    if any(entry.forced and entry.type in WIDGET_TYPES for entry in schema.inputs):
        padded = InOrder(values)
        other = read(schema.inputs, padded, schema.class_type, dummies=True, sockets=sockets)
        if padded.place == len(values):
            return padded, other
    return saved, reading


def _by_name(values: dict[str, Any], schema: NodeSchema) -> Widgets:
    saved = ByName(values)
    reading = read(schema.inputs, saved, schema.class_type)
    _tell_absent(reading)
    unknown = [name for name in values if name not in saved.taken and not _is_editors_own(name, values[name])]
    if unknown:
        reading.remarks.append(f"its class has no widget {_named(unknown)}: ignored")
    places: dict[str, int | str] = {name: name for name in reading.values if name in values}
    return Widgets(reading.values, reading.controls, reading.remarks, places=places)


def _custom_combo(values: list[Any]) -> Widgets:
    # Its list is the node's own: the choice, its place in the list, then the options, an empty one the last of them;
    # the place is worked out anew. A choice of null is the first option.
    options = [*takewhile(bool, values[2:])]
    options.append(values[2 + len(options)] if len(values) > 2 + len(options) else "")
    choice = values[0] if values else MISSING
    choice = options[0] if choice is None else choice
    index = options.index(choice) if choice in options else -1
    named = {f"option{number}": option for number, option in enumerate(options, 1)}
    if choice is MISSING:
        return Widgets({"index": index} | named, remarks=["no choice is saved"])
    remarks = [] if index >= 0 else [f"'choice' is {shown(choice)}, which is none of its options"]
    places: dict[str, int | str] = {"choice": 0, **{name: at for at, name in enumerate(named, 2) if at < len(values)}}
    return Widgets({"choice": choice, "index": index} | named, remarks=remarks, places=places)


def _without_schema(node: EditorNode) -> Widgets:
    if node.named:
        told = _as_named(node.named)
        if isinstance(node.values, dict):
            told.places.update((name, name) for name in told.values if name in node.values)
        elif list(node.named.values()) == node.values:
            told.places.update((name, at) for at, name in enumerate(node.named) if name in told.values)
        return told
    if isinstance(node.values, dict):
        told = _as_named(node.values)
        told.places.update((name, name) for name in told.values)
        return told
    sockets = [slot for slot in node.inputs if slot.widget is not None]
    values = node.values if isinstance(node.values, list) else []
    found = _along_sockets(sockets, values)
    if found and (node.values is None or isinstance(node.values, list)):
        return found
    said = f"its {_counted(len(values))} cannot be told apart" if values else "its values are not in the file"
    return Widgets({}, remarks=[f"nothing is known of its class, so {said}"], known=False)


def _as_named(named: dict[str, Any]) -> Widgets:
    """Names as they come; a control follows the number that it changes."""
    found = Widgets({})
    before = None
    for name, value in named.items():
        if not _is_editors_own(name, value):
            found.values[name] = value
            before = name if isinstance(value, int) and not isinstance(value, bool) else None
            continue
        mode = mode_of(value)
        if mode and before is not None:
            found.controls[before] = mode
        before = None
    return found


def _along_sockets(sockets: list[Slot], values: list[Any]) -> Widgets | None:
    """Values along the sockets that stand for widgets, if there are exactly as many, controls of seeds aside."""
    found = Widgets({})
    place = 0
    for slot in sockets:
        if place >= len(values):
            return None
        found.values[slot.name], found.places[slot.name] = values[place], place
        place += 1
        mode = mode_of(values[place]) if slot.name in SEEDS and place < len(values) else None
        if mode:
            found.controls[slot.name] = mode
            place += 1
    return found if place == len(values) else None


def _tell_absent(reading: Reading) -> None:
    if reading.absent:
        reading.remarks.append(f"no value is saved for {_named(reading.absent)}: taken from the defaults of its class")
    if reading.lost:
        reading.remarks.append(f"no value is saved for {_named(reading.lost)}, and its class has no default")


def _is_editors_own(name: str, value: Any) -> bool:
    # A control may be named by the mode that its class starts with; previews are objects.
    return name.startswith(_EDITORS_OWN) or (name in MODES and mode_of(value) is not None)


def _explained(value: Any, surplus: list[Any]) -> bool:
    if isinstance(value, str):
        return value in _BUTTONS
    # The switch of a list that renews itself stands beside its button.
    return value is None or isinstance(value, dict) or (isinstance(value, bool) and "refresh" in surplus)


def _named(names: list[str]) -> str:
    return listed(names, _MOST_NAMED, shown)


def _counted(number: int) -> str:
    return "1 saved value" if number == 1 else f"{number} saved values"
