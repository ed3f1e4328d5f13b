"""A scene becomes a picture: panels one below the other, painted tile by tile so that large ones need little memory."""

from dataclasses import dataclass, field
from math import sqrt

from PIL import Image

from engine.drawing import colours, curves, messages, painting
from engine.drawing.pen import Pen
from engine.drawing.scene import Area, Panel, Point
from engine.drawing.thumbnails import Thumbnails

LONGEST = 8_000
"""Pixels of the longer side, at most."""
COMFORTABLE = 4_000
"""Pixels of the longer side up to which small graphs are drawn larger than in the editor."""
LARGER = 1.5
SAMPLES = 2
"""Pixels that are painted for one of the picture, across and down."""
TILE = 2_000
MARGIN = 40.0
WIDER = 1.3
"""Width of the rows of subgraphs by that of a square of everything."""
HEADING = 60.0
"""Room for the name of a subgraph."""


@dataclass(slots=True)
class _Sheet:
    """A panel with its place: what is painted in it, and by how much it is moved."""

    panel: Panel
    room: Area
    right: float = 0.0
    down: float = 0.0
    lines: list[tuple[Area, list[Point], str, bool]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture. scale: its pixels for one of the editor's; below 1 if it was made smaller to keep within bounds."""

    image: Image.Image
    scale: float


def paint(panels: list[Panel]) -> Picture:
    """All panels: the whole graph, and below it the subgraphs."""
    sheets = [_sheet(panel) for panel in panels]
    width, height = _place(sheets)
    longest = max(width, height)
    scale = min(LARGER, COMFORTABLE / longest) if longest < COMFORTABLE else min(1.0, LONGEST / longest)
    across, down = max(1, min(LONGEST, round(width * scale))), max(1, min(LONGEST, round(height * scale)))
    image = Image.new("RGB", (across, down), colours.GROUND)
    thumbnails = Thumbnails()
    for top in range(0, down, TILE):
        for left in range(0, across, TILE):
            size = (min(TILE, across - left), min(TILE, down - top))
            tile = Image.new("RGB", (size[0] * SAMPLES, size[1] * SAMPLES), colours.GROUND)
            pen = Pen(tile, scale * SAMPLES, left / scale, top / scale)
            for sheet in sheets:
                _paint(pen, sheet, thumbnails)
            image.paste(tile.reduce(SAMPLES), (left, top))
    return Picture(image, scale)


def _sheet(panel: Panel) -> _Sheet:
    """A panel with its links as lines, and the room that all of it takes."""
    messages.place(panel)
    areas = [box.area for box in panel.boxes.values()] + [each.area for each in panel.frames]
    areas += [box.message for box in panel.boxes.values() if box.message is not None]
    lines = []
    for wire in panel.wires:
        points = curves.points_of(panel, wire)
        xs, ys = [point.x for point in points], [point.y for point in points]
        area = Area(min(xs), min(ys), max(xs), max(ys)).wider(8)
        areas.append(area)
        lines.append((area, points, wire.type, wire.faded))
    room = areas[0] if areas else Area(0, 0, 400, 100)
    for area in areas:
        room = room.around(area)
    return _Sheet(panel, room.wider(MARGIN), lines=lines)


def _place(sheets: list[_Sheet]) -> tuple[float, float]:
    """Give every sheet its place: the first on top, the others in rows below. Width and height of all."""
    first = sheets[0]
    first.right, first.down = -first.room.left, -first.room.top
    width, height = first.room.right - first.room.left, first.room.bottom - first.room.top
    area = sum((sheet.room.right - sheet.room.left) * (sheet.room.bottom - sheet.room.top) for sheet in sheets)
    row_width = max([width, sqrt(area) * WIDER, *(sheet.room.right - sheet.room.left + MARGIN for sheet in sheets[1:])])
    left, top, tallest = MARGIN, height, 0.0
    for sheet in sheets[1:]:
        wide, high = sheet.room.right - sheet.room.left, sheet.room.bottom - sheet.room.top + HEADING
        if left > MARGIN and left + wide > row_width:
            left, top, tallest = MARGIN, top + tallest + MARGIN, 0.0
        sheet.room = Area(sheet.room.left, sheet.room.top - HEADING, sheet.room.right, sheet.room.bottom)
        sheet.right, sheet.down = left - sheet.room.left, top - sheet.room.top
        left += wide + MARGIN
        tallest = max(tallest, high)
        width = max(width, left)
    return width, top + tallest + (MARGIN if len(sheets) > 1 else 0.0)


def _paint(tile: Pen, sheet: _Sheet, thumbnails: Thumbnails) -> None:
    """What can be seen of a sheet on a tile."""
    pen = tile.moved(sheet.right, sheet.down)
    if not pen.sees.meets(sheet.room):
        return
    panel = sheet.panel
    if panel.id is not None:
        painting.heading(pen, panel, sheet.room)
    for frame in panel.frames:
        painting.frame(pen, frame)
    for _, points, kind, faded in (line for line in sheet.lines if line[0].meets(pen.sees)):
        painting.wire(pen, points, kind, faded)
    for point, kind in ((point, wire.type) for wire in panel.wires for point in wire.through):
        painting.reroute(pen, point, kind)
    seen = pen.sees.wider(MARGIN)
    for box in (box for box in panel.boxes.values() if box.area.meets(seen)):
        painting.node(pen, box, thumbnails)
    for box in panel.boxes.values():
        painting.message(pen, box)
