"""Sheet axes: which settings of a batch run across its contact sheet, which run down, and which stand beside a picture.

Settings that vary together, as those of a list of rows do, are one axis. Rows that would leave a third of a grid empty
are no grid: they stand one after the other, each with all its values.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

GREATEST_LANES = 250
"""Pictures below one another in one band of a sheet; a grid of more is taken for a list."""

EMPTIEST = 1.5
"""Places of a grid for each picture, at most."""

NOTHING = "–"
"""Stands for a value that a row does not give."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of a batch. pictures: paths; the first is shown. error: why there is none, or not all."""

    row: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    pictures: Sequence[str] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """Settings that vary together. labels: a text for each of their values, as they first come."""

    names: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def name(self) -> str:
        """The names, joined."""
        return ", ".join(self.names)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where every cell stands. places: by (place on x, place on y, lane). captions: of lanes, below each picture.

    y is None where there is only one line of values. lanes: pictures that have one place on both axes.
    fixed: what all rows have in common, as (name, text).
    """

    x: Axis
    y: Axis | None
    lanes: int
    places: Mapping[tuple[int, int, int], Cell]
    captions: Sequence[str]
    fixed: Sequence[tuple[str, str]]

    @property
    def down(self) -> int:
        """Pictures below one another."""
        return self.lanes * (len(self.y.labels) if self.y else 1)


def grid_of(cells: Sequence[Cell], axes: tuple[str, str | None] | None = None) -> Grid:
    """A place for each cell. axes: names of the settings that run across and down, to be found if None.

    Raises ValueError for an axis that no row has a setting for.
    """
    columns = _columns(cells)
    varying = _varying(columns)
    fixed = [(name, texts[0]) for name, texts in columns.items() if len(set(texts)) == 1]
    if axes is not None:
        return _grid(cells, columns, varying, *_chosen(columns, varying, axes), fixed)
    ordered = sorted(varying, key=lambda names: -len(set(columns[names[0]])))
    if not ordered:
        return _list(cells, columns, [], fixed)
    widest = len(set(columns[ordered[0][0]]))
    equal = [names for names in ordered if len(set(columns[names[0]])) == widest]
    across = equal[-1]
    down = next((names for names in ordered if names != across), None)
    found = _grid(cells, columns, varying, across, down, fixed)
    room = len(found.x.labels) * found.down
    alone = found.y is not None and len(found.x.labels) == len(cells)
    if alone or room > EMPTIEST * len(cells) or found.down > GREATEST_LANES:
        return _list(cells, columns, [name for names in varying for name in names], fixed)
    return found


def text_of(value: Any) -> str:
    """A setting's value in a label."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return " ".join(value.split()) or '""'
    return json.dumps(value, ensure_ascii=False, default=str)


def _columns(cells: Sequence[Cell]) -> dict[str, list[str]]:
    """The text of every setting, cell by cell."""
    names = dict.fromkeys(name for cell in cells for name in cell.settings)
    return {name: [text_of(cell.settings.get(name)) for cell in cells] for name in names}


def _varying(columns: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """The settings with several values, those that vary together as one."""
    found: dict[tuple[int, ...], list[str]] = {}
    for name, texts in columns.items():
        numbers: dict[str, int] = {}
        pattern = tuple(numbers.setdefault(text, len(numbers)) for text in texts)
        if len(numbers) > 1:
            found.setdefault(pattern, []).append(name)
    return [tuple(names) for names in found.values()]


def _chosen(
    columns: Mapping[str, Sequence[str]], varying: Sequence[tuple[str, ...]], axes: tuple[str, str | None]
) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """The axes that somebody named."""
    for name in axes:
        if name is not None and name not in columns:
            raise ValueError(f"no row has a setting {name!r}; there are {', '.join(columns) or 'none'}")
    across, down = axes
    together = next((names for names in varying if across in names), (str(across),))
    if down is None:
        return together, None
    other = next((names for names in varying if down in names), (down,))
    return ((across,), (down,)) if other == together else (together, other)


def _grid(
    cells: Sequence[Cell],
    columns: Mapping[str, Sequence[str]],
    varying: Sequence[tuple[str, ...]],
    across: tuple[str, ...],
    down: tuple[str, ...] | None,
    fixed: Sequence[tuple[str, str]],
) -> Grid:
    rest = [names for names in varying if names not in (across, down) and not set(names) & {*across, *(down or ())}]
    x = _axis(columns, across)
    y = _axis(columns, down) if down else None
    lanes: dict[tuple[str, int], int] = {}
    places: dict[tuple[int, int, int], Cell] = {}
    seen: dict[tuple[int, int, str], int] = {}
    at_x = {label: at for at, label in enumerate(x.labels)}
    at_y = {label: at for at, label in enumerate(y.labels if y else ())}
    for number, cell in enumerate(cells):
        column = at_x[_label(columns, across, number)]
        line = at_y[_label(columns, down, number)] if down else 0
        caption = "  ·  ".join(f"{name} {columns[name][number]}" for names in rest for name in names)
        again = seen[column, line, caption] = seen.get((column, line, caption), -1) + 1
        places[column, line, lanes.setdefault((caption, again), len(lanes))] = cell
    return Grid(x, y, max(1, len(lanes)), places, [caption for caption, _ in lanes], fixed)


def _axis(columns: Mapping[str, Sequence[str]], names: tuple[str, ...]) -> Axis:
    count = len(columns[names[0]])
    return Axis(names, tuple(dict.fromkeys(_label(columns, names, number) for number in range(count))))


def _label(columns: Mapping[str, Sequence[str]], names: tuple[str, ...], number: int) -> str:
    return "  ·  ".join(columns[name][number] for name in names)


def _list(
    cells: Sequence[Cell],
    columns: Mapping[str, Sequence[str]],
    names: Sequence[str],
    fixed: Sequence[tuple[str, str]],
) -> Grid:
    """One cell after the other, with all its values: short ones first, lest long ones push them out."""
    names = sorted(names, key=lambda name: max(map(len, columns[name])))
    labels = tuple("  ·  ".join(columns[name][number] for name in names) for number in range(len(cells)))
    places = {(number, 0, 0): cell for number, cell in enumerate(cells)}
    return Grid(Axis(tuple(names), labels), None, 1, places, [""], fixed)
