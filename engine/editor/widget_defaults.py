"""What a widget holds when the file does not say, and the few saved values that the editor itself reads differently."""

import re
from typing import Any

from engine.reading.printable import shown
from schemas.node import MISSING
from schemas.node_schema import DYNAMIC_COMBO, InputSchema

_EMPTY: dict[str, Any] = {"INT": 0, "FLOAT": 0.0, "STRING": "", "BOOLEAN": False}
_OLD_PREFIX = "sample_"
_SAMPLERS = ("KSampler", "KSamplerAdvanced")
_PLAIN = (str, int, float, type(None))
PLAIN_BELOW = 1e21
"""From here on a browser writes numbers with an exponent."""
_EXPONENT = re.compile(r"(e[-+])0")
"""A browser writes 1e-7 where Python writes 1e-07."""


def default_of(entry: InputSchema) -> Any:
    """The value that a new node has; MISSING where only the editor or its installed files could tell."""
    if entry.type == DYNAMIC_COMBO:
        keys = [option.key for option in entry.options]
        return entry.default if entry.default in keys or not keys else keys[0]
    if entry.default is not MISSING:
        return entry.default
    if entry.type == "COMBO":
        return first_choice(entry)
    return _EMPTY.get(entry.type, MISSING)


def first_choice(entry: InputSchema) -> Any:
    """The first choice of a list, or MISSING if it is empty, as lists of files are."""
    if entry.type == DYNAMIC_COMBO:
        return entry.options[0].key if entry.options else MISSING
    return entry.choices[0] if entry.choices else MISSING


def as_loaded(entry: InputSchema, name: str, value: Any, class_type: str) -> tuple[Any, str | None]:
    """A saved value as the editor holds it once the file is open, and what is to be told if that differs."""
    if value is None and entry.type in ("COMBO", DYNAMIC_COMBO):
        first = first_choice(entry)
        if first is MISSING:
            return MISSING, f"{name!r} is null and left out: its choices are not known here"
        return first, f"{name!r} is null and becomes its first choice, {shown(first)}"
    if entry.type == "STRING" and entry.multiline:
        return _as_text(name, value)
    if _old_sampler(class_type, name, value):
        return value.removeprefix(_OLD_PREFIX), f"{name!r} was saved by an old version as {shown(value)}"
    return value, None


def _as_text(name: str, value: Any) -> tuple[Any, str | None]:
    # A box for several lines can only hold text: the browser joins a list with commas and shows nothing for null.
    if value is None:
        return "", f"{name!r} is null and becomes an empty text"
    if isinstance(value, list) and all(isinstance(item, _PLAIN) for item in value):
        return ",".join(map(_joined, value)), f"{name!r} is a list and becomes a text joined by commas"
    if isinstance(value, int | float):
        return _joined(value), f"{name!r} is no text and becomes {shown(_joined(value))}"
    return value, None


def _joined(item: Any) -> str:
    if item is None:
        return ""
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, float) and item.is_integer() and abs(item) < PLAIN_BELOW:
        return str(int(item))
    return _EXPONENT.sub(r"\1", str(item)) if isinstance(item, float) else str(item)


def _old_sampler(class_type: str, name: str, value: Any) -> bool:
    old = isinstance(value, str) and value.startswith(_OLD_PREFIX)
    return old and name == "sampler_name" and class_type in _SAMPLERS
