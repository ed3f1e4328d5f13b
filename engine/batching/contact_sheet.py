"""Contact sheet: every picture of a batch on one sheet, small, in rows and columns that its settings name.

Where more pictures are in one line than fit, lines are broken into bands, each under its own labels; where more are in
all than fit, there are several sheets. Equal rows and pictures give equal bytes.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from math import ceil, sqrt
from pathlib import Path

from PIL import Image

from engine.batching.sheet_axes import Cell, Grid, grid_of
from engine.drawing import colours, letters, saving, thumbnails
from engine.drawing.pen import Pen
from engine.drawing.scene import Area, Point
from engine.whole_files import replacing

NAME = "contact_sheet"
MOST_CELLS = 2_000
"""Pictures on one sheet."""
MOST_PIXELS = 32 * 2**20
"""Pixels of one sheet, for which pictures are made smaller."""
EDGES = (256, 224, 192, 160, 128, 96)
"""Longer sides of pictures, in pixels, that are tried in turn."""
NARROWEST, LOWEST = 96, 64
"""Pixels of a place, so that something can be read above and in it."""
COMFORTABLE = 10
"""Pictures in a line that is never broken."""
WIDEST = 6_000
"""Pixels of a line, at most."""
SHAPE = 1.5
"""Width of a sheet by its height, if it can be chosen."""

MARGIN, GAP, BAND = 36, 12, 30
"""Pixels: around everything, between pictures, between bands."""
TITLE, SMALL = 22, 12
"""Pixels of letters: of the title; of what is less important. Labels are in between."""
LABEL, LINE = 14, 18
"""Pixels of a label's letters and of its lines."""
LABEL_LINES = 4
WIDEST_LABEL = 220
"""Pixels, of labels beside lines."""
GROUND: colours.Colour = (26, 27, 30)
TILE: colours.Colour = (36, 37, 41)
RULE: colours.Colour = (56, 58, 64)
FAINT: colours.Colour = (128, 131, 140)
INK: colours.Colour = (222, 224, 230)


def sheets(cells: Sequence[Cell], axes: tuple[str, str | None] | None = None, title: str = "") -> Iterator[bytes]:
    """PNG files, at least one. axes: names of the settings that run across and down, to be found if None.

    Raises ValueError for an axis that no row has a setting for.
    """
    grid = grid_of(cells, axes)
    measures = _measures(grid)
    bands = [
        range(first, min(first + measures.columns, len(grid.x.labels)))
        for first in range(0, len(grid.x.labels), measures.columns)
    ] or [range(0)]
    parts = [bands[first : first + measures.bands] for first in range(0, len(bands), measures.bands)]
    failed = sum(not cell.pictures and cell.error is not None for cell in cells)
    told = [f"{len(cells):,} row{'' if len(cells) == 1 else 's'}"]
    told += [f"{failed:,} failed"] if failed else []
    for number, part in enumerate(parts, 1):
        sheet = [f"sheet {number} of {len(parts)}"] if len(parts) > 1 else []
        about = "  ·  ".join([*told, *sheet, *(f"{name} {text}" for name, text in grid.fixed)])
        yield saving.png(_painted(grid, measures, part, title, about), None, None)


def write(
    folder: Path, cells: Sequence[Cell], axes: tuple[str, str | None] | None = None, title: str = ""
) -> list[Path]:
    """Write the sheets of a batch into its folder, each whole or not at all; those that it had before are replaced.

    The paths: contact_sheet.png, contact_sheet-2.png, …. Raises OSError if the disk refuses.
    """
    written: list[Path] = []
    for number, sheet in enumerate(sheets(cells, axes, title), 1):
        path = _path(folder, number)
        with replacing(path) as file:
            file.write(sheet)
        written.append(path)
    for number in count(len(written) + 1):
        if not _path(folder, number).exists():
            return written
        _path(folder, number).unlink(missing_ok=True)
    return written


def _path(folder: Path, number: int) -> Path:
    return folder / (f"{NAME}.png" if number == 1 else f"{NAME}-{number}.png")


@dataclass(frozen=True, slots=True)
class _Measures:
    """Pixels of a sheet. wide, high: of a picture's place. label, caption: above and below it.

    left: of labels at the side. edge: of pictures. columns: pictures in a line. bands: on one sheet.
    """

    edge: int
    wide: int
    high: int
    label: int
    caption: int
    left: int
    columns: int
    bands: int

    @property
    def step(self) -> int:
        """From one picture to the one below."""
        return self.high + self.caption + GAP

    def band(self, grid: Grid) -> int:
        """Height of one band."""
        return self.label + grid.down * self.step - GAP

    def size(self, grid: Grid, bands: int) -> tuple[int, int]:
        """Width and height of a sheet with so many bands."""
        width = 2 * MARGIN + self.left + self.columns * (self.wide + GAP) - GAP
        return max(width, 480), 2 * MARGIN + HEAD + bands * (self.band(grid) + BAND) - BAND


HEAD = TITLE + 2 * SMALL + 46
"""Height of the title and of what stands below it, the name of the axis across included."""


def _measures(grid: Grid) -> _Measures:
    """The largest pictures with which a sheet is not too large."""
    sizes = [_size(cell.pictures[0]) for cell in grid.places.values() if cell.pictures]
    found = _measured(grid, sizes, EDGES[0])
    for edge in EDGES[1:]:
        width, height = found.size(grid, min(found.bands, ceil(len(grid.x.labels) / found.columns) or 1))
        if width * height <= MOST_PIXELS:
            break
        found = _measured(grid, sizes, edge)
    return found


def _measured(grid: Grid, sizes: Sequence[tuple[int, int]], edge: int) -> _Measures:
    shrunk = [min(1, edge / max(size)) for size in sizes]
    wide = max([NARROWEST, *(ceil(width * by) for (width, _), by in zip(sizes, shrunk, strict=True))])
    high = max([LOWEST, *(ceil(height * by) for (_, height), by in zip(sizes, shrunk, strict=True))])
    lines = max((len(letters.wrapped(text, LABEL, wide, LABEL_LINES)) for text in grid.x.labels), default=0)
    label = lines * LINE + 6 if grid.x.names else 0
    captions = 1 + max((len(letters.wrapped(text, SMALL, wide, 2)) for text in grid.captions if text), default=0)
    left = 0
    if grid.y is not None:
        texts = (*grid.y.labels[:MOST_CELLS], grid.y.name)
        left = ceil(min(WIDEST_LABEL, max(letters.width(text[:80], LABEL) for text in texts))) + 20
    step = high + captions * (SMALL + 4) + 6 + GAP
    columns = _columns(len(grid.x.labels), grid.down, wide + GAP, step)
    bands = max(1, MOST_CELLS // (columns * grid.down))
    return _Measures(edge, wide, high, label, captions * (SMALL + 4) + 6, left, columns, bands)


def _columns(across: int, down: int, wide: int, high: int) -> int:
    """Pictures in a line, lines of one length as far as possible."""
    if across <= COMFORTABLE:
        return max(1, across)
    fitting = ceil(sqrt(min(across * down, MOST_CELLS) * high * SHAPE / wide))
    columns = min(across, max(COMFORTABLE, min(fitting, WIDEST // wide)))
    return ceil(across / ceil(across / columns))


def _size(path: str) -> tuple[int, int]:
    """Width and height of a picture, from its head; of none if it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                return picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return NARROWEST, LOWEST


def _painted(grid: Grid, measures: _Measures, bands: Sequence[range], title: str, about: str) -> Image.Image:
    image = Image.new("RGB", measures.size(grid, len(bands)), GROUND)
    pen = Pen(image, 1.0, 0, 0)
    room = image.width - 2 * MARGIN
    pen.text(Point(MARGIN, MARGIN + TITLE / 2), title, TITLE, INK, room)
    pen.text(Point(MARGIN, MARGIN + TITLE + SMALL + 4), about, SMALL + 1, FAINT, room)
    top = MARGIN + HEAD
    pen.text(Point(MARGIN + measures.left, top - SMALL), grid.x.name, SMALL, FAINT, room - measures.left)
    if grid.y is not None:
        at = Point(MARGIN, top + measures.label - 6 - LINE / 2)
        pen.text(at, grid.y.name, SMALL, FAINT, measures.left - 20)
    for band in bands:
        _labels(pen, grid, measures, band, top)
        for column, line, lane in ((x, y, z) for x in band for y in range(_lines(grid)) for z in range(grid.lanes)):
            cell = grid.places.get((column, line, lane))
            left = MARGIN + measures.left + (column - band.start) * (measures.wide + GAP)
            down = top + measures.label + (line * grid.lanes + lane) * measures.step
            if cell is not None:
                place = Area(left, down, left + measures.wide, down + measures.high)
                _picture(image, pen, cell, place, measures.edge)
                _caption(pen, cell, place, grid.captions[lane])
        top += measures.band(grid) + BAND
    return image


def _lines(grid: Grid) -> int:
    return len(grid.y.labels) if grid.y else 1


def _labels(pen: Pen, grid: Grid, measures: _Measures, band: range, top: int) -> None:
    """What the columns and lines of a band are."""
    first = MARGIN + measures.left
    below = top + measures.label
    across = first + len(band) * (measures.wide + GAP) - GAP
    for column in band:
        middle = first + (column - band.start) * (measures.wide + GAP) + measures.wide / 2
        lines = letters.wrapped(grid.x.labels[column], LABEL, measures.wide, LABEL_LINES)
        for index, text in enumerate(reversed(lines)):
            at = Point(middle, below - 6 - LINE * (index + 0.5))
            pen.text(at, text, LABEL, INK, measures.wide, "middle")
    if grid.y is None:
        return
    for line, label in enumerate(grid.y.labels):
        down = below + line * grid.lanes * measures.step
        if line and grid.lanes > 1:
            pen.line([Point(MARGIN, down - GAP / 2), Point(across, down - GAP / 2)], RULE, 1)
        pen.paragraph(Area(MARGIN, down, MARGIN + measures.left - 20, down + measures.high), label, LABEL, INK, 1.3)


def _picture(image: Image.Image, pen: Pen, cell: Cell, place: Area, edge: int) -> None:
    """A picture in the middle of its place, or why there is none."""
    picture = thumbnails.read(cell.pictures[0], edge) if cell.pictures else None
    if picture is None:
        said = cell.error or ("the picture cannot be read" if cell.pictures else "")
        pen.rectangle(place, colours.FAILED_GROUND if said else TILE, colours.FAILED if said else RULE)
        inner = Area(place.left + 8, place.top + 7, place.right - 8, place.bottom - 5)
        if said:
            pen.paragraph(inner, said, SMALL, colours.FAILED_TEXT, 1.3)
        else:
            middle = Point((place.left + place.right) / 2, (place.top + place.bottom) / 2)
            pen.text(middle, "not run", SMALL, FAINT, end="middle")
        return
    left = round(place.left + (place.right - place.left - picture.width) / 2)
    top = round(place.top + (place.bottom - place.top - picture.height) / 2)
    image.paste(picture, (left, top))
    if len(cell.pictures) > 1:
        said = f"+{len(cell.pictures) - 1}"
        right, bottom = left + picture.width - 5, top + picture.height - 5
        area = Area(right - letters.width(said, SMALL) - 10, bottom - 18, right, bottom)
        pen.rectangle(area, (*GROUND, 216))
        pen.text(Point((area.left + area.right) / 2, (area.top + area.bottom) / 2), said, SMALL, INK, end="middle")


def _caption(pen: Pen, cell: Cell, place: Area, caption: str) -> None:
    """The number of the row, and what the axes do not say."""
    area = Area(place.left, place.bottom + 4, place.right, place.bottom + 4 + 3 * (SMALL + 4))
    number = f"#{cell.row}"
    failed = cell.error is not None
    pen.text(Point(area.left, area.top + (SMALL + 4) / 2), number, SMALL, colours.FAILED_TEXT if failed else FAINT)
    below = Area(area.left, area.top + SMALL + 4, area.right, area.bottom)
    pen.paragraph(below, caption, SMALL, INK, (SMALL + 4) / SMALL)
