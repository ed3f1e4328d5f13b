"""Combine: rows of a file × values side by side × values each with each × runs; the last one varies fastest."""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.batching.base import Base, Place
from engine.batching.grid import Axis, counted, zipped
from engine.batching.mapping import Column, Columns, Value
from engine.batching.rows import MOST_PROBLEMS, Cell, Line, Table, first_of
from engine.errors import GraphInvalid
from schemas.batch import Row
from schemas.report import Problem

_NOTHING = Line(0, {})


class Combination:
    """All rows of a batch, made one by one. total: how many there are, never more than MOST_ROWS.

    Raises GraphInvalid with every bad column, for lists that do not fit together, and for too many rows.
    """

    def __init__(
        self,
        base: Base,
        columns: Columns,
        table: Table | None = None,
        zips: Sequence[Axis] = (),
        grids: Sequence[Axis] = (),
        repeat: int = 1,
        seed: int = 0,
    ) -> None:
        """repeat: runs of each row. seed: of what is random between them, the same for all rows."""
        self._base, self._columns, self._repeat, self._seed = base, columns, repeat, seed
        self._lines = table.lines if table is not None else [_NOTHING]
        self._names = table.columns if table is not None else []
        self._zips, self._grids = list(zips), list(grids)
        side_by_side = zipped(zips)
        self.total = counted(len(self._lines), side_by_side, *(len(axis.values) for axis in grids), repeat)
        self._side_by_side = range(side_by_side)
        self._add_columns(table)

    def check(self) -> None:
        """Judge every cell, then the first row's graph as a whole. Raises GraphInvalid with what is wrong."""
        problems: list[Problem] = []
        for line in self._lines:
            if len(problems) > MOST_PROBLEMS:
                break
            for name, cell in line.cells.items():
                problems += self._wrong(name, cell, line.number)
        for axis in [*self._zips, *self._grids]:
            for value in dict.fromkeys(axis.values):
                problems += self._wrong(axis.name, value) if len(problems) <= MOST_PROBLEMS else []
        problems = problems or self._base.problems(next(self.rows()).values)
        if problems:
            raise GraphInvalid(first_of(problems))

    def rows(self) -> Iterator[Row]:
        """Every row, in order; the same ones at every call. Raises GraphInvalid at one with a bad cell."""
        index = 0
        for settings in self._settings():
            given = [(name, cell) for name, cell in settings.items() if cell is not None]
            values = [value for name, cell in given for value in self._values(name, cell)]
            runs = self._base.runs(values, self._repeat, random.Random(self._seed))
            for run, held in enumerate(runs, 1):
                index += 1
                yield Row(index=index, settings=self._told(settings, held), values=held, run=run)

    def meaning(self) -> list[Any]:
        """What makes these rows what they are, as JSON can say it."""
        axes = [[[axis.name, axis.values] for axis in axes] for axes in (self._zips, self._grids)]
        return [[line.cells for line in self._lines], *axes, self._repeat]

    def unused(self) -> list[str]:
        """Names that --map gave and no column has."""
        return self._columns.unused()

    def unchanging(self) -> bool:
        """Whether there are several runs of each row, and nothing changes between them."""
        return self._repeat > 1 and not self._base.controlled()

    def _add_columns(self, table: Table | None) -> None:
        problems: list[Problem] = []
        given = [(name, "column", table.file) for name in table.columns] if table is not None else []
        given_here = [(axis.name, axis.option, None) for axis in (*self._zips, *self._grids)]
        for name, source, file in (*given, *given_here):
            try:
                self._columns.add(name, source, file)
            except GraphInvalid as error:
                problems += error.problems
        if problems:
            raise GraphInvalid(problems)

    def _settings(self) -> Iterator[Mapping[str, Cell | None]]:
        """By column, in one order for all rows; None where the graph's own value stays."""
        names = [axis.name for axis in self._grids]
        for line in self._lines:
            cells = {name: line.cells.get(name) for name in self._names}
            for at in self._side_by_side:
                beside = {axis.name: axis.values[at] for axis in self._zips}
                for chosen in itertools.product(*(axis.values for axis in self._grids)):
                    yield {**cells, **beside, **dict(zip(names, chosen, strict=True))}

    def _values(self, name: str, cell: Cell) -> list[Value]:
        return self._columns.values(self._columns.columns[name], cell)

    def _wrong(self, name: str, cell: Cell, line: int | None = None) -> list[Problem]:
        column = self._columns.columns[name]
        try:
            self._columns.values(column, cell)
            return []
        except GraphInvalid as error:
            return [_placed(each, column, line) for each in error.problems]

    def _told(self, settings: Mapping[str, Cell | None], held: Sequence[Value]) -> dict[str, Any]:
        """Settings as written, and what changes between runs: in the column that gave it, else in one of its own."""
        if self._repeat == 1:
            return dict(settings)
        found: dict[str, Any] = dict(settings)
        now: dict[Place, Any] = {(node, field): value for node, field, value in held}
        for place in self._base.controlled():
            found[self._name(place)] = now.get(place, self._base.value(place))
        return found

    def _name(self, place: Place) -> str:
        for column in self._columns.columns.values():
            if [(target.node, target.field) for target in column.targets] == [place]:
                return column.name
        return f"{place[0]}.{place[1]}"


def _placed(problem: Problem, column: Column, line: int | None) -> Problem:
    """A cell's problem with where the cell stands."""
    said = f"column {problem.said}" if column.file is not None else f"{column.source} {problem.said}"
    return problem.model_copy(update={"file": column.file, "line": line, "said": said})
