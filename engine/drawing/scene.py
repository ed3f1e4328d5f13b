"""Scene: a graph as things to be drawn. Units: the editor's own pixels, y downwards."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Look = Literal["node", "pill", "bare", "face"]
"""How a node is drawn: with a title bar, collapsed, without a title (Reroute), or as the edge of a subgraph."""
State = Literal["", "muted", "bypassed"]
INPUT_SIDE, OUTPUT_SIDE = "-10", "-20"
"""Ids of the two edges of a subgraph, in its links."""


class Point(NamedTuple):
    """A place."""

    x: float
    y: float


class Area(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def around(self, other: "Area") -> "Area":
        """The smallest rectangle that holds both."""
        return Area(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def wider(self, by: float) -> "Area":
        """The rectangle with a margin."""
        return Area(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def moved(self, right: float, down: float) -> "Area":
        """The same rectangle elsewhere."""
        return Area(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def meets(self, other: "Area") -> bool:
        """Whether they share room."""
        across = self.left <= other.right and other.left <= self.right
        return across and self.top <= other.bottom and other.top <= self.bottom


@dataclass(slots=True)
class Socket:
    """An input or output. row: the widget that an input drives, by its place among the rows, or None. at: its place.

    key: its name in the file, which `name` may differ from for people.
    """

    name: str
    type: str
    linked: bool = False
    row: int | None = None
    at: Point = Point(0, 0)
    key: str = ""


@dataclass(slots=True)
class Row:
    """A widget and its value as text. tall: takes the room that is left, in several lines. area: where it is."""

    name: str
    text: str
    tall: bool = False
    driven: bool = False
    area: Area = Area(0, 0, 0, 0)


@dataclass(slots=True)
class Mark:
    """What a run or a check says of a node. failed: in words, "" if nothing failed. cached: its results were at hand.

    seconds: that it took; 0 if it did not run. picture: path of one that it saved.
    """

    failed: str = ""
    cached: bool = False
    seconds: float = 0.0
    picture: str | None = None


@dataclass(slots=True)
class Box:
    """A node. left, top: of its body, which the title bar stands above. opens: id of the subgraph it stands for."""

    id: str
    kind: str
    title: str
    left: float = 0.0
    top: float = 0.0
    width: float = 0.0
    height: float = 0.0
    look: Look = "node"
    state: State = ""
    colour: str | None = None
    body: str | None = None
    inputs: list[Socket] = field(default_factory=list)
    outputs: list[Socket] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    opens: str | None = None
    spare: Area | None = None
    mark: Mark | None = None
    message: Area | None = None

    @property
    def area(self) -> Area:
        """The room it takes, title bar included."""
        above = TITLE if self.look in ("node", "pill") else 0
        below = 0.0 if self.look == "pill" else self.height
        return Area(self.left, self.top - above, self.left + self.width, self.top + below)


@dataclass(slots=True)
class Wire:
    """A link, through the reroutes on its way. origin, target: ids of nodes, with the places of their sockets."""

    origin: str
    origin_slot: int
    target: str
    target_slot: int
    type: str
    through: list[Point] = field(default_factory=list)
    faded: bool = False


@dataclass(slots=True)
class Frame:
    """A group: a coloured frame with a title. size: of its letters."""

    title: str
    area: Area
    colour: str
    size: float = 24.0


@dataclass(slots=True)
class Panel:
    """A graph: the whole one, or the inside of a subgraph with its id and name."""

    boxes: dict[str, Box]
    wires: list[Wire]
    frames: list[Frame] = field(default_factory=list)
    id: str | None = None
    name: str = ""


TITLE = 30.0
"""Height of a title bar."""
SLOT = 20.0
"""Height of a socket's row."""
ROW = 24.0
"""Height of a widget's row."""
TALL = 56.0
"""Least height of a row of several lines."""
