"""Inputs that depend on what a node is given: groups that grow, and those of a chosen option."""

import pytest

from engine.catalogue.installed import schema_of
from engine.errors import GraphInvalid
from engine.graph.build import build
from engine.graph.check import examine
from engine.graph.rewrite import apply
from engine.graph.values import bind
from schemas.prompt import Link
from tests import toys
from tests.graph.fakes import TOYS, FakeFolders, codes, node, problems, prompt, shown, workflow

PAINT = {"paint": node("ToySource", name="p")}


def test_items_of_a_group_are_inputs_of_their_own():
    graph = shown("ToyGather", **{"numbers.n0": "4", "numbers.n1": ["7", 0]}) | {"7": node("ToyNumber", value=1)}
    assert problems(graph) == []
    bound = bind(prompt(graph), TOYS)["1"]
    assert (dict(bound.literals), bound.links) == ({"numbers.n0": 4}, {"numbers.n1": Link("7", 0)})
    assert [wire.name for wire in build(prompt(graph), TOYS).edges["7", "1"]["wires"]] == ["numbers.n1"]


def test_a_group_needs_its_first_items_and_no_others():
    assert codes(shown("ToyGather", **{"numbers.n1": 1})) == ["missing-input"]
    assert [problem.field for problem in problems(shown("ToyGather"))] == ["numbers.n0", "numbers.n1"]


def test_an_item_beyond_the_last_is_refused_with_the_names_there_are():
    graph = shown("ToyGather", **{"numbers.n0": 1, "numbers.n1": 1, "numbers.n4": 1})
    found = problems(graph)
    assert [(problem.code, problem.fix) for problem in found] == [
        ("unknown-input", "Name it numbers.n0 to numbers.n3.")
    ]


@pytest.mark.parametrize("name", ["numbers", "numbers.", "numbers.n0.n0", "numbers.n00", ".n0", "n0"])
def test_no_other_name_leads_into_a_group(name):
    assert codes(shown("ToyGather", **{"numbers.n0": 1, "numbers.n1": 1, name: 1})) == ["unknown-input"]


def test_items_are_checked_like_any_input():
    graph = shown("ToyGather", **{"numbers.n0": "x", "numbers.n1": ["9", 0], "numbers.n2": 10**7})
    assert codes(graph) == ["wrong-type", "dangling-link", "out-of-range"]


def test_a_circle_through_a_group_is_found():
    graph = shown("ToyGather", **{"numbers.n0": 1, "numbers.n1": ["2", 0]}) | {"2": node("ToyAdd", a=["1", 0], b=1)}
    assert "cycle" in codes(graph)


def test_the_chosen_option_says_what_else_is_needed():
    assert codes(shown("ToyForm", form="sized", **{"form.size": 3})) == []
    assert codes(shown("ToyForm", form="sized")) == ["missing-input"]
    assert codes(shown("ToyForm", form="painted", **{"form.colour": "red", "form.token": ["paint", 0]}) | PAINT) == []


def test_inputs_of_other_options_are_passed_over_with_a_note():
    graph = shown("ToyForm", form="sized", **{"form.size": 3, "form.colour": "no colour", "form.token": ["paint", 0]})
    found = examine(workflow(graph | PAINT), TOYS, FakeFolders())
    assert found.problems == []
    assert "ignored inputs that no node reads: 'form.colour', 'form.token'" in found.notes
    assert not found.graph.has_edge("paint", "1")


@pytest.mark.parametrize(
    ("form", "code"),
    [("round", "unknown-choice"), (None, "unknown-choice"), ([1], "wrong-type"), (3, "unknown-choice")],
)
def test_an_option_that_is_none_is_told(form, code):
    assert codes(shown("ToyForm", form=form)) == [code]


@pytest.mark.parametrize("source", [node("ToyText", text="sized"), node("ToyForm", form="sized", **{"form.size": 1})])
def test_an_option_cannot_come_over_a_wire_not_even_one_of_any_type(source):
    (found,) = problems(shown("ToyForm", form=["7", 0]) | {"7": source})
    assert (found.code, found.fix) == ("wrong-wire", "Choose from: sized, painted.")


def test_an_option_that_is_left_out_is_missing():
    assert codes(shown("ToyForm")) == ["missing-input"]


def test_wrong_values_of_an_option_are_told():
    assert codes(shown("ToyForm", form="sized", **{"form.size": "x", "form.sise": 1})) == [
        "wrong-type",
        "unknown-input",
    ]


def test_the_command_line_may_choose_another_option_and_its_values():
    given = prompt(shown("ToyForm", form="painted"))
    changed = apply(given, ["1.form=sized", "1.form.size=5"], TOYS)
    assert bind(changed, TOYS)["1"].literals == {"form": "sized", "form.size": 5, "form.note": "none"}
    with pytest.raises(GraphInvalid):
        apply(given, ["1.form.nothing=5"], TOYS)


def test_editors_are_told_of_groups_and_options():
    (group,) = schema_of(toys.ToyGather.spec()).inputs
    assert group.growing is not None
    assert (group.growing.names, group.growing.least, group.growing.of.type) == (("n0", "n1", "n2", "n3"), 2, "INT")
    (form,) = schema_of(toys.ToyForm.spec()).inputs
    assert [(option.key, [entry.name for entry in option.inputs]) for option in form.options] == [
        ("sized", ["size", "note"]),
        ("painted", ["colour", "token"]),
    ]
