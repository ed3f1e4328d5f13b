"""Text that can always be printed, however odd the value it tells of."""

import reprlib
from collections.abc import Callable, Sequence
from typing import Any

LONGEST = 200
"""Characters of a text that a Problem repeats in full."""

_short = reprlib.Repr()
_short.maxlevel = 2
_short.maxstring = _short.maxother = _short.maxlong = 80
_short.maxlist = _short.maxdict = _short.maxtuple = 4


def printable(text: str) -> str:
    """The text with halves of surrogate pairs written as escapes, so that it can be encoded and printed."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def shown(value: Any) -> str:
    """The value cut to a line, for use in sentences: texts in quotes, null and truth values as JSON has them."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return printable(_short.repr(value))


def unquoted(text: str) -> str:
    """A text as `shown` has it, but without quotes: for ids, titles and classes."""
    return shown(text)[1:-1]


def listed(names: Sequence[str], most: int, written: Callable[[str], str] = str) -> str:
    """The first few names with commas, and how many more there are. written: how one is told."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(map(written, names[:most]))}{more}"


def clipped(value: Any) -> Any:
    """The value itself if it is small plain data, else as `shown` has it: for Problem.found."""
    if isinstance(value, str):
        return printable(value) if len(value) <= LONGEST else printable(value[:LONGEST]) + "…"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list) and len(value) <= 2 and not any(isinstance(item, list | dict) for item in value):
        return [clipped(item) for item in value]
    return shown(value)
