"""How lists flow through nodes."""

import pytest

from engine.running.mapping import Items, blocking, calls, checked, joined
from schemas.node import Blocked, Expansion, NodeSpec, OutputSpec
from tests import toys
from tests.running.house import node, ran, show, shown
from tests.running.test_execute import spec

PLAIN = spec("Plain", None, outputs="A B")
LISTED = NodeSpec("Listed", {}, (OutputSpec("A", "A", is_list=True), OutputSpec("B", "B")), lambda *_: ())
TAKES_LISTS = spec("TakesLists", None, input_is_list=True)


def test_single_items_make_one_call():
    assert calls({"a": [1], "b": (2,)}, PLAIN) == [{"a": 1, "b": 2}]


def test_a_node_without_inputs_is_called_once():
    assert calls({}, PLAIN) == [{}]


def test_shorter_lists_repeat_their_last_item():
    assert calls({"a": [1, 2, 3], "b": [7, 8], "c": [0]}, PLAIN) == [
        {"a": 1, "b": 7, "c": 0},
        {"a": 2, "b": 8, "c": 0},
        {"a": 3, "b": 8, "c": 0},
    ]


def test_a_node_that_takes_lists_gets_copies_of_them():
    items = [1, 2]
    (values,) = calls({"a": items, "b": (5,)}, TAKES_LISTS)
    assert values == {"a": [1, 2], "b": [5]}
    assert values["a"] is not items


def test_an_empty_list_is_refused_by_name():
    with pytest.raises(ValueError, match="input b is an empty list"):
        calls({"a": [1], "b": []}, PLAIN)


def test_plain_outputs_add_one_item_a_call_and_listed_ones_all_of_theirs():
    assert joined([([1, 2], 8), ((3,), 9)], LISTED) == ([1, 2, 3], [8, 9])
    assert joined([([1, 2], [8])], PLAIN) == ([[1, 2]], [[8]])


def test_a_blocked_output_is_one_item_even_if_it_is_listed():
    blocked = Blocked("no")
    assert joined([(blocked, 1), ([5], blocked)], LISTED) == ([blocked, 5], [1, blocked])


def test_items_are_handed_on_as_they_are():
    assert joined([(Items([1, 2]), Items([3]))], PLAIN) == ([1, 2], [3])


def test_a_listed_output_that_is_no_list_is_refused():
    with pytest.raises(TypeError, match="output A of Listed is int, not a list"):
        joined([(1, 2)], LISTED)


def test_results_are_checked_against_the_declared_outputs():
    assert checked((1, 2), PLAIN) == (1, 2)
    assert checked(Blocked("x"), PLAIN) == (Blocked("x"), Blocked("x"))
    assert checked(None, spec("Save", None, outputs="")) == ()
    expansion = Expansion({}, (1, 2))
    assert checked(expansion, PLAIN) is expansion
    for wrong in ((1,), (1, 2, 3), Expansion({}, (1,)), None, 5, [1, 2]):
        with pytest.raises(TypeError, match="Plain gave"):
            checked(wrong, PLAIN)


def test_one_blocked_input_blocks_a_call():
    blocked = Blocked("no")
    assert blocking({"a": 1, "b": blocked}, input_is_list=False) is blocked
    assert blocking({"a": [1], "b": [2, blocked]}, input_is_list=True) is blocked
    assert blocking({"a": [1, blocked]}, input_is_list=False) is None


def test_a_list_flows_item_by_item_and_is_gathered_by_a_node_that_takes_lists(house):
    graph = {
        "range": node("ToyRange", count=4),
        "plus": node("ToyAdd", a=["range", 0], b=10),
        "sum": node("ToySum", items=["plus", 0], start=100),
        "show": show("plus"),
        "total": show("sum"),
    }
    report = house.run(graph)
    assert [value for name, value in toys.SHOWN if name == "show"] == [10, 11, 12, 13]
    assert shown()["total"] == 146
    assert ran().count("plus") == 4
    assert len(report.steps) == 5
    house.run(graph)
    assert ran() == []


def test_two_lists_run_in_step(house):
    house.run(
        {
            "short": node("ToyRange", count=2),
            "long": node("ToyRange", count=4),
            "sum": node("ToyAdd", a=["short", 0], b=["long", 0]),
            "show": show("sum"),
        }
    )
    assert [value for _, value in toys.SHOWN] == [0, 2, 3, 4]


def test_an_empty_list_fails_the_node_that_would_be_called_with_it(house):
    report = house.run({"none": node("ToyRange", count=0), "show": show("none")})
    assert report.error == "node show ToyShow failed: ValueError: input value is an empty list"
