"""The way of a link: a smooth curve that leaves and arrives level, through the reroutes between."""

from itertools import pairwise
from math import hypot

from engine.drawing.scene import Panel, Point, Wire

REACH = 0.25
"""How far the handles of a curve reach, as a part of the distance of its ends."""
FEWEST, MOST = 6, 48
STRIDE = 14.0
"""Units between two points of a curve."""


def points_of(panel: Panel, wire: Wire) -> list[Point]:
    """A link as points of a line."""
    begin = panel.boxes[wire.origin].outputs[wire.origin_slot].at
    end = panel.boxes[wire.target].inputs[wire.target_slot].at
    found = [begin]
    for one, other in pairwise([begin, *wire.through, end]):
        found += _curve(one, other)
    return found


def _curve(one: Point, other: Point) -> list[Point]:
    """A cubic Bézier curve without its first point."""
    far = hypot(other.x - one.x, other.y - one.y)
    reach = far * REACH
    count = max(FEWEST, min(MOST, round(far / STRIDE)))
    found = []
    for index in range(1, count + 1):
        t = index / count
        a, b, c, d = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t * t, t**3
        x = a * one.x + b * (one.x + reach) + c * (other.x - reach) + d * other.x
        y = (a + b) * one.y + (c + d) * other.y
        found.append(Point(x, y))
    return found
