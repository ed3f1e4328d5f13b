"""The picture: within its bounds, with everything where it should be, and as a PNG that carries its graph."""

import io
import json
import random
from typing import Any

import pytest
from PIL import Image

from engine.drawing import colours, letters, marks, picture
from engine.drawing.editor_panels import panels_of
from engine.drawing.prompt_panels import panel_of
from engine.drawing.saving import png
from engine.drawing.scene import Mark, Panel
from schemas.prompt import Prompt
from tests.drawing.graphs import nested, no_schema, no_values, node, plain


def painted(graph: dict[str, Any], found: dict[str, Mark] | None = None) -> picture.Picture:
    panels = panels_of(graph, no_schema, no_values)
    marks.apply(panels, found or {})
    return picture.paint(panels)


def shares(image: Image.Image) -> dict[tuple[int, int, int], int]:
    return {colour: count for count, colour in image.getcolors(2**24) or []}  # type: ignore[misc]


def test_small_graphs_are_drawn_larger_than_in_the_editor() -> None:
    drawn = painted(plain())
    assert drawn.scale == picture.LARGER
    assert max(drawn.image.size) <= picture.COMFORTABLE


def test_the_scene_is_seen_node_by_node() -> None:
    graph = plain()
    graph["nodes"][0] |= {"bgcolor": "#123456", "color": "#654321"}
    drawn = painted(graph)
    seen = shares(drawn.image)
    whole = 200 * 100 * drawn.scale**2
    assert seen[(0x12, 0x34, 0x56)] > whole * 0.4
    assert seen[(0x65, 0x43, 0x21)] > 200 * 30 * drawn.scale**2 * 0.5
    assert seen[colours.BODY] > whole * 0.5


def test_what_failed_is_red_and_what_was_bypassed_purple() -> None:
    assert colours.FAILED not in shares(painted(plain()).image)
    assert shares(painted(plain(), {"2": Mark(failed="it broke")}).image)[colours.FAILED] > 500
    purple = colours.mixed(colours.BODY, colours.BYPASSED, 0.45)
    assert shares(painted(nested()).image)[purple] > 1_000


def test_a_picture_that_was_saved_is_shown_in_its_node(tmp_path: Any) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8), (1, 250, 3)).save(path)
    graph = {"nodes": [node(1, "SaveImage", size=[300, 300])]}
    assert shares(painted(graph, {"1": Mark(picture=str(path))}).image)[(1, 250, 3)] > 10_000
    assert (1, 250, 3) not in shares(painted(graph, {"1": Mark(picture=str(tmp_path / "gone.png"))}).image)


def test_a_node_lost_far_away_keeps_the_picture_within_bounds() -> None:
    drawn = painted({"nodes": [node(1, "X", pos=[-1e9, 1e9]), node(2, "X", pos=[1e9, 0])]})
    assert drawn.scale < 1
    assert max(drawn.image.size) == picture.LONGEST


def test_an_empty_graph_is_an_empty_picture() -> None:
    assert painted({"nodes": []}).image.width > 0
    assert picture.paint([Panel({}, [])]).image.width > 0


def test_tiles_meet_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = painted(plain()).image
    monkeypatch.setattr(picture, "TILE", 500)
    assert shares(painted(plain()).image).keys() >= {colours.BODY, colours.TITLE_BAR}
    assert painted(plain()).image.size == whole.size


def test_a_prompt_without_places_is_drawn() -> None:
    prompt = {"1": {"class_type": "A", "inputs": {"text": "a\nb"}}, "2": {"class_type": "B", "inputs": {"x": ["1", 3]}}}
    panel = panel_of(Prompt.model_validate({"nodes": prompt}), no_schema)
    assert [(wire.origin, wire.origin_slot, wire.target) for wire in panel.wires] == [("1", 3, "2")]
    assert picture.paint([panel]).image.width > 400


@pytest.mark.parametrize("held", [float("nan"), 1.5, "\ud800", "日本"])
def test_the_file_carries_its_graph_as_strict_json(held: Any) -> None:
    data = png(Image.new("RGB", (2, 2)), None, {"nodes": [held]})
    text = Image.open(io.BytesIO(data)).text["workflow"]  # type: ignore[attr-defined]
    value = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert value == {"nodes": [None if held != held else held]}


@pytest.mark.parametrize("text", ["a b c d e f g", "x" * 500, "日本語 and é", "\ud800\n\t", ""])
def test_lines_fit_into_the_room_they_are_given(text: str) -> None:
    for room in (0.0, 10.0, 60.0):
        assert letters.width(letters.clipped(text, 20, room), 20) <= room
        lines = letters.wrapped(text, 20, 60.0, 3)
        assert len(lines) <= 3
        assert all(letters.width(line, 20) <= 60.0 for line in lines)


def test_whatever_stands_in_a_file_a_picture_comes_out() -> None:
    odd = [None, True, -1, 1e308, 10**400, "", "\ud800", [], {}, [1], {"0": 1, "1": "x"}, "#zz", "Reroute", "😀"]
    chance = random.Random(4)
    for _ in range(40):
        graph = nested() if chance.random() < 0.5 else plain()
        for held in chance.sample(graph["nodes"], 2):
            held[chance.choice(list(held))] = chance.choice(odd)
            held["widgets_values"] = [chance.choice(odd)]
        graph["groups"] = [{"title": chance.choice(odd), "bounding": chance.choice(odd), "color": chance.choice(odd)}]
        sheets = [picture._sheet(panel) for panel in panels_of(graph, no_schema, no_values)]
        width, height = picture._place(sheets)
        assert width > 0
        assert height > 0
