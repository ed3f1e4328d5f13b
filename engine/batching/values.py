"""Values: what follows NODE.FIELD= in --grid and --zip: a line of CSV, ranges of numbers, or the lines of a file.

a,b,"c, d"          three values; quotes keep a comma
0..99               a hundred whole numbers, both ends included; 10..0 counts down
0..100..10, 0..1..0.25    in steps
@prompts.txt        one value a line; empty lines are left out. Quote a value that begins with @.
"""

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from engine.batching.files import text_of
from engine.errors import GraphInvalid
from engine.reading.printable import clipped, shown
from schemas.report import Problem

MOST_ROWS = 1_000_000
"""Rows of one batch, and so values of one column."""
_NUMBER = r"-?\d{1,25}(?:\.\d{1,25})?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?:\.\.({_NUMBER}))?")


def values_of(text: str, option: str) -> list[str]:
    """The values that a text lists, at least one. option: how messages call the place that the text came from.

    Raises GraphInvalid ("bad-override") for none, for quotes that do not end, and for ranges without end or too long.
    """
    if text == "@":
        raise refused(option, text, "@ names no file.", "Write @FILE, or quote a value that begins with @.")
    if text.startswith("@"):
        lines = text_of(Path(text[1:])).splitlines()
        found = [line for line in lines if line.strip()]
        if not found:
            raise refused(option, text, f"{shown(text[1:])} has no line with a value.", "Write one value a line.")
        return _bounded(found, option, text)
    found = []
    for item in _items(text, option):
        found += _range(item, option) or [item]
        _bounded(found, option, text)
    return found


def refused(option: str, found: str, said: str, fix: str) -> GraphInvalid:
    """The error for a list of values."""
    return GraphInvalid([Problem(code="bad-override", found=clipped(found), said=f"{option}: {said}", fix=fix)])


def _bounded(found: list[str], option: str, text: str) -> list[str]:
    if len(found) > MOST_ROWS:
        raise _too_many(option, text)
    return found


def _too_many(option: str, text: str) -> GraphInvalid:
    return refused(option, text, f"more than {MOST_ROWS:,} values.", "Split it into several batches.")


def _items(text: str, option: str) -> list[str]:
    """One line of CSV; blanks after a comma do not count."""
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise refused(
            option, text, f"{shown(text)} cannot be parted: {error}.", 'Write a,b or "a, with comma",b.'
        ) from None
    if len(lines) != 1 or not any(lines[0]):
        fix = "Give one line of values with commas between them, or @FILE."
        raise refused(option, text, f"{shown(text)} lists no values.", fix)
    return lines[0]


def _range(item: str, option: str) -> list[str]:
    """The numbers of "0..99..1"; none if it is no range."""
    match = _RANGE.fullmatch(item.strip())
    if match is None:
        return []
    first, last = Decimal(match[1]), Decimal(match[2])
    step = abs(Decimal(match[3] or 1))
    if not step:
        raise refused(option, item, f"{shown(item)} never ends: its step is 0.", "Give another step.")
    if abs(last - first) / step >= MOST_ROWS:
        raise _too_many(option, item)
    return list(_counted(first, last, step if last >= first else -step))


def _counted(first: Decimal, last: Decimal, step: Decimal) -> Iterator[str]:
    """Exact in decimals, so that 0..1..0.1 has eleven."""
    count = int((last - first) / step) + 1
    if first == int(first) and step == int(step):  # seeds, of which there may be many
        yield from map(str, range(int(first), int(first) + count * int(step), int(step)))
        return
    for number in range(count):
        value = first + step * number
        yield format(value.to_integral_value() if value == value.to_integral_value() else value.normalize(), "f")
