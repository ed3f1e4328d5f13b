"""Mapping: which literals of the graph a column stands for, and what a cell becomes there.

A column is NODE.FIELD as --set takes it, or a name that --map gave to one such place or several.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.batching.base import Base, Place
from engine.batching.rows import COMMENT, Cell
from engine.errors import GraphInvalid
from engine.graph import rewrite
from engine.graph.inputs import PREFIX
from engine.graph.literals import Fault, bounds, coerce, wanted
from engine.graph.rewrite import Target
from engine.graph.scene import one_of
from engine.plugins.nearest import Nearest
from engine.reading.printable import clipped, printable, shown
from schemas.report import Problem

MAP = "--map"

Value = tuple[str, str, Any]
"""A node, a field, and the literal that comes there."""

_PLAIN = frozenset({"INT", "FLOAT", "BOOLEAN", "STRING"})
"""Sockets whose values can be judged without the rest of the graph and the disk."""

_NUMBERS = frozenset({"INT", "FLOAT"})


@dataclass(slots=True)
class Column:
    """One column. source: how messages call where it comes from: a file or an option. file: if it is one."""

    name: str
    targets: list[Target]
    source: str
    file: str | None = None
    known: dict[Cell, "list[Value] | list[Problem]"] = field(default_factory=dict)
    """Cells that were read before."""


class Columns:
    """The columns of one batch, no two of which may change the same place."""

    def __init__(self, base: Base, maps: Sequence[str] = ()) -> None:
        """maps: NAME=NODE.FIELD, one name any number of times. Raises GraphInvalid with every bad one."""
        self._base = base
        self._maps: dict[str, list[Target]] = {}
        self.columns: dict[str, Column] = {}
        self._taken: dict[Place, str] = {}
        problems: list[Problem] = []
        for text in maps:
            try:
                self._map(text)
            except GraphInvalid as error:
                problems += error.problems
        if problems:
            raise GraphInvalid(problems)

    def knows(self, name: str) -> bool:
        """Whether a column may have this name."""
        try:
            return bool(self._maps.get(name) or self._base.targets(name))
        except GraphInvalid:
            return False

    def unused(self) -> list[str]:
        """Names that --map gave and no column has."""
        return [name for name in self._maps if name not in self.columns]

    def add(self, name: str, source: str, file: str | None = None) -> Column:
        """One more column. Raises GraphInvalid if it names nothing, or a place that another column changes."""
        targets = self._maps.get(name)
        if targets is None:
            targets = self._targets(name, source, file)
        for target in targets:
            other = self._taken.setdefault((target.node, target.field), name)
            if other != name or name in self.columns:
                said = f"{source} {shown(name)} changes {target.node}.{target.field}"
                said += ", which was given before." if other == name else f", as {shown(other)} does."
                raise _refused(said, "Give each place once.", name, file)
        self.columns[name] = Column(name, targets, source, file)
        return self.columns[name]

    def values(self, column: Column, cell: Cell) -> list[Value]:
        """What a cell puts into the graph. Raises GraphInvalid with what is wrong with it."""
        key = cell if isinstance(cell, str) else json.dumps(cell)
        found = column.known.get(key)
        if found is None:
            found = column.known[key] = self._read(column, key)
        if found and isinstance(found[0], Problem):
            raise GraphInvalid([each for each in found if isinstance(each, Problem)])
        return [each for each in found if not isinstance(each, Problem)]

    def _map(self, text: str) -> None:
        name, equals, place = text.partition("=")
        if not equals or not name or not place:
            fix = "Write --map NAME=NODE.FIELD."
            raise GraphInvalid(
                [Problem(code="bad-override", found=clipped(text), said=f"--map {shown(text)} is no mapping.", fix=fix)]
            )
        self._maps.setdefault(name, []).extend(self._targets(place, MAP, None))

    def _targets(self, name: str, source: str, file: str | None) -> list[Target]:
        try:
            return self._base.targets(name)
        except GraphInvalid as error:
            first = error.problems[0]
            near = one_of(Nearest(self._maps).of(name)) if self._maps else ""
            if "." in name:
                raise _refused(f"{source} {first.said}", near or first.fix, name, file, first) from None
            if source == MAP:
                said, fix = f"{source}: {shown(name)} is no NODE.FIELD.", "Write --map NAME=NODE.FIELD."
            else:
                said = f"{source} {shown(name)} is neither NODE.FIELD nor a name that --map gives."
                fix = f"Add --map {printable(name)}=NODE.FIELD, or begin the name with {COMMENT} to pass it over."
            raise _refused(said, near or fix, name, file, first) from None

    def _read(self, column: Column, text: str) -> "list[Value] | list[Problem]":
        values: list[Value] = []
        problems: list[Problem] = []
        for target in column.targets:
            value = rewrite.read(target.known, text)
            try:
                self._check(target, text, value)
                values.append((target.node, target.field, value))
            except Fault as fault:
                said = f"{column.name}: {fault.said}"
                found = Problem(code=fault.code, field=column.name, found=clipped(text), said=said, fix=fault.fix)
                problems += [] if found in problems else [found]
        return problems or values

    def _check(self, target: Target, text: str, value: Any) -> None:
        """Raises Fault for a value that cannot stand there."""
        known = target.known
        if value is None:
            raise Fault("wrong-type", f"{shown(text)} is neither true nor false.", "Write true or false.")
        if isinstance(value, str) and printable(value) != value:
            raise Fault("wrong-type", f"{shown(value)} is no valid text.", "Save the file as UTF-8.")
        if known is None:
            return
        if known.socket in _NUMBERS and _is_cut(known.socket, value):
            fix = f"Write {wanted(known)} {bounds(known)}".rstrip()
            raise Fault("wrong-type", f"{shown(text)} is not {wanted(known)}.", f"{fix}.")
        widget = known.widget
        if known.socket in _PLAIN and target.field != PREFIX and (widget is None or widget.folder is None):
            coerce(known, value)
            return
        for problem in self._base.problems([(target.node, target.field, value)]):
            if (problem.node, problem.field) == (target.node, target.field):
                raise Fault(problem.code, problem.said, problem.fix)


def _is_cut(socket: str, value: Any) -> bool:
    """Whether a number would become another one, as in ComfyUI: then a list of 10, 12.5 and 15 would not be one."""
    return isinstance(value, bool) or (socket == "INT" and isinstance(value, float) and not value.is_integer())


def _refused(said: str, fix: str, name: str, file: str | None, like: Problem | None = None) -> GraphInvalid:
    code = like.code if like is not None else "bad-override"
    return GraphInvalid([Problem(code=code, file=file, field=clipped(name), found=clipped(name), said=said, fix=fix)])
