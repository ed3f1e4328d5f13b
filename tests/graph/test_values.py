"""Binding values to inputs."""

import pytest

from engine.errors import GraphInvalid
from engine.graph.values import bind
from schemas.prompt import Link
from tests.graph.fakes import TOYS, node, prompt


def test_literals_are_converted_and_defaults_of_optional_inputs_filled_in():
    inputs = {"whole": "8", "real": 1, "text": 5, "toggle": 0, "colour": "red", "old_widget": 3}
    bound = bind(prompt({"1": node("ToyWidgets", **inputs)}), TOYS)["1"]
    assert dict(bound.literals) == {
        "whole": 8,
        "real": 1.0,
        "text": "5",
        "toggle": False,
        "colour": "red",
        "extra": 7,
        "note": "none",
    }
    assert isinstance(bound.literals["real"], float)
    assert bound.links == {}


def test_links_are_kept_apart():
    bound = bind(prompt({"1": node("ToyNumber", value=1), "2": node("ToyAdd", a=["1", 0], b=2)}), TOYS)["2"]
    assert bound.links == {"a": Link("1", 0)}
    assert bound.literals == {"b": 2}


def test_left_out_optional_wire_has_its_default():
    bound = bind(prompt({"1": node("ToyMerge", first=["0", 0])}), TOYS)["1"]
    assert bound.literals == {"second": None}


def test_only_the_nodes_asked_for_are_bound():
    nodes = prompt({"1": node("Unheard"), "2": node("ToyNumber", value=2)})
    assert list(bind(nodes, TOYS, ["2"])) == ["2"]


def test_what_check_would_have_told_is_refused():
    with pytest.raises(GraphInvalid) as caught:
        bind(prompt({"1": node("Unheard"), "2": node("ToyNumber", value="x")}), TOYS)
    assert [problem.code for problem in caught.value.problems] == ["unknown-class", "wrong-type"]
