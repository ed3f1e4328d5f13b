"""Between two runs, seeds and choices change as in ComfyUI's editor; a single run changes nothing."""

import random
from typing import Any

import pytest

from engine.catalogue.catalogue import Catalogue
from engine.editor.control import EXACT, moved, next_values, with_mode, with_values
from engine.editor.translating import translate
from schemas.prompt import Prompt
from schemas.workflow import Control, Workflow

CHANCE = random.Random(0)


def after(value: Any, mode: str, **limits: Any) -> Any:
    return moved(value, Control("5", "x", mode, **limits), CHANCE)


def graph(*controls: Control, seed: Any = 7, **more: Any) -> Workflow:
    inputs = {"seed": seed, "steps": 20, "sampler_name": "euler", "model": ["1", 0]}
    nodes = {"1": {"class_type": "Loader", "inputs": {}}, "5": {"class_type": "KSampler", "inputs": inputs}}
    prompt = Prompt.model_validate({"nodes": nodes})
    return Workflow(name="a.json", form="ui", prompt=prompt, controls=list(controls), notes=["read"], **more)


@pytest.mark.parametrize(
    ("value", "mode", "limits", "then"),
    [
        (7, "increment", {}, 8),
        (7, "decrement", {}, 6),
        (0, "decrement", {}, 0),
        (10, "increment", {"maximum": 10}, 10),
        (99, "increment", {"maximum": 10}, 10),
        (7, "increment-wrap", {}, 8),
        (7, "increment", {"step": 8}, 15),
        (0.1, "increment", {"step": 0.2, "maximum": 1.0}, 0.3),
        (1, "increment", {"step": 0.5, "maximum": 3.0}, 1.5),
        (2.0, "increment", {}, 3.0),
        (2**60, "increment", {}, 2**60 + 1),
        (7, "increment", {"step": 0}, 8),
        (7, "unheard-of", {}, 7),
    ],
)
def test_a_number_moves_by_its_step_within_its_limits(value: Any, mode: str, limits: Any, then: Any) -> None:
    found = after(value, mode, **limits)
    assert (found, type(found)) == (then, type(then))


@pytest.mark.parametrize(
    ("value", "mode", "then"),
    [
        ("b", "increment", "c"),
        ("c", "increment", "c"),
        ("c", "increment-wrap", "a"),
        ("a", "decrement", "a"),
        ("b", "decrement", "a"),
        ("gone", "increment", "a"),
    ],
)
def test_a_choice_moves_by_one(value: str, mode: str, then: str) -> None:
    assert after(value, mode, choices=("a", "b", "c")) == then


def test_random_values_lie_on_steps_within_the_limits() -> None:
    assert {after(16, "randomize", minimum=16, maximum=33, step=8) for _ in range(200)} == {16, 24, 32}
    assert {after("a", "randomize", choices=("a", "b")) for _ in range(50)} == {"a", "b"}
    assert after(3, "randomize", minimum=3, maximum=3) == 3


def test_random_seeds_are_those_a_browser_can_count() -> None:
    seeds = [after(2**63, "randomize") for _ in range(200)]
    assert max(seeds) <= EXACT
    assert len(set(seeds)) == 200
    assert min(after(0, "randomize", minimum=-float("inf"), maximum=float("inf")) for _ in range(50)) >= -EXACT


def test_a_copy_is_changed_and_each_change_is_told() -> None:
    first = graph(Control("5", "seed", "increment"), Control("5", "steps", "fixed"))
    second = next_values(first, CHANCE)
    assert second.prompt.nodes["5"].inputs["seed"] == 8
    assert second.notes == ["5 KSampler: seed 7 → 8 (increment)"]
    assert (first.prompt.nodes["5"].inputs["seed"], first.notes) == (7, ["read"])
    assert next_values(second, CHANCE).prompt.nodes["5"].inputs["seed"] == 9


def test_values_that_a_link_feeds_stay() -> None:
    first = graph(Control("5", "seed", "increment"), seed=["1", 0])
    assert next_values(first, CHANCE).prompt == first.prompt
    assert next_values(with_mode(first, "randomize"), CHANCE).notes == []


def test_controls_of_what_is_not_there_do_nothing() -> None:
    first = graph(Control("99", "seed", "increment"), Control("5", "noise_seed", "increment"))
    assert next_values(first, CHANCE).notes == []


def test_what_cannot_be_moved_is_told() -> None:
    first = graph(Control("5", "sampler_name", "increment"))
    assert next_values(first, CHANCE).notes == [
        "5 KSampler: sampler_name stays 'euler': no values are known to increment it to"
    ]


def test_a_mode_for_all_seeds_overrides_theirs_and_keeps_their_limits() -> None:
    own = Control("5", "seed", "randomize", maximum=9, step=2)
    assert with_mode(graph(own), "increment").controls == [Control("5", "seed", "increment", maximum=9, step=2)]
    assert with_mode(graph(Control("5", "steps", "increment"), seed="text"), "fixed").controls[0].mode == "fixed"
    assert with_mode(graph(), "decrement").controls == [Control("5", "seed", "decrement")]
    assert with_mode(graph(seed="text"), "decrement").controls == []


def test_values_are_laid_over_a_prompt_where_it_has_literals() -> None:
    laid = with_values(graph().prompt, {("5", "seed"): 3, ("5", "model"): 1, ("9", "seed"): 4})
    assert laid.nodes["5"].inputs == {"seed": 3, "steps": 20, "sampler_name": "euler", "model": ["1", 0]}


def sampler(values: Any, name: Any = 5) -> dict[str, Any]:
    return {"id": name, "type": "KSampler", "widgets_values": values}


def read(graph: dict[str, Any]) -> Workflow:
    return translate("a.json", graph, Catalogue())


@pytest.mark.parametrize(
    ("stored", "then"),
    [
        ([7, "increment", 7, 8.0], [8, "increment", 7, 8.0]),
        ([7, "fixed", 7, "fixed"], [7, "fixed", 7, "fixed"]),
        ({"seed": 7, "control_after_generate": "increment"}, {"seed": 8, "control_after_generate": "increment"}),
        (None, None),
    ],
)
def test_the_editor_s_graph_keeps_up(stored: Any, then: Any) -> None:
    held = {"nodes": [sampler(stored)], "links": []}
    second = next_values(read(held), CHANCE)
    assert second.workflow == {"nodes": [sampler(then)], "links": []}
    assert held["nodes"][0]["widgets_values"] == stored


def test_what_the_editor_s_graph_cannot_keep_is_told() -> None:
    second = next_values(with_mode(read({"nodes": [sampler(None)], "links": []}), "increment"), CHANCE)
    assert second.prompt.nodes["5"].inputs["seed"] == 1
    assert second.notes[1:] == ["5 KSampler: seed: the editor's graph has no place for 1"]


def test_nodes_of_a_subgraph_used_twice_share_a_seed() -> None:
    inner = {"id": "uuid", "nodes": [sampler([7, "randomize"], 6)]}
    held = {"nodes": [{"id": name, "type": "uuid"} for name in (3, 4)], "definitions": {"subgraphs": [inner]}}
    second = next_values(read(held), CHANCE)
    seeds = [second.prompt.nodes[name].inputs["seed"] for name in ("3:6", "4:6")]
    assert seeds[0] == seeds[1] != 7
    assert second.workflow is not None
    assert second.workflow["definitions"]["subgraphs"][0]["nodes"][0]["widgets_values"][0] == seeds[0]
