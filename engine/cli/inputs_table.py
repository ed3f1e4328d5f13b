"""Rows of a table of a class's inputs: name, type, whether it is optional, default, and what it may be set to."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from engine.cli import words

CHOICES_WIDTH = 72
"""Columns in which long lists of choices are laid out."""


def rows(name: str, kind: str, required: bool, default: Any, values: str) -> Iterator[tuple[str, ...]]:
    """An input's row, and as many below it as its values need. default: None if there is none."""
    shown = "" if default is None else repr(default) if isinstance(default, str) else str(default)
    first, *more = textwrap.wrap(values, CHOICES_WIDTH) or [""]
    yield name, kind, "" if required else "optional", words.plain(shown), first
    yield from (("", "", "", "", line) for line in more)


def span(minimum: float | None, maximum: float | None) -> str:
    """The limits of a number; empty if it has none."""
    if minimum is None and maximum is None:
        return ""
    return f"{'' if minimum is None else minimum} … {'' if maximum is None else maximum}"


def stated(default: Any) -> Any:
    """A default, or None if a class states none."""
    from schemas.node import MISSING

    return None if default is MISSING else default


def outputs(found: Sequence[tuple[str, str, bool]]) -> list[tuple[str, str]]:
    """Rows of a class's outputs. found: name, type, and whether it is a list."""
    return [(name, f"{kind} (a list)" if is_list else kind) for name, kind, is_list in found]
