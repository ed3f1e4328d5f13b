"""Grid: values given on the command line: each with each (--grid), or side by side (--zip)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.batching.values import MOST_ROWS, refused, values_of
from engine.errors import GraphInvalid
from engine.reading.printable import shown
from schemas.report import Problem


class Axis(NamedTuple):
    """One column with its values. option: that gave it, for messages."""

    name: str
    values: list[str]
    option: str


def axes_of(texts: Sequence[str], option: str, known: Callable[[str], bool]) -> list[Axis]:
    """Each NODE.FIELD=VALUES. known: whether a column has a name. Raises GraphInvalid with every bad one."""
    found, problems = [], list[Problem]()
    for text in texts:
        try:
            found.append(_axis(text, option, known))
        except GraphInvalid as error:
            problems += error.problems
    if problems:
        raise GraphInvalid(problems)
    return found


def zipped(axes: Sequence[Axis]) -> int:
    """How many rows axes side by side make; 1 without any. Raises GraphInvalid if their lengths differ."""
    lengths = {axis.name: len(axis.values) for axis in axes}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{shown(name)} has {length}" for name, length in lengths.items())
        raise refused("--zip", told, f"the lists have different lengths: {told}.", "Give each as many values.")
    return next(iter(lengths.values()), 1)


def counted(*sizes: int) -> int:
    """The product. Raises GraphInvalid if it is more than one batch can have."""
    total = 1
    for size in sizes:
        total *= size
    if total > MOST_ROWS:
        told = " × ".join(f"{size:,}" for size in sizes if size > 1)
        fix = "Give fewer values, or split it into several batches."
        raise refused("batch", told, f"{told} is {total:,} rows; one batch has {MOST_ROWS:,} at most.", fix)
    return total


def _axis(text: str, option: str, known: Callable[[str], bool]) -> Axis:
    """Titles may hold equals signs: the first one that ends a known name counts, else the very first."""
    at = text.find("=")
    while 0 <= at and not known(text[:at]):
        at = text.find("=", at + 1)
    at = text.find("=") if at < 0 else at
    if at <= 0:
        raise refused(option, text, f"{shown(text)} gives no values.", f"Write {option} NODE.FIELD=a,b,c.")
    name = text[:at]
    return Axis(name, values_of(text[at + 1 :], f"{option} {shown(name)}"), option)
