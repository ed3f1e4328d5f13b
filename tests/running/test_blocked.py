"""Execution blockers: what reads one does not run."""

import pytest

from schemas.node import Blocked
from schemas.report import Warned
from tests import toys
from tests.running.house import House, node, ran, show, shown, states
from tests.running.test_execute import spec


def graph(message: str = "", block: object = True):
    return {
        "n": node("ToyNumber", value=1),
        "gate": node("ToyBlock", value=["n", 0], block=block, message=message),
        "after": node("ToyAdd", a=["gate", 0], b=1),
        "show": show("after"),
        "aside": show("n"),
    }


def test_readers_of_a_blocked_output_are_skipped_to_the_last(house):
    report = house.run(graph())
    assert report.status == "done"
    assert shown() == {"aside": 1}
    assert states(report) == {"n": "run", "gate": "run", "after": "skipped", "show": "skipped", "aside": "run"}
    assert "show" not in report.outputs


def test_without_a_message_nothing_is_said(house):
    house.run(graph())
    assert house.told(Warned) == []


def test_a_message_is_told_once_by_the_first_reader(house):
    house.run(graph("not today"))
    assert house.told(Warned) == [Warned("warned", "after", "not today")]


def test_the_message_is_told_again_in_the_next_run(house):
    house.run(graph("not today"))
    report = house.run(graph("not today"))
    assert len(house.told(Warned)) == 1
    assert states(report) == {"n": "cached", "gate": "cached", "after": "skipped", "show": "skipped", "aside": "cached"}


def test_one_blocked_output_of_several_blocks_only_its_readers(tmp_path):
    half = spec("Half", lambda values, context: (1, Blocked()), outputs="A B")
    house = House(tmp_path, half)
    report = house.run({"half": node("Half"), "a": show("half", 0), "b": show("half", 1)})
    assert states(report) == {"half": "run", "a": "run", "b": "skipped"}


def test_in_a_list_only_the_blocked_items_are_left_out(house):
    flags = {"flags": node("ToyRange", count=2)}
    report = house.run(graph(block=["flags", 0]) | flags)
    assert [value for name, value in toys.SHOWN if name == "show"] == [2]
    assert states(report)["show"] == "run"
    assert ran().count("after") == 1


@pytest.mark.parametrize("count", [2, 3])
def test_a_node_that_takes_lists_is_blocked_by_one_item(house, count):
    report = house.run(
        {
            "flags": node("ToyRange", count=count),
            "gate": node("ToyBlock", value=5, block=["flags", 0]),
            "sum": node("ToySum", items=["gate", 0], start=0),
            "show": show("sum"),
        }
    )
    assert states(report)["sum"] == states(report)["show"] == "skipped"
