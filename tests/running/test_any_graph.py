"""Random graphs of toys against the plainest possible evaluation: same values, whatever the cache remembers."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.running.cache import OutputCache
from tests import toys
from tests.running.house import House, node

BLOCKED = object()
KINDS = ("ToyNumber", "ToyAdd", "ToyRange", "ToySum", "ToyExpand", "ToySwitch", "ToyBlock")


class Drawn:
    """A graph as it is drawn. lists: names of the nodes that give several items."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.nodes: dict[str, dict[str, Any]] = {}
        self.lists: set[str] = set()

    def link(self, single: bool = False) -> Any:
        """A link to an earlier node, or a small number."""
        sources = [name for name in self.nodes if not (single and name in self.lists)]
        number = st.integers(0, 3)
        return self.draw(st.one_of(number, st.sampled_from(sources).map(lambda name: [name, 0])) if sources else number)

    def add(self, name: str) -> None:
        """One more node."""
        kind = self.draw(st.sampled_from(KINDS))
        match kind:
            case "ToyAdd":
                inputs = {"a": self.link(), "b": self.link()}
            case "ToyRange":
                inputs = {"count": self.draw(st.integers(1, 3))}
            case "ToySum":
                inputs = {"items": self.link(), "start": self.link(single=True)}
            case "ToyExpand":
                inputs = {"value": self.link(single=True), "count": self.draw(st.integers(0, 3))}
            case "ToySwitch":
                inputs = {field: self.link(single=True) for field in ("switch", "on_true", "on_false")}
            case "ToyBlock":
                inputs = {"value": self.link(), "block": self.draw(st.booleans())}
            case _:
                kind, inputs = "ToyNumber", {"value": self.draw(st.integers(0, 3))}
        several = any(isinstance(value, list) and value[0] in self.lists for value in inputs.values())
        if kind == "ToyRange" or (several and kind != "ToySum"):
            self.lists.add(name)
        self.nodes[name] = node(kind, **inputs)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Up to twelve nodes, and outputs that show some of them."""
    drawn = Drawn(draw)
    count = draw(st.integers(1, 12))
    for index in range(count):
        drawn.add(str(index))
    shown = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=3, unique=True))
    return drawn.nodes | {f"show {index}": node("Always", value=[str(index), 0]) for index in shown}


def evaluated(graph: dict[str, dict[str, Any]], name: str) -> list[Any]:
    """The items that a node gives."""
    inputs = {
        field: evaluated(graph, value[0]) if isinstance(value, list) else [value]
        for field, value in graph[name]["inputs"].items()
    }
    if graph[name]["class_type"] == "ToyRange":
        return list(range(inputs["count"][0]))
    if graph[name]["class_type"] == "ToySum":
        items = [*inputs["items"], *inputs["start"]]
        return [BLOCKED if BLOCKED in items else sum(items)]
    calls = max(map(len, inputs.values()))
    return [
        one(graph[name]["class_type"], {field: items[min(call, len(items) - 1)] for field, items in inputs.items()})
        for call in range(calls)
    ]


def one(kind: str, values: dict[str, Any]) -> Any:
    """What one call of a node gives."""
    if kind == "ToySwitch":
        return BLOCKED if values["switch"] is BLOCKED else values["on_true" if values["switch"] else "on_false"]
    if BLOCKED in values.values():
        return BLOCKED
    match kind:
        case "ToyAdd":
            return values["a"] + values["b"]
        case "ToyExpand":
            return values["value"] + values["count"]
        case "ToyBlock":
            return BLOCKED if values["block"] else values["value"]
    return values["value"]


def expected(graph: dict[str, dict[str, Any]]) -> Counter[tuple[str, Any]]:
    """What the outputs are shown."""
    names = [name for name in graph if name.startswith("show")]
    return Counter((name, item) for name in names for item in evaluated(graph, name) if item is not BLOCKED)


ALWAYS = replace(toys.ToyShow.spec(), class_type="Always", cached=False)
"""Shows what it reads in every run."""


@settings(deadline=None, max_examples=60)
@given(graphs(), st.sampled_from([0, 3_000, 1 << 30]))
def test_any_graph_gives_what_its_plainest_evaluation_gives(graph, limit):
    with TemporaryDirectory() as folder:
        house = House(Path(folder), ALWAYS, cache=OutputCache(limit))
        report = house.run(graph)
    assert report.error is None
    assert Counter(toys.SHOWN) == expected(graph)
    assert +house.ledger.held == {}
    assert len(report.steps) == len({step.node for step in report.steps})


@settings(deadline=None, max_examples=60)
@given(graphs(), st.data(), st.sampled_from([3_000, 1 << 30]))
def test_a_changed_graph_gives_the_same_with_a_used_cache(graph, data, limit):
    changed = data.draw(st.sampled_from([name for name in graph if not name.startswith("show")]))
    other = graph | {changed: node("ToyNumber", value=17)}
    with TemporaryDirectory() as folder:
        house = House(Path(folder), ALWAYS, cache=OutputCache(limit))
        for case in (graph, other, graph):
            house.run(case)
            assert Counter(toys.SHOWN) == expected(case)
            assert +house.ledger.held == {}
