"""The places of saved values: what each one stands for, walked in the order of a class's inputs.

A class has one place for each widget; behind some stand places of the editor's own: what happens to a seed after a run
(control), the text that filters a list, the button of an upload. A dynamic combo brings the places of what is chosen.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from engine.editor.widget_defaults import as_loaded, default_of
from engine.reading.printable import shown
from schemas.node import MISSING
from schemas.node_schema import DYNAMIC_COMBO, SEEDS, WIDGET_TYPES, InputSchema, Option
from schemas.workflow import FIXED, MODES, RANDOMIZE

VIEWERS = ("LOAD_3D", "LOAD_3D_ANIMATION")
"""Inputs with a place that holds nothing: the editor draws their pictures while it queues a graph."""
SIDES = 4
"""A box has a number field for each of its sides, saved behind it."""


class Saved(Protocol):
    """Where saved values come from. `take` and `control` return MISSING where there is none."""

    def take(self, name: str) -> Any:
        """The value of the next place, which is that of an input."""
        ...

    def control(self) -> Any:
        """The value of the next place, which tells what happens to the input before it after a run."""
        ...

    def skip(self) -> None:
        """Pass a place that means nothing."""
        ...


@dataclass(slots=True)
class InOrder:
    """Values by position. place: how many places were asked for, which may be more than there are values.

    taken: the number of each value that is an input's, by name.
    """

    values: Sequence[Any]
    place: int = 0
    taken: dict[str, int] = field(default_factory=dict)

    def take(self, name: str) -> Any:
        """The next value, which is remembered by this name."""
        if self.place < len(self.values):
            self.taken[name] = self.place
        return self._next()

    def _next(self) -> Any:
        self.place += 1
        return self.values[self.place - 1] if self.place <= len(self.values) else MISSING

    def control(self) -> Any:
        """The next value."""
        return self._next()

    def skip(self) -> None:
        """Pass one value."""
        self.place += 1


@dataclass(slots=True)
class ByName:
    """Values by name. The first control among them is `control_after_generate`; which later ones mean is not told."""

    values: dict[str, Any]
    taken: set[str] = field(default_factory=set)

    def take(self, name: str) -> Any:
        """The value of that name."""
        self.taken.add(name)
        return self.values.get(name, MISSING)

    def control(self) -> Any:
        """The first time, the value of the one control whose input is certain."""
        known = "control_after_generate" in self.taken
        return MISSING if known else self.take("control_after_generate")

    def skip(self) -> None:
        """Names need no passing."""


@dataclass(slots=True)
class Reading:
    """Inputs, modes of control and remarks, as in Widgets.

    absent: required inputs that took a default, lost: those without one. strange: a dynamic combo holds none of its
    options. shifted: the place of a control holds something else.
    """

    values: dict[str, Any] = field(default_factory=dict)
    controls: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    strange: bool = False
    shifted: bool = False


def read(
    inputs: Iterable[InputSchema],
    saved: Saved,
    class_type: str,
    *,
    dummies: bool = False,
    sockets: frozenset[str] = frozenset(),
) -> Reading:
    """Every widget among the inputs, in order, with what is saved for it or else its default.

    dummies: inputs that are forced to be sockets have a meaningless place too, as in files of editors before 1.16.
    sockets: names of the node's sockets, which tell how far groups of widgets have grown. Ends: a schema is finite.
    """
    reading = Reading()
    pending = list(inputs)[::-1]
    buttons = 0
    while pending:
        entry = pending.pop()
        if entry.growing:
            pending.extend(reversed(list(_grown(entry, sockets))))
        elif entry.is_widget:
            _read_one(entry, saved, class_type, reading)
            buttons += entry.upload
            pending.extend(reversed(_children(entry, reading)))
        elif entry.type in VIEWERS or (dummies and entry.type in WIDGET_TYPES):
            saved.skip()
    for _ in range(buttons):  # the editor appends the buttons behind all other inputs
        saved.skip()
    return reading


def nested(entry: InputSchema, option: Option) -> list[InputSchema]:
    """The inputs that an option of a dynamic combo brings, under their dotted names."""
    return [replace(child, name=f"{entry.name}.{child.name}") for child in option.inputs]


def has_control(entry: InputSchema) -> bool:
    """Whether the editor adds a widget that changes this input after each run. Nested seeds have it only if told to."""
    if entry.type == "INT" and entry.control is None:
        return entry.name in SEEDS
    return entry.type in ("INT", "FLOAT", "COMBO") and bool(entry.control)


def mode_of(value: Any) -> str | None:
    """The mode that a control holds, old files having a truth value, or None if that is no mode."""
    if isinstance(value, bool):
        return RANDOMIZE if value else FIXED
    return value if isinstance(value, str) and value in MODES else None


def _read_one(entry: InputSchema, saved: Saved, class_type: str, reading: Reading) -> None:
    value, remark = saved.take(entry.name), None
    if value is MISSING:
        value = default_of(entry)
        if entry.required and (value is not MISSING or entry.type in ("COMBO", DYNAMIC_COMBO)):
            (reading.lost if value is MISSING else reading.absent).append(entry.name)
    else:
        value, remark = as_loaded(entry, entry.name, value, class_type)
    if remark:
        reading.remarks.append(remark)
    if value is not MISSING:
        reading.values[entry.name] = value
    if has_control(entry):
        _read_control(entry, saved, reading)
    for _ in range(SIDES if entry.type == "BOUNDING_BOX" else 0):
        saved.skip()


def _read_control(entry: InputSchema, saved: Saved, reading: Reading) -> None:
    value = saved.control()
    mode = mode_of(value)
    if mode:
        reading.controls[entry.name] = mode
    elif value is not MISSING and value is not None:
        reading.shifted = True
        reading.remarks.append(
            f"the place after {entry.name!r}, for what happens to it after a run, holds {shown(value)}: "
            "the values behind it may be shifted by one"
        )
    if entry.type == "COMBO":
        saved.skip()


def _children(entry: InputSchema, reading: Reading) -> list[InputSchema]:
    if entry.type != DYNAMIC_COMBO or entry.name not in reading.values:
        return []
    key = reading.values[entry.name]
    for option in entry.options:
        if option.key == key:
            return nested(entry, option)
    reading.strange = True
    reading.remarks.append(f"{entry.name!r} is {shown(key)}, which is none of its options: what it brings is unknown")
    return []


def _grown(entry: InputSchema, sockets: frozenset[str]) -> Iterator[InputSchema]:
    # Only groups of widgets have places, as many as the group begins with or the node shows.
    growing = entry.growing
    if growing is None or not growing.of.is_widget:
        return
    names = growing.names or (f"{growing.prefix}{number}" for number in range(growing.most))
    for number, name in enumerate(names):
        dotted = f"{entry.name}.{name}"
        if number >= growing.least and dotted not in sockets:
            return
        yield replace(growing.of, name=dotted)
