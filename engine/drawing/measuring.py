"""Where everything in a node is: sockets from the top, then widgets, as litegraph's canvas has them."""

from engine.drawing.scene import ROW, SLOT, TALL, TITLE, Area, Box, Point

INSET = 10.0
"""Between a node's edge and its widgets."""
FACE_INSET = 20.0
"""Between the edge of a subgraph's face and its first socket."""
PILL = 80.0
"""Width of a collapsed node with a short title."""
LETTER = 7.4
"""Mean width of a title's letter."""
GREATEST = 20_000.0
"""Height and width of any node."""


def arrange(box: Box) -> None:
    """Give every socket and row its place. The box grows if it is too small for them, as it does in the editor."""
    box.width, box.height = min(box.width, GREATEST), min(box.height, GREATEST)
    if box.look == "pill":
        _arrange_pill(box)
    elif box.look == "bare":
        _arrange_bare(box)
    elif box.look == "face":
        _arrange_face(box)
    else:
        _arrange_node(box)


def _arrange_pill(box: Box) -> None:
    box.width = max(PILL, min(len(box.title), 36) * LETTER + 44)
    middle = box.top - TITLE / 2
    for socket in box.inputs:
        socket.at = Point(box.left, middle)
    for socket in box.outputs:
        socket.at = Point(box.left + box.width, middle)


def _arrange_bare(box: Box) -> None:
    middle = box.top + box.height / 2
    for socket in box.inputs:
        socket.at = Point(box.left + 8, middle)
    for socket in box.outputs:
        socket.at = Point(box.left + box.width - 8, middle)


def _arrange_face(box: Box) -> None:
    sockets = box.inputs or box.outputs
    box.height = max(box.height, FACE_INSET * 2 + SLOT * max(len(sockets) - 1, 0))
    across = box.left + 14 if box.inputs else box.left + box.width - 14
    for index, socket in enumerate(sockets):
        socket.at = Point(across, box.top + FACE_INSET + SLOT * index)


def _arrange_node(box: Box) -> None:
    plain = [socket for socket in box.inputs if socket.row is None]
    for index, socket in enumerate(plain):
        socket.at = Point(box.left + 10, box.top + SLOT * (index + 0.7))
    for index, socket in enumerate(box.outputs):
        socket.at = Point(box.left + box.width - 10, box.top + SLOT * (index + 0.7))
    used = SLOT * max(len(plain), len(box.outputs)) + 6
    _arrange_rows(box, used)
    for socket in box.inputs:
        if socket.row is not None:
            row = box.rows[socket.row].area
            socket.at = Point(box.left + 10, min(row.top + 10, (row.top + row.bottom) / 2))


def _arrange_rows(box: Box, used: float) -> None:
    tall = sum(row.tall for row in box.rows)
    need = used + ROW * (len(box.rows) - tall) + TALL * tall + (4 if box.rows else 0)
    box.height = max(box.height, need)
    share = TALL + (box.height - need) / tall if tall else 0.0
    down = box.top + used
    for row in box.rows:
        height = share if row.tall else ROW
        row.area = Area(box.left + INSET, down, box.left + box.width - INSET, down + height - 4)
        down += height
    box.spare = Area(box.left + INSET, down + 4, box.left + box.width - INSET, box.top + box.height - INSET)
