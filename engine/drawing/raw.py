"""What a file may hold in the place of numbers and texts: taken as they are if they make sense, else as nothing."""

import json
from typing import Any

from engine.drawing.scene import Area, Point

FARTHEST = 200_000.0
"""Places beyond are drawn at this distance: a node lost there would leave no room for the others."""
LONGEST = 2_000
"""Characters of a value that are looked at; more would not fit into any box."""


def number(value: Any, otherwise: float = 0.0) -> float:
    """A finite number near enough to be drawn."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return otherwise
    return float(max(-FARTHEST, min(FARTHEST, value)))


def pair(value: Any, otherwise: tuple[float, float] = (0.0, 0.0)) -> Point:
    """Two numbers as editors write them: a list, or an object with the keys "0" and "1"."""
    if isinstance(value, dict):
        value = [value.get("0"), value.get("1")]
    if not isinstance(value, list) or len(value) < 2:
        return Point(*otherwise)
    return Point(number(value[0], otherwise[0]), number(value[1], otherwise[1]))


def area(value: Any) -> Area | None:
    """A rectangle written as [left, top, width, height], or None."""
    if isinstance(value, dict):
        value = [value.get(str(index)) for index in range(4)]
    if not isinstance(value, list) or len(value) < 4:
        return None
    left, top, width, height = (number(each) for each in value[:4])
    return Area(left, top, left + max(width, 10.0), top + max(height, 10.0))


def name(value: Any) -> str:
    """An id as text: 7, "7" and 7.0 are the same."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def text(value: Any) -> str:
    """A text, or nothing."""
    return value[:LONGEST] if isinstance(value, str) else ""


def shown(value: Any) -> str:
    """A widget's value as the editor shows it."""
    if isinstance(value, str):
        return value[:LONGEST]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**30 else "…"
    return json.dumps(value, ensure_ascii=False, default=str)[:LONGEST]


def entries(value: Any) -> list[dict[str, Any]]:
    """The objects in a list, or in an object by id; anything else is left out."""
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [each for each in held if isinstance(each, dict)]
