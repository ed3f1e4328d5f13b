"""Values set on nodes that no prompt has reach the nodes that run, and the place where the editor shows them."""

import json
from typing import Any

import pytest

from engine import api
from engine.errors import GraphInvalid

SUB, NESTED = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"


def slot(name: str, kind: str, link: int | None, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "link": link, "widget": {"name": name}, **more}


def definition(name: str, label: str, inner: dict[str, Any]) -> dict[str, Any]:
    """A subgraph whose only input, `seed`, feeds the first input of its node 9."""
    link = {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 9, "target_slot": 0, "type": "INT"}
    face = {"id": "a", "name": "seed", "type": "INT", "label": label, "linkIds": [1]}
    return {"id": name, "name": "Dice", "inputs": [face], "outputs": [], "nodes": [inner], "links": [link]}


def graph() -> dict[str, Any]:
    """Two copies of a subgraph around a sampler, one of them inside another; a primitive writes a third sampler's."""
    sampler = {"type": "KSampler", "widgets_values": [1, "fixed", 20, 8.0, "euler", "normal", 1.0]}
    copy = {"type": SUB, "properties": {"proxyWidgets": [["-1", "seed"]]}}
    nodes = [
        {"id": 1, **copy, "title": "Dice One", "inputs": [slot("seed", "INT", None)], "widgets_values": [11]},
        {"id": 2, "type": NESTED, "title": "Box", "properties": {"proxyWidgets": [["9", "seed"]]}},
        {
            "id": 3,
            "type": "PrimitiveNode",
            "outputs": [{"name": "INT", "type": "INT"}],
            "widgets_values": [33, "fixed"],
        },
        {"id": 4, **sampler, "inputs": [slot("seed", "INT", 7)]},
        {"id": 5, **copy, "title": "Dice One", "inputs": [slot("seed", "INT", None)], "widgets_values": [55]},
    ]
    definitions = [
        definition(SUB, "the dice", {"id": 9, **sampler, "inputs": [slot("seed", "INT", 1)]}),
        definition(NESTED, "all", {"id": 9, **copy, "inputs": [slot("seed", "INT", 1)], "widgets_values": [22]}),
    ]
    links = [[7, 3, 0, 4, 0, "INT"]]
    return {"version": 0.4, "nodes": nodes, "links": links, "definitions": {"subgraphs": definitions}}


SEEDS = {"1:9": 11, "2:9:9": 22, "4": 33, "5:9": 55}


def changed(*sets: str) -> tuple[dict[str, int], dict[str, int]]:
    """The seeds after an override, and those of the prompt that the editor's changed graph gives."""
    after = api.override(api.load(json.dumps(graph()).encode(), "g.json"), sets)
    again = api.load(json.dumps(after.workflow).encode(), "g.json")
    one, two = ({name: node.inputs["seed"] for name, node in each.prompt.nodes.items()} for each in (after, again))
    return one, two


@pytest.mark.parametrize(
    ("override", "reached"),
    [
        ("1.seed=7", "1:9"),
        ("1.the dice=7", "1:9"),
        ("2.seed=7", "2:9:9"),
        ("2.all=7", "2:9:9"),
        ("Box.seed=7", "2:9:9"),
        ("2:9.seed=7", "2:9:9"),
        ("Dice.seed=7", "2:9:9"),
        ("3.value=7", "4"),
        ("PrimitiveNode.value=7", "4"),
    ],
)
def test_a_value_of_a_face_reaches_what_runs_and_what_the_editor_shows(override: str, reached: str) -> None:
    wanted = {**SEEDS, reached: 7}
    assert changed(override) == (wanted, wanted)


def test_faces_and_nodes_can_be_set_together() -> None:
    wanted = {**SEEDS, "1:9": 7, "5:9": 8}
    assert changed("1.seed=7", "5:9.seed=8") == (wanted, wanted)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("1.steps=7", "Did you mean '1:9.steps'?"),
        ("1.colour=7", "It shows seed, the dice."),
        ("Dice One.seed=7", "Name the one you mean by its id."),
        ("3.seed=7", "It shows value."),
    ],
)
def test_what_a_face_does_not_show_is_refused(override: str, told: str) -> None:
    with pytest.raises(GraphInvalid) as refused:
        changed(override)
    (found,) = refused.value.problems
    assert (found.code, found.fix) == ("bad-override", told)


def test_what_nobody_is_called_is_refused_as_ever() -> None:
    with pytest.raises(GraphInvalid) as refused:
        changed("Dicer.seed=7")
    assert refused.value.problems[0].code == "unknown-node"


def test_a_subgraph_shows_inputs_that_feed_what_only_its_table_of_links_tells() -> None:
    raw = graph()
    inside = raw["definitions"]["subgraphs"][0]
    inside["nodes"][0]["inputs"] = []
    inside["links"][0]["target_slot"] = 4  # the editor's sockets come before its widgets: seed is the fifth
    loaded = api.load(json.dumps(raw).encode(), "g.json")
    assert loaded.prompt.nodes["1:9"].inputs["seed"] == 11
    assert api.override(loaded, ["1.seed=99"]).prompt.nodes["1:9"].inputs["seed"] == 99
