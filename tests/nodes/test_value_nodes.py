"""Switches, truth values and numbers; alone, and in graphs that run."""

import pytest

from engine.graph.check import examine
from engine.plugins.registry import Registry
from tests import toys
from tests.graph.fakes import FakeFolders, node, workflow
from tests.inference.stand_in import StandInContext
from tests.running.house import House, ran, show, shown, states

NAMES = ("ComfySwitchNode", "ComfyMathExpression", "CustomCombo", "ComfyNumberConvert", "ComfyAndNode")
SPECS = [Registry.builtin().find(name) for name in NAMES]
KNOWN = Registry.of([*toys.specs(), *SPECS])


def given(class_type, **values):
    return tuple(Registry.builtin().find(class_type).run(values, StandInContext()))


def switch(flag):
    sides = {"yes": node("ToyNumber", value=1), "no": node("ToyNumber", value=2)}
    chosen = node("ComfySwitchNode", switch=flag, on_true=["yes", 0], on_false=["no", 0])
    return sides | {"switch": chosen, "show": show("switch")}


@pytest.mark.parametrize(("flag", "wanted", "other"), [(True, 1, "no"), (False, 2, "yes"), ("false", 1, "no")])
def test_only_the_chosen_branch_is_computed(tmp_path, flag, wanted, other):
    report = House(tmp_path, *SPECS).run(switch(flag))
    assert shown() == {"show": wanted}
    assert other not in ran()
    assert states(report)[other] == "skipped"


def test_a_switch_may_be_thrown_by_a_wire(tmp_path):
    graph = switch(["flag", 0]) | {"flag": node("ComfyAndNode", **{"values.value0": 1, "values.value1": ""})}
    House(tmp_path, *SPECS).run(graph)
    assert shown() == {"show": 2}


def test_a_switch_needs_both_sides():
    graph = switch(True)
    del graph["switch"]["inputs"]["on_false"]
    found = examine(workflow(graph), KNOWN, FakeFolders()).problems
    assert [(problem.code, problem.field) for problem in found] == [("missing-input", "on_false")]


def test_truth_is_pythons():
    assert [given("ComfyNotNode", value=value) for value in (0, "", "no", None)] == [
        (True,),
        (True,),
        (False,),
        (True,),
    ]
    assert given("ComfyAndNode", **{"values.value0": 1, "values.value1": "x"}) == (True,)
    assert given("ComfyOrNode", **{"values.value0": 0, "values.value3": []}) == (False,)
    assert given("ComfyOrNode", **{"values.value0": 0, "values.value3": 2}) == (True,)


def test_a_choice_written_into_the_node_is_passed_on(tmp_path):
    inputs = {"choice": "screen", "index": 1, "option1": "add", "option2": "screen", "option3": ""}
    graph = {"combo": node("CustomCombo", **inputs), "show": show("combo"), "place": show("combo", 1)}
    found = examine(workflow(graph), KNOWN, FakeFolders())
    assert (found.problems, found.notes) == ([], [])
    House(tmp_path, *SPECS).run(graph)
    assert shown() == {"show": "screen", "place": 1}


def test_an_expression_reads_what_is_linked_to_it(tmp_path):
    graph = {
        "width": node("ToyNumber", value=1000),
        "sum": node(
            "ComfyMathExpression", expression="ceil(a / 64) * 64 + b", **{"values.a": ["width", 0], "values.b": 0.5}
        ),
        **{f"show{slot}": show("sum", slot) for slot in range(3)},
    }
    assert examine(workflow(graph), KNOWN, FakeFolders()).problems == []
    House(tmp_path, *SPECS).run(graph)
    assert shown() == {"show0": 1024.5, "show1": 1024, "show2": True}


def test_a_text_is_no_number_to_an_expression():
    graph = {
        "text": node("ToyText", text="1"),
        "sum": node("ComfyMathExpression", expression="a", **{"values.a": ["text", 0]}),
        "show": show("sum"),
    }
    assert [problem.code for problem in examine(workflow(graph), KNOWN, FakeFolders()).problems] == ["wrong-wire"]
    with pytest.raises(ValueError, match="has no value"):
        given("ComfyMathExpression", expression="a", **{"values.a": "1"})


@pytest.mark.parametrize(
    ("value", "number", "whole"),
    [
        (True, 1.0, 1),
        (7, 7.0, 7),
        (-2.9, -2.9, -2),
        (" 12 ", 12.0, 12),
        ("3.9", 3.9, 3),
        ("1e3", 1000.0, 1000),
        (2**53 + 1, float(2**53), 2**53 + 1),
        (str(2**53 + 3), float(2**53 + 4), 2**53 + 3),
    ],
)
def test_numbers_are_read_from_whatever_they_are_in(value, number, whole):
    assert given("ComfyNumberConvert", value=value) == (number, whole)


@pytest.mark.parametrize(
    "value",
    ["", "  ", "x", "NaN", "inf", "1e999", float("nan"), float("-inf"), 10**400, "9" * 5000],
    ids=lambda value: repr(value)[:12],
)
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ValueError, match="is no finite number"):
        given("ComfyNumberConvert", value=value)


def test_other_things_are_no_numbers():
    with pytest.raises(TypeError, match="list is no number"):
        given("ComfyNumberConvert", value=[1])


@pytest.mark.parametrize(
    ("ratio", "megapixels", "multiple", "wanted"),
    [
        ("1:1 (Square)", 1.0, 8, (1024, 1024)),
        ("16:9 (Widescreen)", 1.0, 8, (1368, 768)),
        ("9:16 (Portrait Widescreen)", 2.0, 64, (1088, 1920)),
        ("21:9 (Ultrawide)", 0.1, 128, (512, 256)),
    ],
)
def test_resolutions_have_the_shape_wanted(ratio, megapixels, multiple, wanted):
    values = {"aspect_ratio": ratio, "megapixels": megapixels, "multiple": multiple}
    assert given("ResolutionSelector", **values) == wanted
