"""Graphs that run together: what they share runs once, each ends by itself, and each gives what it gives alone."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.running.cache import OutputCache
from schemas.context import Context
from schemas.node import Expansion, NodeSpec, OutputSpec
from schemas.report import Progress, Saved, StepDone, StepStarted
from schemas.sockets import ANY
from tests import toys
from tests.running.house import House, node, ran, show, states
from tests.running.test_any_graph import ALWAYS, expected, graphs


def added(a: Any, b: Any) -> dict[str, Any]:
    return node("ToyAdd", a=a, b=b)


def test_a_prefix_that_all_share_runs_once_and_counts_for_the_first(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = [{"1": node("ToyNumber", value=2), "2": added(["1", 0], row), "9": show("2")} for row in (10, 20, 30)]
    reports = house.run_all(*rows)
    assert Counter(ran()) == {"1": 1, "2": 3, "9": 3}
    assert [value for _, value in toys.SHOWN] == [12, 22, 32]
    assert [states(report)["1"] for report in reports] == ["run", "cached", "cached"]
    assert [states(report)["2"] for report in reports] == ["run", "run", "run"]


def test_a_shared_step_is_found_whatever_its_id(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.run_all({"a": node("ToyNumber", value=2), "s": show("a")}, {"b": node("ToyNumber", value=2), "t": show("b")})
    assert ran() == ["a", "s", "t"]


def test_every_graph_writes_its_own_outputs_even_if_all_are_the_same(tmp_path: Path) -> None:
    house = House(tmp_path)
    graph = {"1": node("ToyNumber", value=2), "9": show("1")}
    house.run_all(graph, graph)
    house.run_all(graph)
    assert ran() == ["9"]
    assert toys.SHOWN == [("9", 2)]


def test_graphs_end_one_by_one_in_the_order_given(tmp_path: Path) -> None:
    house = House(tmp_path)
    graph = [{"1": node("ToyNumber", value=row), "9": show("1")} for row in range(3)]
    house.run_all(*graph)
    assert house.ends == [0, 1, 2]
    assert ran() == ["1", "9", "1", "9", "1", "9"]


def test_a_failure_ends_the_graphs_that_need_the_step_and_no_others(tmp_path: Path) -> None:
    house = House(tmp_path)
    bad = {"1": node("ToyNumber", value=1), "2": node("ToyFail", value=["1", 0], message="no luck"), "9": show("2")}
    other = {"x": node("ToyNumber", value=1), "y": node("ToyFail", value=["x", 0], message="no luck"), "9": show("y")}
    good = {"1": node("ToyNumber", value=1), "3": added(["1", 0], 1), "9": show("3")}
    reports = house.run_all(bad, good, other)
    assert [report.status for report in reports] == ["failed", "done", "failed"]
    assert [report.failed_node for report in reports] == ["2", None, "y"]
    assert reports[2].error == "node y ToyFail failed: ValueError: no luck"
    assert ran().count("2") + ran().count("y") == 1
    assert "no luck" in (house.failures[0] or "")
    assert house.failures[1] is None
    assert toys.SHOWN == [("9", 2)]


def test_graphs_that_fall_together_end_in_the_order_given(tmp_path: Path) -> None:
    house = House(tmp_path)
    failing = {"1": node("ToyFail", value=0)}
    house.run_all(*(failing | {str(row): show("1")} for row in range(20, 60)))
    assert house.ends == list(range(40))


def test_what_only_a_fallen_graph_wanted_is_not_run(tmp_path: Path) -> None:
    house = House(tmp_path)
    fallen = {
        "1": node("ToyFail", value=0),
        "5": show("1"),
        "2": node("ToyNumber", value=7),
        "3": added(["2", 0], 1),
        "6": show("3"),
    }
    shared = {"2": node("ToyNumber", value=7), "9": show("2")}
    reports = house.run_all(fallen, shared)
    assert [report.status for report in reports] == ["failed", "done"]
    assert "3" not in ran()
    assert "6" not in ran()
    assert +house.ledger.held == {}


def test_a_failure_inside_an_expansion_names_the_node_that_gave_it(tmp_path: Path) -> None:
    def run(values: Mapping[str, Any], context: Context) -> Expansion:
        inside = {"kept": node("ToyNumber", value=5), "bad": node("ToyFail", value=["kept", 0], message="toy failure")}
        return Expansion({**inside, "rest": added(["bad", 0], 1)}, (["rest", 0],))

    giving = NodeSpec("Giving", {}, (OutputSpec("value", ANY),), run)
    house = House(tmp_path, giving)
    good = {"1": node("ToyExpand", value=1, count=2), "9": show("1")}
    reports = house.run_all({"1": node("Giving"), "9": show("1")}, good)
    assert [report.status for report in reports] == ["failed", "done"]
    assert reports[0].error == "node 1 Giving failed: node 1.bad ToyFail failed: ValueError: toy failure"
    assert toys.SHOWN == [("9", 3)]
    assert +house.ledger.held == {}


def test_a_file_that_cannot_be_had_ends_one_graph_as_invalid(tmp_path: Path) -> None:
    house = House(tmp_path)
    missing = {"1": node("ToyModel", ckpt_name="gone"), "9": show("1")}
    good = {"1": node("ToyNumber", value=1), "9": show("1")}
    reports = house.run_all(missing, good)
    assert [report.status for report in reports] == ["invalid", "done"]
    assert reports[0].problems[0].code == "missing-file"


def test_a_wish_to_stop_ends_the_rest_as_interrupted(tmp_path: Path) -> None:
    house = House(tmp_path, stop=lambda: len(toys.SHOWN) >= 2)
    rows = [{"1": node("ToyNumber", value=row), "9": show("1")} for row in range(4)]
    reports = house.run_all(*rows)
    assert [report.status for report in reports] == ["done", "done", "interrupted", "interrupted"]
    assert house.ends == [0, 1, 2, 3]


def test_events_name_nodes_as_their_own_graph_does(tmp_path: Path) -> None:
    house = House(tmp_path)
    rows = [{"1": node("ToySteps", value=row, steps=2), "9": show("1")} for row in range(2)]
    house.run_all(*rows)
    for kind in (StepStarted, StepDone, Progress, Saved):
        assert {event.node for event in house.told(kind)} <= {"1", "9"}
    assert len(house.told(Progress)) == 4


def many(draw: st.DrawFn) -> list[dict[str, dict[str, Any]]]:
    """Up to four graphs, some of them the same but for one value, with outputs of their own names."""
    found = []
    base = draw(graphs())
    for number in range(draw(st.integers(1, 4))):
        graph = base if draw(st.booleans()) else draw(graphs())
        if draw(st.booleans()):
            changed = draw(st.sampled_from([name for name in graph if not name.startswith("show")]))
            graph = graph | {changed: node("ToyNumber", value=draw(st.integers(0, 3)))}
        found.append({(f"{name} of {number}" if name.startswith("show") else name): graph[name] for name in graph})
    return found


@settings(deadline=None, max_examples=120)
@given(st.composite(many)(), st.sampled_from([0, 3_000, 1 << 30]), st.booleans(), st.data())
def test_graphs_give_together_what_each_gives_alone(graphs, limit, grouped, data):
    fallen = set()
    for number, graph in enumerate(graphs):
        if data.draw(st.booleans()) and data.draw(st.booleans()):
            target = data.draw(st.sampled_from([name for name in graph if name.startswith("show")]))
            graph["bad"] = node("ToyFail", value=graph[target]["inputs"]["value"], message=str(number))
            graph[f"show bad of {number}"] = node("Always", value=["bad", 0])
            fallen.add(number)
    with TemporaryDirectory() as folder:
        house = House(Path(folder), ALWAYS, cache=OutputCache(limit))
        reports = house.run_all(*graphs, grouped=grouped)
    wanted: Counter[tuple[str, Any]] = Counter()
    for number, (graph, report) in enumerate(zip(graphs, reports, strict=True)):
        assert report.status in ({"failed", "done"} if number in fallen else {"done"})
        if report.status == "done":
            wanted += expected({name: info for name, info in graph.items() if "bad" not in name})
        assert len(report.steps) == len({step.node for step in report.steps})
    shown = Counter(toys.SHOWN)
    certain = Counter({key: count for key, count in shown.items() if int(key[0].rsplit(" ", 1)[1]) not in fallen})
    own = Counter({key: count for key, count in wanted.items() if int(key[0].rsplit(" ", 1)[1]) not in fallen})
    assert certain == own
    assert +house.ledger.held == {}


def test_graphs_that_have_run_leave_what_plans_ask_for_and_nothing_else_behind(tmp_path: Path) -> None:
    house = House(tmp_path, cache=(cache := OutputCache()))
    for row in range(3):
        house.run_all(*({"1": node("ToyNumber", value=value), "9": show("1")} for value in (row, row + 10)))
    assert cache.remembered == 2
    last = cache.last("1")
    assert last is not None
    assert last.literals == {"value": 12}
