"""Rows: a table of settings from a file: CSV with a header, JSON lines, YAML or JSON with a list of mappings.

A cell that is empty (CSV), null or left out keeps the graph's own value. Columns whose name begins with # are for
people, and passed over.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.batching.files import problem, text_of
from engine.batching.values import MOST_ROWS
from engine.errors import GraphInvalid
from engine.reading.printable import shown
from schemas.report import Problem

COMMENT = "#"
MOST_PROBLEMS = 50
"""Of one file that are told; whoever has made so many has made one mistake many times."""
_DELIMITERS = ",;\t"
_BETWEEN = " \t\r\n,"
"""What may stand before an element of a JSON list."""

Cell = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file. number: of the line that it begins in, from 1. cells: those with a value."""

    number: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """A file of rows. file: as it was named. columns: those with a meaning, in the order met. lines: in order."""

    file: str
    columns: list[str]
    lines: list[Line]


def read(path: Path) -> Table:
    """The table in a file, whose ending says what it is. Raises GraphInvalid with every problem of its form."""
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        known = ", ".join(_FORMS)
        raise problem(path, "it cannot be told what it holds.", f"Give the file one of the endings {known}.")
    found = _Found(path)
    for number, cells in form(path, text_of(path)):
        found.add(number, cells)
    return found.table()


def first_of(problems: list[Problem]) -> list[Problem]:
    """As many as are told, and word that there are more."""
    if len(problems) <= MOST_PROBLEMS:
        return problems
    last = problems[MOST_PROBLEMS]
    said = f"there are more than these {MOST_PROBLEMS}."
    more = Problem(code=last.code, file=last.file, said=said, fix="Mend these, and try again.")
    return [*problems[:MOST_PROBLEMS], more]


class _Found:
    """Rows on their way into a table, with what is wrong with them."""

    def __init__(self, path: Path) -> None:
        self._path, self._problems = path, list[Problem]()
        self._columns: dict[str, None] = {}
        self._lines: list[Line] = []

    def add(self, number: int, cells: "Mapping[str, Any] | GraphInvalid") -> None:
        """One more row, or what is wrong with it."""
        if isinstance(cells, GraphInvalid):
            self._note(cells)
            return
        if len(self._lines) >= MOST_ROWS:
            said, fix = f"more than {MOST_ROWS:,} rows.", "Split it into several batches."
            raise problem(self._path, said, fix)
        kept: dict[str, Cell] = {}
        for name, value in cells.items():
            if name.startswith(COMMENT):
                continue
            self._columns.setdefault(name)
            if isinstance(value, str | int | float):
                kept[name] = value
            elif value is not None:
                said = f"{shown(value)} is no text, number, true or false."
                self._note(problem(self._path, said, "Write one value, a text in quotes.", number, name))
        self._lines.append(Line(number, kept))

    def _note(self, error: GraphInvalid) -> None:
        self._problems += error.problems
        if len(self._problems) > MOST_PROBLEMS:
            raise GraphInvalid(first_of(self._problems))

    def table(self) -> Table:
        """The whole. Raises GraphInvalid if anything was wrong, or nothing was there."""
        if self._problems:
            raise GraphInvalid(self._problems)
        if not self._lines:
            raise problem(self._path, "there are no rows.", "Write one row for each picture that you want.")
        return Table(str(self._path), list(self._columns), self._lines)


_Rows = Iterator[tuple[int, "Mapping[str, Any] | GraphInvalid"]]


def _csv(path: Path, text: str) -> _Rows:
    """A header, then a row for each picture. Parted by commas, or else by semicolons or tabs."""
    header_line = text.partition("\n")[0]
    delimiter = next((sign for sign in _DELIMITERS if sign in header_line), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begun = 1
    try:
        header = _header(path, next(reader, []))
        begun = reader.line_num + 1
        for cells in reader:
            if cells:
                yield begun, _csv_row(path, header, cells, begun)
            begun = reader.line_num + 1
    except csv.Error as error:
        fix = "Close every quote, and double those inside a text."
        raise problem(path, f"this is no CSV: {error}.", fix, begun) from None


def _header(path: Path, names: list[str]) -> list[str]:
    names = [name.strip() for name in names]
    if not any(names):
        raise problem(path, "there is no header.", "Name a column NODE.FIELD, such as KSampler.seed.", 1)
    for at, name in enumerate(names):
        if not name:
            fix = "Name it NODE.FIELD, or # if it means nothing."
            raise problem(path, f"column {at + 1} has no name.", fix, 1)
        if name in names[:at] and name != COMMENT:
            raise _repeated(path, name, 1)
    return names


def _csv_row(path: Path, header: list[str], cells: list[str], number: int) -> "Mapping[str, Any] | GraphInvalid":
    if len(cells) != len(header):
        said = f"{len(cells)} {'cell stands' if len(cells) == 1 else 'cells stand'} under {len(header)} names."
        return problem(path, said, "Give every row as many cells as the header; quote a text with commas.", number)
    return {name: cell if cell else None for name, cell in zip(header, cells, strict=True)}


def _json_lines(path: Path, text: str) -> _Rows:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _json_line(path, line, number)


def _json_line(path: Path, line: str, number: int) -> "Mapping[str, Any] | GraphInvalid":
    try:
        value = json.loads(line, object_pairs_hook=_without_repeats)
    except _RepeatedError as error:
        return _repeated(path, str(error), number)
    except json.JSONDecodeError as error:
        return problem(
            path, f"this is no JSON: {error.msg} (column {error.colno}).", "Write one object a line.", number
        )
    except (ValueError, RecursionError):
        return problem(path, "this is no JSON that can be read.", "Write one object a line.", number)
    return _mapping(path, value, number)


class _RepeatedError(Exception):
    """An object has a name twice."""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _RepeatedError(name)
        found[name] = value
    return found


def _mapping(path: Path, value: Any, number: int) -> "Mapping[str, Any] | GraphInvalid":
    if isinstance(value, dict) and all(isinstance(name, str) and name for name in value):
        return value
    said = f"this row is {shown(value)}, no mapping of names to values."
    return problem(path, said, "Write NODE.FIELD: VALUE for each value.", number)


def _json(path: Path, text: str) -> _Rows:
    """A list of objects, which is read once for its faults and once for the lines that they begin in."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        said = f"this is no JSON: {getattr(error, 'msg', 'it cannot be read')}."
        raise problem(path, said, "Write a list of objects.", getattr(error, "lineno", None)) from None
    if not isinstance(value, list):
        raise _no_list(path, value)
    decoder = json.JSONDecoder(object_pairs_hook=_without_repeats)
    line, before, at = 1, 0, text.index("[") + 1
    for _ in value:
        while text[at] in _BETWEEN:
            at += 1
        line, before = line + text.count("\n", before, at), at
        try:
            each, at = decoder.raw_decode(text, at)
        except _RepeatedError as error:
            raise _repeated(path, str(error), line) from None
        yield line, _mapping(path, each, line)


def _yaml(path: Path, text: str) -> _Rows:
    from engine.batching import yaml_rows  # only who has such rows waits for it

    try:
        listed = yaml_rows.read(text)
    except yaml_rows.Unreadable as error:
        raise problem(path, f"this is no YAML: {error}.", "Write a list of mappings.", error.line) from None
    if not isinstance(listed, list):
        raise _no_list(path, listed)
    for each in listed:
        if each.repeated is not None:
            yield each.line, _repeated(path, each.repeated, each.line)
        else:
            yield each.line, _mapping(path, each.value, each.line)


def _repeated(path: Path, name: str, line: int) -> GraphInvalid:
    return problem(path, "this name is there twice.", "Give each a name of its own.", line, name)


def _no_list(path: Path, value: Any) -> GraphInvalid:
    return problem(path, f"it holds {shown(value)}, no list.", "Write a list of mappings, one for each row.")


_FORMS: dict[str, Callable[[Path, str], _Rows]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
}
