"""Inputs that are computed only if a node asks."""

import weakref

import pytest

from engine.running.cache import OutputCache
from engine.running.lazy import UNASKED, asked
from schemas.node import MISSING, InputSpec, NodeSpec, OutputSpec
from tests import toys
from tests.running.house import House, node, ran, show, shown, states
from tests.running.test_execute import Token, spec

SWITCH = toys.ToySwitch.spec()


def graph(flag, **more):
    return {
        "flag": flag,
        "yes": node("ToyNumber", value=3),
        "deep": node("ToyNumber", value=2),
        "no": node("ToyAdd", a=["deep", 0], b=5),
        "switch": node("ToySwitch", switch=["flag", 0], on_true=["yes", 0], on_false=["no", 0]),
        "show": show("switch"),
        **more,
    }


def test_only_the_chosen_side_is_computed(house):
    report = house.run(graph(node("ToyNumber", value=1)))
    assert shown() == {"show": 3}
    assert ran() == ["flag", "yes", "switch", "show"]
    assert states(report)["no"] == states(report)["deep"] == "skipped"


def test_the_other_side_is_computed_with_all_it_needs(house):
    report = house.run(graph(node("ToyNumber", value=0)))
    assert shown() == {"show": 7}
    assert ran() == ["flag", "deep", "no", "switch", "show"]
    assert states(report)["yes"] == "skipped"


def test_a_side_that_is_there_for_somebody_else_does_not_block_the_one_that_is_chosen(house):
    blocked = {"no": node("ToyBlock", value=1, block=True), "first": show("no")}
    report = house.run(
        blocked
        | {name: found for name, found in graph(True).items() if name not in ("no", "flag")}
        | {"switch": node("ToySwitch", switch=True, on_true=["yes", 0], on_false=["no", 0])}
    )
    assert shown() == {"show": 3}
    assert states(report)["no"] == "run"


def test_a_side_that_somebody_else_needs_is_there(house):
    report = house.run(graph(node("ToyNumber", value=1), other=show("no")))
    assert shown() == {"show": 3, "other": 7}
    assert states(report)["no"] == "run"


def test_changing_the_choice_computes_only_the_other_side(house):
    house.run(graph(node("ToyNumber", value=1)))
    house.run(graph(node("ToyNumber", value=0)))
    assert ran() == ["flag", "deep", "no", "switch", "show"]
    house.run(graph(node("ToyNumber", value=1)))
    assert ran() == []


def test_a_cached_side_is_not_computed_again(house):
    house.run({"deep": node("ToyNumber", value=2), "no": node("ToyAdd", a=["deep", 0], b=5), "show": show("no")})
    house.run(graph(node("ToyNumber", value=0)))
    assert ran() == ["flag", "switch", "show"]


def test_each_item_of_a_list_may_ask_for_its_own_side(house):
    report = house.run(graph(node("ToyRange", count=2)))
    assert [value for _, value in toys.SHOWN] == [7, 3]
    assert set(states(report).values()) == {"run"}


def test_a_value_is_dropped_once_the_side_that_would_read_it_can_no_longer_be_asked_for(tmp_path):
    tokens: weakref.WeakSet[Token] = weakref.WeakSet()
    alive = []

    def make(values, context):
        token = Token()
        tokens.add(token)
        return (token,)

    def count(values, context):
        alive.append(len(tokens))
        return (1,)

    make_spec, count_spec = spec("Make", make), spec("Count", count, "value")
    house = House(tmp_path, make_spec, count_spec, cache=OutputCache(0))
    house.run(
        {
            "make": node("Make"),
            "flag": node("Count", value=["make", 0]),
            "late": node("Count", value=["make", 0]),
            "n": node("ToyNumber", value=5),
            "switch": node("ToySwitch", switch=["flag", 0], on_true=["n", 0], on_false=["late", 0]),
            "after": node("Count", value=["switch", 0]),
            "show": show("after"),
        }
    )
    assert alive == [1, 0]


def three_way(wanted):
    """A class with lazy inputs a, b, c that asks for them one after the other, as `wanted` tells."""

    def needs(values):
        return wanted(values)

    given = {name: InputSpec(name, "*", required=False, lazy=True) for name in "abc"}
    return NodeSpec("Three", given, (OutputSpec("*", "*"),), lambda values, context: (dict(values),), needs=needs)


def test_a_node_may_ask_again_when_it_has_seen_more(tmp_path):
    def wanted(values):
        if values["a"] is MISSING:
            return ("a",)
        return ("b",) if values["a"] > 0 and values["b"] is MISSING else ()

    house = House(tmp_path, three_way(wanted))
    numbers = {name: node("ToyNumber", value=index) for index, name in enumerate("abc")}
    three = node("Three", a=["b", 0], b=["a", 0], c=["c", 0])
    report = house.run({**numbers, "three": three, "show": show("three")})
    assert shown() == {"show": {"a": 1, "b": 0, "c": MISSING}}
    assert states(report)["c"] == "skipped"


def test_asking_for_an_input_that_nothing_is_linked_to_is_void(tmp_path):
    house = House(tmp_path, three_way(lambda values: ("a", "b")))
    house.run({"n": node("ToyNumber", value=4), "three": node("Three", a=["n", 0]), "show": show("three")})
    assert shown() == {"show": {"a": 4}}


def test_asking_for_an_input_the_class_does_not_have_is_a_failure(tmp_path):
    house = House(tmp_path, three_way(lambda values: ("d",)))
    report = house.run({"n": node("ToyNumber", value=4), "three": node("Three", a=["n", 0]), "show": show("three")})
    assert "Three asks for 'd', which is none of its inputs" in report.error


def test_a_node_that_never_asks_gets_nothing():
    assert asked(toys.ToyAdd.spec(), {"a": UNASKED}) == []


@pytest.mark.parametrize(("switch", "wish"), [((True,), ["on_true"]), ((False,), ["on_false"])])
def test_what_is_asked_is_told_by_field(switch, wish):
    assert asked(SWITCH, {"switch": switch, "on_true": UNASKED, "on_false": UNASKED}) == wish


def test_a_blocked_node_asks_for_nothing(house):
    blocked = {"off": node("ToyBlock", value=1, block=True)}
    report = house.run(
        graph(node("ToyNumber", value=1))
        | blocked
        | {"switch": node("ToySwitch", switch=["off", 0], on_true=["yes", 0], on_false=["no", 0])}
    )
    assert states(report) == {
        "off": "run",
        "switch": "skipped",
        "show": "skipped",
        "yes": "skipped",
        "no": "skipped",
        "deep": "skipped",
    }
