"""An editor's graph as a scene: what was saved stands where it was saved."""

from typing import Any

import pytest

from engine.drawing.editor_panels import panels_of
from engine.drawing.scene import Panel, Point
from tests.drawing.graphs import gives, nested, no_schema, no_values, node, plain, takes


def scene(graph: dict[str, Any]) -> list[Panel]:
    return panels_of(graph, no_schema, no_values)


def test_nodes_keep_their_places_sizes_and_titles() -> None:
    box = scene(plain())[0].boxes["2"]
    assert (box.left, box.top, box.width, box.height, box.title) == (600, 0, 200, 100, 'De"code')


def test_links_end_at_sockets_and_groups_keep_their_colours() -> None:
    panel = scene(plain())[0]
    (wire,), (frame,) = panel.wires, panel.frames
    assert panel.boxes[wire.origin].outputs[wire.origin_slot].at == Point(490, 14)
    assert panel.boxes[wire.target].inputs[wire.target_slot].at == Point(610, 14)
    assert (frame.title, frame.colour) == ("all", "#a1309b")


def test_values_are_named_by_their_sockets_and_by_what_follows_a_seed() -> None:
    slots = [takes("seed", "INT", None, True), takes("steps", "INT", 7, True)]
    box = scene({"nodes": [node(1, "X", slots, widgets_values=[42, "randomize", 20])]})[0].boxes["1"]
    rows = [("seed", "42", False), ("control after generate", "randomize", False), ("steps", "20", True)]
    assert [(row.name, row.text, row.driven) for row in box.rows] == rows
    assert box.inputs[1].at.y > box.rows[1].area.bottom


def test_who_knows_the_values_is_believed() -> None:
    panel = panels_of(plain(), no_schema, lambda raw: {"vae_name": "b"} if raw["id"] == 1 else None)[0]
    assert [(row.name, row.text) for row in panel.boxes["1"].rows] == [("vae_name", "b")]


def test_a_note_shows_its_text() -> None:
    (row,) = scene(plain())[0].boxes["3"].rows
    assert (row.text, row.tall) == ("read me", True)


def test_subgraphs_are_panels_with_their_edges_and_names() -> None:
    root, outer, inner = scene(nested())
    assert [root.name, outer.name, inner.name] == ["", "outer", "inner"]
    assert (root.boxes["57"].title, root.boxes["57"].state, root.boxes["8"].state) == ("outer", "bypassed", "muted")
    assert list(inner.boxes) == ["3", "-10", "-20"]
    assert [(wire.origin, wire.target) for wire in inner.wires] == [("-10", "3"), ("3", "-20")]


def test_a_promoted_widget_shows_the_value_it_has_outside_or_else_inside() -> None:
    graph = nested()
    assert [(row.name, row.text) for row in scene(graph)[1].boxes["13"].rows] == [("steps", "33")]
    del graph["definitions"]["subgraphs"][0]["nodes"][0]["widgets_values"]
    assert [(row.name, row.text) for row in scene(graph)[1].boxes["13"].rows] == [("steps", "20")]


@pytest.mark.parametrize("new", [True, False])
def test_links_go_through_native_reroutes_from_their_origin_on(new: bool) -> None:
    graph = plain()
    reroutes = [{"id": 2, "parentId": 1, "pos": [20, 0]}, {"id": 1, "pos": [10, 0]}]
    if new:
        link = {"id": 5, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 0, "parentId": 2}
        graph |= {"links": [link], "reroutes": reroutes}
    else:
        graph["extra"] = {"reroutes": reroutes, "linkExtensions": [{"id": 5, "parentId": 2}]}
    assert scene(graph)[0].wires[0].through == [Point(10, 0), Point(20, 0)]


def test_reroutes_in_a_circle_end() -> None:
    graph = plain()
    reroutes = [{"id": 2, "parentId": 1, "pos": [20, 0]}, {"id": 1, "parentId": 2, "pos": [10, 0]}]
    graph["extra"] = {"reroutes": reroutes, "linkExtensions": [{"id": 5, "parentId": 2}]}
    assert len(scene(graph)[0].wires[0].through) == 2


def test_a_collapsed_node_is_a_pill_with_all_links_at_its_ends() -> None:
    slots = [takes("a", "X", None), takes("b", "INT", None, True)]
    box = scene({"nodes": [node(1, "X", slots, [gives("Y")], flags={"collapsed": True})]})[0].boxes["1"]
    assert box.look == "pill"
    assert {socket.at for socket in box.inputs} == {Point(300, -15)}
    assert box.outputs[0].at.x == box.area.right


def test_a_node_grows_until_all_that_is_in_it_has_room() -> None:
    box = scene({"nodes": [node(1, "X", widgets_values=list(range(9)), size=[200, 20])]})[0].boxes["1"]
    assert box.rows[-1].area.bottom <= box.area.bottom


@pytest.mark.parametrize("odd", [None, [], "x", {"0": "a"}, [1e308, float("nan")], [10**400, True]])
def test_odd_places_and_sizes_do_no_harm(odd: Any) -> None:
    box = scene({"nodes": [node(1, "X") | {"pos": odd, "size": odd}]})[0].boxes["1"]
    assert abs(box.left) <= 200_000
    assert box.height <= 20_000


def test_a_markdown_note_is_shown_as_it_is_read() -> None:
    text = "## Models\n- **[vae](https://example.org/a)** and `x`"
    (row,) = scene({"nodes": [node(1, "MarkdownNote", widgets_values=[text])]})[0].boxes["1"].rows
    assert row.text == "Models\n- vae and x"
