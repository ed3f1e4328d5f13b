"""Room on an editor's canvas: where a node can be put without covering another. Units: the canvas's own pixels."""

from collections.abc import Sequence
from typing import Any, NamedTuple

TITLE = 30
"""Height of a node's title bar, which lies above its position."""
GAP = 40
SIZE = (315.0, 106.0)
"""Of a node that says nothing of its size."""


class Box(NamedTuple):
    """A rectangle, title bar included."""

    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: "Box") -> bool:
        """Whether they share room."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def moved(self, right: float, down: float) -> "Box":
        """The same rectangle elsewhere."""
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)


def pair(value: Any, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Two numbers as editors write them: a list, or an object with the keys "0" and "1"."""
    if isinstance(value, dict):
        value = [value.get("0"), value.get("1")]
    if isinstance(value, list) and len(value) >= 2 and all(isinstance(each, int | float) for each in value[:2]):
        return float(value[0]), float(value[1])
    return otherwise


def box_of(node: dict[str, Any]) -> Box:
    """The room a node takes."""
    left, top = pair(node.get("pos"), (0.0, 0.0))
    width, height = pair(node.get("size"), SIZE)
    return Box(left, top - TITLE, left + width, top + height)


def room(beside: Box, size: tuple[float, float], taken: Sequence[Box]) -> list[float]:
    """A position for a node of this size: the nearest free one below `beside`, or left of it and downwards."""
    width, height = size
    below = Box(beside.left, beside.bottom + GAP, beside.left + width, beside.bottom + GAP + TITLE + height)
    left = below.moved(-width - GAP, beside.top - below.top)
    choices = [_down(place, taken) for place in (below, left)]
    chosen = min(choices, key=lambda box: abs(box.left - beside.left) + abs(box.top - beside.top))
    return [chosen.left, chosen.top + TITLE]


def _down(box: Box, taken: Sequence[Box]) -> Box:
    """The first free place at or below a box's own."""
    while True:
        hit = next((other for other in taken if other.covers(box)), None)
        if hit is None:
            return box
        box = box.moved(0, hit.bottom + GAP - box.top)
