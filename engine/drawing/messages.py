"""Where the words about what went wrong stand: near their node, and on as little else as can be."""

from collections.abc import Iterator

from engine.drawing.scene import Area, Box, Panel

LETTERS = 12.0
"""Size of the letters."""
LINE = 1.35
"""Height of a line by that of the letters."""
LEAST_WIDTH = 300.0
MOST_LINES = 5
GAP = 6.0
MOST_TRIED = 2_000_000
"""Pairs of a message and a node that are looked at; beyond, every message stands below its node."""


def place(panel: Panel) -> None:
    """Give every message of a panel its room."""
    boxes = list(panel.boxes.values())
    failed = [box for box in boxes if box.mark and box.mark.failed]
    if len(failed) * len(boxes) > MOST_TRIED:
        for box in failed:
            box.message = next(_choices(box))
        return
    taken = [box.area for box in boxes]
    for box in failed:
        choices = list(_choices(box))
        own = box.area
        cost = {each: sum(each.meets(other) for other in taken if other != own) for each in choices}
        box.message = min(choices, key=lambda each: cost[each])
        taken.append(box.message)


def _choices(box: Box) -> Iterator[Area]:
    """Below the node, above it, and within it: where nothing stands, or else at its lower end."""
    area = box.area
    words = box.mark.failed if box.mark else ""
    width = max(box.width, LEAST_WIDTH)
    room = max((width - 20) / (LETTERS * 0.5), 8)
    lines = sum(int(len(part) / room) + 1 for part in words.splitlines() or [""])
    height = min(lines, MOST_LINES) * LETTERS * LINE + 14
    yield Area(area.left, area.bottom + GAP, area.left + width, area.bottom + GAP + height)
    yield Area(area.left, area.top - GAP - height, area.left + width, area.top - GAP)
    if box.look == "node":
        yield Area(area.left + 4, area.bottom - height - 4, area.right - 4, area.bottom - 4)
