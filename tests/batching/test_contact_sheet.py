"""Every row of a batch has its place on a sheet, whatever its settings and whatever became of it."""

import io
import os
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.batching import contact_sheet
from engine.batching.contact_sheet import EDGES, sheets, write
from engine.batching.sheet_axes import Cell, grid_of
from engine.drawing.colours import FAILED

RED = (200, 40, 40)


def cells_of(**values: list[Any]) -> list[Cell]:
    rows = product(*values.values())
    return [Cell(number, dict(zip(values, row, strict=True))) for number, row in enumerate(rows, 1)]


def picture(folder: Path, name: str = "a.png", size: tuple[int, int] = (64, 48), colour: Any = RED) -> str:
    Image.new("RGB", size, colour).save(folder / name)
    return str(folder / name)


def draw(cells: list[Cell], title: str = "") -> bytes:
    (sheet,) = sheets(cells, title=title)
    return sheet


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def count(image: Image.Image, colour: tuple[int, int, int]) -> int:
    return sum(number for number, each in image.getcolors(1 << 24) or [] if each == colour)


def test_one_setting_that_varies_runs_across():
    grid = grid_of(cells_of(seed=[5, 6, 7], steps=[20]))
    assert (grid.x.name, grid.x.labels, grid.y, grid.lanes) == ("seed", ("5", "6", "7"), None, 1)
    assert grid.fixed == [("steps", "20")]


def test_of_two_the_one_with_more_values_runs_across_and_else_the_last():
    grid = grid_of(cells_of(seed=[1, 2, 3], cfg=[1.0, 3.5]))
    assert (grid.x.name, grid.y and grid.y.name) == ("seed", "cfg")
    grid = grid_of(cells_of(seed=[1, 2], cfg=[1.0, 3.5]))
    assert (grid.x.name, grid.y and grid.y.name) == ("cfg", "seed")


def test_what_the_axes_leave_over_stands_below_each_picture():
    grid = grid_of(cells_of(seed=[1, 2, 3, 4], text=["a", "b", "c"], cfg=[1, 2]))
    assert (grid.x.name, grid.y and grid.y.name, grid.lanes) == ("seed", "text", 2)
    assert grid.captions == ["cfg 1", "cfg 2"]
    assert grid.places[3, 2, 1].settings == {"seed": 4, "text": "c", "cfg": 2}


@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 1, 2), (2, 3, 4), (12, 5, 3)])
def test_every_row_has_a_place_of_its_own(sizes):
    cells = cells_of(**{f"s{at}": list(range(size)) for at, size in enumerate(sizes)})
    assert sorted(cell.row for cell in grid_of(cells).places.values()) == [cell.row for cell in cells]


def test_rows_with_equal_settings_have_places_of_their_own():
    cells = [Cell(number, {"seed": number % 2}) for number in range(1, 7)]
    assert sorted(cell.row for cell in grid_of(cells).places.values()) == [1, 2, 3, 4, 5, 6]


def test_settings_that_vary_together_are_one_axis():
    cells = [Cell(at * 2 + cfg, {"text": "ab"[at], "seed": at, "cfg": cfg}) for at in (0, 1) for cfg in (1, 2, 3)]
    grid = grid_of(cells)
    assert (grid.x.name, grid.y and grid.y.name) == ("cfg", "text, seed")
    assert grid.y is not None
    assert grid.y.labels == ("a  ·  0", "b  ·  1")


def test_rows_that_make_no_grid_stand_one_after_the_other_with_all_their_values():
    cells = [Cell(at, {"seed": at * 7, "cfg": at % 3}) for at in range(1, 10)]
    grid = grid_of(cells)
    assert grid.y is None
    assert grid.x.labels[:2] == ("1  ·  7", "2  ·  14")


def test_axes_can_be_named_and_unknown_ones_are_refused():
    cells = cells_of(seed=[1, 2, 3], cfg=[1, 2], steps=[20])
    grid = grid_of(cells, ("cfg", "seed"))
    assert (grid.x.name, grid.y and grid.y.name) == ("cfg", "seed")
    assert grid_of(cells, ("steps", None)).lanes == 6
    with pytest.raises(ValueError, match="no row has a setting 'sede'; there are seed, cfg, steps"):
        grid_of(cells, ("sede", None))


def test_pictures_are_shown_in_their_own_shape_and_never_larger_than_they_are(tmp_path):
    small = picture(tmp_path)
    assert count(opened(draw([Cell(1, {}, [small])])), RED) == 64 * 48
    wide = picture(tmp_path, "b.png", (1024, 256))
    assert count(opened(draw([Cell(1, {}, [wide])])), RED) == EDGES[0] * EDGES[0] // 4


def test_a_row_that_failed_is_marked_and_a_picture_that_is_gone_too(tmp_path):
    fine = draw([Cell(1, {}, [picture(tmp_path)])])
    failed = draw([Cell(1, {}, [], "out of memory")])
    gone = draw([Cell(1, {}, [str(tmp_path / "gone.png")])])
    assert [count(opened(each), FAILED) > 0 for each in (fine, failed, gone)] == [False, True, True]


def test_a_file_that_is_no_picture_stops_nothing(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    assert opened(draw([Cell(1, {}, [str(tmp_path / "a.png")])])).format == "PNG"


def test_equal_rows_give_equal_bytes(tmp_path):
    cells = [Cell(at, {"seed": at, "text": "a cat " * 30}, [picture(tmp_path)] * at) for at in (1, 2, 3)]
    assert draw(cells, title="x") == draw(cells, title="x")


def test_no_rows_make_an_empty_sheet():
    assert len(list(sheets([]))) == 1


def test_many_rows_take_several_sheets_none_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(contact_sheet, "MOST_CELLS", 60)
    monkeypatch.setattr(contact_sheet, "MOST_PIXELS", 2 * 2**20)
    large = picture(tmp_path, size=(300, 300))
    found = [opened(sheet) for sheet in sheets([Cell(row, {"seed": row}, [large]) for row in range(1, 101)])]
    assert len(found) == 2
    assert all(sheet.width * sheet.height <= 2 * 2**20 for sheet in found)
    shown = sum(count(sheet, RED) for sheet in found)
    assert shown in [100 * edge * edge for edge in EDGES]


def test_sheets_of_an_earlier_time_are_replaced_and_left_over_ones_removed(tmp_path):
    (tmp_path / "contact_sheet-2.png").write_bytes(b"old")
    (tmp_path / "contact_sheet.png").write_bytes(b"old")
    (path,) = write(tmp_path, [Cell(1)])
    assert opened(path.read_bytes()).text == {"comfyless drawing": "1"}
    assert os.listdir(tmp_path) == ["contact_sheet.png"]
