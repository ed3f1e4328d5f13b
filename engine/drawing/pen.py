"""Pen: draws in the units of a scene on one tile of the picture, each point of it several times as large."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from engine.drawing import letters
from engine.drawing.colours import Colour
from engine.drawing.scene import Area, Point

LEAST_LETTERS = 9
"""Pixels, before the picture is made smaller, below which text is left out."""


class Pen:
    """A tile. scale: its pixels for one unit. left, top: the place in the scene that is its first pixel."""

    def __init__(self, image: Image.Image, scale: float, left: float, top: float) -> None:
        """Draw on an image."""
        self._image = image
        self._draw = ImageDraw.Draw(image, "RGBA")
        self.scale, self._left, self._top = scale, left, top
        self.sees = Area(left, top, left + image.width / scale, top + image.height / scale)

    def moved(self, right: float, down: float) -> "Pen":
        """A pen on the same tile, for things whose places begin there."""
        return Pen(self._image, self.scale, self._left - right, self._top - down)

    def _x(self, at: float) -> float:
        return (at - self._left) * self.scale

    def _y(self, at: float) -> float:
        return (at - self._top) * self.scale

    def _corners(self, area: Area) -> tuple[float, float, float, float]:
        left, top = round(self._x(area.left)), round(self._y(area.top))
        return left, top, max(round(self._x(area.right)), left + 1), max(round(self._y(area.bottom)), top + 1)

    def rectangle(
        self,
        area: Area,
        fill: Colour | tuple[int, int, int, int] | None,
        edge: Colour | None = None,
        radius: float = 0.0,
        thick: float = 1.0,
        corners: tuple[bool, bool, bool, bool] = (True, True, True, True),
    ) -> None:
        """A rectangle with round corners. corners: which, from the upper left clockwise."""
        box = self._corners(area)
        round_by = min(radius * self.scale, (box[2] - box[0]) / 2, (box[3] - box[1]) / 2)
        wide = max(1, round(thick * self.scale)) if edge else 0
        if round_by < 1:
            self._draw.rectangle(box, fill, edge, wide)
        else:
            self._draw.rounded_rectangle(box, round_by, fill, edge, wide, corners=corners)

    def disc(
        self, at: Point, radius: float, fill: Colour | None, edge: Colour | None = None, thick: float = 1.0
    ) -> None:
        """A disc."""
        x, y, by = self._x(at.x), self._y(at.y), max(radius * self.scale, 1.0)
        self._draw.ellipse((x - by, y - by, x + by, y + by), fill, edge, max(1, round(thick * self.scale)))

    def line(self, points: Sequence[Point], colour: Colour, thick: float) -> None:
        """A line through points."""
        places = [(self._x(point.x), self._y(point.y)) for point in points]
        wide = max(1, round(thick * self.scale))
        self._draw.line(places, colour, wide, joint="curve" if wide > 3 else None)

    def size(self, units: float) -> int:
        """Letters of so many units in pixels."""
        return round(units * self.scale)

    def text(
        self, at: Point, text: str, size: float, colour: Colour, room: float | None = None, end: str = "left"
    ) -> None:
        """A line, its middle at this height. end: which end `at` is: left, right or middle. room: in units."""
        pixels = self.size(size)
        if pixels < LEAST_LETTERS or not text:
            return
        if room is not None:
            text = letters.clipped(text, pixels, room * self.scale)
        x = self._x(at.x)
        if end != "left":
            x -= letters.width(text, pixels) * (1.0 if end == "right" else 0.5)
        y = self._y(at.y)
        for name, run in letters.runs(text):
            font = letters.font(pixels, name)
            self._draw.text((x, y), run, colour, font, anchor="lm")
            x += letters.width(run, pixels)

    def paragraph(self, area: Area, text: str, size: float, colour: Colour, spacing: float = 1.35) -> None:
        """A text of several lines from the top of an area, as far as it fits."""
        pixels = self.size(size)
        step = size * spacing
        lines = int((area.bottom - area.top) / step)
        if pixels < LEAST_LETTERS or lines < 1:
            return
        for index, line in enumerate(letters.wrapped(text, pixels, (area.right - area.left) * self.scale, lines)):
            self.text(Point(area.left, area.top + step * (index + 0.5)), line, size, colour)

    def paste(self, picture: Image.Image, area: Area) -> None:
        """A picture, as large as fits into an area, in its middle."""
        left, top, right, bottom = (round(each) for each in self._corners(area))
        shrink = min((right - left) / picture.width, (bottom - top) / picture.height)
        size = max(1, round(picture.width * shrink)), max(1, round(picture.height * shrink))
        place = left + (right - left - size[0]) // 2, top + (bottom - top - size[1]) // 2
        self._image.paste(picture.resize(size), place)
