"""Words: quantities, paths and foreign text as people read them."""

import os
import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def seconds(value: float) -> str:
    """A stretch of time: 0.004 s, 34.1 s, 12 min 5 s."""
    if value >= 600:
        return f"{int(value) // 60} min {int(value) % 60} s"
    return f"{value:.1f} s" if value >= 1 else f"{value:.3f} s"


def path(name: str) -> str:
    """A path relative to the working folder if it lies below it."""
    try:
        below = os.path.relpath(name)
    except ValueError:  # another drive
        return name
    return name if below.startswith(os.pardir) else below


def plain(text: str) -> str:
    """Foreign text without what would move a terminal's cursor, change its colours or break a line."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def count(number: int, noun: str, ending: str = "s") -> str:
    """1 problem, 2 problems. ending: of more than one."""
    return f"{number:,} {noun}" + ("" if number == 1 else ending)
