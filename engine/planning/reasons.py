"""Reasons: why a step would run, in words, from what its last key was made of."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.planning.keys import StepRecord

SHOWN_LENGTH = 40
"""Characters of a literal that a reason quotes at most."""


def reason(before: StepRecord | None, now: StepRecord, cached: bool) -> str:
    """Why a step that is not in the cache would run.

    before: the record of the same node id when it last ran, if it ever did. cached: whether the node may be cached.
    """
    if not cached:
        return "never cached"
    if before is None:
        return "first run"
    if before.class_type != now.class_type:
        return f"class changed {before.class_type} → {now.class_type}"
    return ", ".join(_changes(before, now)) or "inputs changed"


def _changes(before: StepRecord, now: StepRecord) -> Iterator[str]:
    if before.version != now.version:
        yield f"node version changed {before.version} → {now.version}"
    for field in now.files:
        if (
            before.files.get(field) not in (None, now.files[field])
            and before.literals.get(field) == now.literals[field]
        ):
            yield f"file {now.literals[field]} changed"
    for field in _fields(before, now):
        was, now_is = _source(before, field), _source(now, field)
        if was != now_is:
            yield _change(field, was, now_is)


def _fields(before: StepRecord, now: StepRecord) -> dict[str, None]:
    return dict.fromkeys((*now.literals, *now.parents, *before.literals, *before.parents))


_NOTHING = object()


def _source(record: StepRecord, field: str) -> tuple[str, Any]:
    if field in record.parents:
        return "link", record.parents[field]
    return ("literal", record.literals[field]) if field in record.literals else ("nothing", _NOTHING)


def _change(field: str, before: tuple[str, Any], now: tuple[str, Any]) -> str:
    match before[0], now[0]:
        case "literal", "literal":
            return f"{field} changed {_shown(before[1])} → {_shown(now[1])}"
        case "nothing", _:
            return f"{field} added"
        case _, "nothing":
            return f"{field} removed"
    return f"input {field} changed"


def _shown(value: Any) -> str:
    """A literal in at most SHOWN_LENGTH characters; text in quotes, so that spaces can be seen."""
    text = repr(value) if isinstance(value, str | Mapping | list | tuple) else str(value)
    return text if len(text) <= SHOWN_LENGTH else f"{text[: SHOWN_LENGTH - 1]}…"
