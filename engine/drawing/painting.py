"""Painting: groups, then links, then nodes, then what went wrong, as the editor stacks them."""

from engine.drawing import colours
from engine.drawing.colours import Colour, mixed
from engine.drawing.messages import LETTERS, LINE
from engine.drawing.pen import Pen
from engine.drawing.scene import TITLE, Area, Box, Frame, Panel, Point, Row
from engine.drawing.thumbnails import Thumbnails

ROUND = 8.0


def frame(pen: Pen, each: Frame) -> None:
    """A group."""
    colour = colours.of(each.colour, (63, 120, 158))
    pen.rectangle(each.area, (*colour, 64), mixed(colour, colours.GROUND, 0.25), 6, 1.5)
    height = each.size * 1.4
    head = Area(each.area.left, each.area.top, each.area.right, min(each.area.top + height, each.area.bottom))
    pen.rectangle(head, (*colour, 64), None, 6, corners=(True, True, False, False))
    at = Point(each.area.left + 10, each.area.top + height / 2)
    pen.text(at, each.title, each.size, mixed(colour, (255, 255, 255), 0.55), each.area.right - each.area.left - 20)


def wire(pen: Pen, points: list[Point], kind: str, faded: bool) -> None:
    """A link, with a dark edge that keeps crossing ones apart."""
    colour = colours.of_type(kind)
    if faded:
        colour = mixed(colour, colours.GROUND, 0.65)
    if pen.size(3.0) > 1:
        pen.line(points, mixed(colours.GROUND, (0, 0, 0), 0.5), 6.0)
    pen.line(points, mixed(colour, colours.GROUND, 0.08), 3.0)


def reroute(pen: Pen, at: Point, kind: str) -> None:
    """A place that a link was drawn through."""
    pen.disc(at, 8, colours.EDGE)
    pen.disc(at, 6, colours.of_type(kind))


def node(pen: Pen, box: Box, thumbnails: Thumbnails) -> None:
    """A node with all that is in it."""
    if box.look == "face":
        pen.rectangle(box.area, colours.PILLAR, colours.WIDGET_EDGE, 10, 1.5)
        _sockets(pen, box)
        return
    if box.look == "bare":
        _outline(pen, box, box.area)
        pen.rectangle(box.area, _tinted(box, colours.of(box.body, colours.BODY)), colours.EDGE, ROUND)
        _sockets(pen, box, named=False)
        return
    body = _tinted(box, colours.of(box.body, colours.BODY))
    bar = _tinted(box, colours.of(box.colour, colours.TITLE_BAR))
    _outline(pen, box, box.area)
    if box.look == "pill":
        pen.rectangle(box.area, bar, colours.EDGE, TITLE / 2)
    else:
        pen.rectangle(box.area.wider(1), colours.EDGE, None, ROUND + 1)
        pen.rectangle(box.area, body, None, ROUND)
        head = Area(box.left, box.top - TITLE, box.left + box.width, box.top)
        pen.rectangle(head, bar, None, ROUND, corners=(True, True, False, False))
    _title(pen, box)
    _sockets(pen, box, named=box.look == "node")
    if box.look == "node":
        for row in box.rows:
            _row(pen, box, row)
        _preview(pen, box, thumbnails)
    _badge(pen, box)


def message(pen: Pen, box: Box) -> None:
    """What went wrong with a node, below it and above all others."""
    area = box.message
    if box.mark is None or area is None or not area.meets(pen.sees):
        return
    pen.rectangle(area, colours.FAILED_GROUND, colours.FAILED, 6, 1.5)
    inner = Area(area.left + 10, area.top + 6, area.right - 10, area.bottom - 4)
    pen.paragraph(inner, box.mark.failed, LETTERS, colours.FAILED_TEXT, LINE)


def _outline(pen: Pen, box: Box, area: Area) -> None:
    if box.mark is not None and box.mark.failed:
        pen.rectangle(area.wider(5), colours.FAILED, None, ROUND + 5)


def _tinted(box: Box, colour: Colour) -> Colour:
    if box.state == "bypassed":
        return mixed(colour, colours.BYPASSED, 0.45)
    return mixed(colour, colours.GROUND, 0.6) if box.state == "muted" else colour


def _ink(box: Box, colour: Colour) -> Colour:
    return mixed(colour, colours.GROUND, 0.6) if box.state == "muted" else colour


def _title(pen: Pen, box: Box) -> None:
    middle = box.top - TITLE / 2
    bar = colours.of(box.colour, colours.TITLE_BAR)
    pen.disc(Point(box.left + 15, middle), 4.5, _ink(box, mixed(bar, (255, 255, 255), 0.4)))
    room = box.width - 36 - (24 if box.opens else 0)
    pen.text(Point(box.left + 27, middle), box.title, 14, _ink(box, colours.TITLE_TEXT), room)
    if box.opens:  # two sheets: there is more inside
        corner = Point(box.left + box.width - 25, middle - 6)
        edge = _ink(box, colours.SOCKET_TEXT)
        pen.rectangle(Area(corner.x + 4, corner.y + 4, corner.x + 13, corner.y + 13), None, edge, 2, 1.4)
        pen.rectangle(Area(corner.x, corner.y, corner.x + 9, corner.y + 9), _tinted(box, bar), edge, 2, 1.4)


def _sockets(pen: Pen, box: Box, named: bool = True) -> None:
    share = box.width - 30 if not (box.inputs and box.outputs) else (box.width - 40) * 0.62
    for socket in box.inputs:
        if socket.row is None or socket.linked:
            _dot(pen, box, socket.at, socket.type, socket.linked)
        if named and socket.row is None:
            pen.text(Point(socket.at.x + 10, socket.at.y), socket.name, 12, _ink(box, colours.SOCKET_TEXT), share)
    for socket in box.outputs:
        _dot(pen, box, socket.at, socket.type, socket.linked)
        if named:
            at = Point(socket.at.x - 10, socket.at.y)
            pen.text(at, socket.name, 12, _ink(box, colours.SOCKET_TEXT), share, "right")


def _dot(pen: Pen, box: Box, at: Point, kind: str, linked: bool) -> None:
    colour = _ink(box, colours.of_type(kind))
    pen.disc(at, 4.5, colour if linked else mixed(colour, colours.EDGE, 0.35), colours.EDGE, 1)


def _row(pen: Pen, box: Box, row: Row) -> None:
    area = row.area
    ground = _ink(box, colours.WIDGET)
    name = _ink(box, colours.WIDGET_NAME)
    ink = _ink(box, mixed(colours.WIDGET_TEXT, colours.WIDGET, 0.55 if row.driven else 0.0))
    if row.tall:
        pen.rectangle(area, ground, None, 4)
        inner = Area(area.left + 8, area.top + 5, area.right - 8, area.bottom - 3)
        pen.paragraph(inner, row.text or row.name, 11, ink if row.text else name)
        return
    middle = (area.top + area.bottom) / 2
    pen.rectangle(area, ground, _ink(box, colours.WIDGET_EDGE), (area.bottom - area.top) / 2)
    width = area.right - area.left - 30
    wanted = len(row.text) * 6.4
    for_name = max(width * 0.3, width - wanted) if row.text else width
    used = min(for_name, len(row.name) * 6.6)
    pen.text(Point(area.left + 14, middle), row.name, 12, name, for_name)
    pen.text(Point(area.right - 14, middle), row.text, 12, ink, width - used - 6, "right")


def _preview(pen: Pen, box: Box, thumbnails: Thumbnails) -> None:
    path = box.mark.picture if box.mark else None
    if path is None or box.spare is None or box.spare.bottom - box.spare.top < 30:
        return
    picture = thumbnails.of(path)
    if picture is not None:
        pen.paste(picture, box.spare)


def _badge(pen: Pen, box: Box) -> None:
    """How long a node took, or that its results were at hand, above its right end."""
    mark = box.mark
    if mark is None or mark.failed or not (mark.cached or mark.seconds >= 0.0005):
        return
    said = "cached" if mark.cached else f"{mark.seconds:.1f} s" if mark.seconds >= 1 else f"{mark.seconds:.3f} s"
    width = len(said) * 6.2 + 16
    area = Area(box.left + box.width - width, box.top - TITLE - 20, box.left + box.width, box.top - TITLE - 3)
    pen.rectangle(area, colours.CACHED if mark.cached else colours.RAN, None, 8)
    middle = Point((area.left + area.right) / 2, (area.top + area.bottom) / 2)
    pen.text(middle, said, 11, colours.WIDGET_TEXT, end="middle")


def heading(pen: Pen, panel: Panel, area: Area) -> None:
    """The sheet of a subgraph, with its name."""
    pen.rectangle(area, colours.PANEL, (70, 70, 76), 14, 1.5)
    pen.text(Point(area.left + 22, area.top + 30), panel.name, 24, colours.TITLE_TEXT, area.right - area.left - 44)
