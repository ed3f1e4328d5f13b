"""Places that are made up: from left to right, nothing upon another, and in linear time."""

import random

import networkx as nx
import pytest

from engine.drawing.layering import places


def graph_of(*edges: tuple[str, str]) -> "nx.DiGraph[str]":
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from(((one, other, {"at": 0.0}) for one, other in edges))
    return graph


def overlap(found: dict[str, tuple[float, float]], sizes: dict[str, tuple[float, float]]) -> bool:
    boxes = sorted((left, left + sizes[name][0], top, top + sizes[name][1]) for name, (left, top) in found.items())
    pairs = ((one, other) for index, one in enumerate(boxes) for other in boxes[index + 1 :] if other[0] < one[1])
    return any(one[2] < other[3] and other[2] < one[3] for one, other in pairs)


def test_what_reads_stands_right_of_what_it_reads() -> None:
    graph = graph_of(("a", "b"), ("b", "c"), ("a", "c"))
    found = places(graph, dict.fromkeys("abc", (100.0, 50.0)))
    assert found["a"][0] + 100 < found["b"][0] < found["b"][0] + 100 < found["c"][0]


def test_a_loader_stands_just_before_its_first_reader() -> None:
    graph = graph_of(("a", "b"), ("b", "c"), ("loader", "c"))
    found = places(graph, dict.fromkeys(graph, (100.0, 50.0)))
    assert found["loader"][0] == found["b"][0]


def test_links_that_need_not_cross_do_not() -> None:
    graph = graph_of(("a", "d"), ("b", "c"), ("c", "e"), ("d", "e"))
    found = places(graph, dict.fromkeys(graph, (100.0, 50.0)))
    assert (found["a"][1] < found["b"][1]) == (found["d"][1] < found["c"][1])


def test_sources_stand_in_the_order_of_the_sockets_they_feed() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from([("low", "end", {"at": 0.5}), ("high", "end", {"at": 0.0})])
    found = places(graph, dict.fromkeys(graph, (100.0, 50.0)))
    assert found["high"][1] < found["low"][1]


@pytest.mark.parametrize("seed", range(5))
def test_nodes_never_cover_one_another(seed: int) -> None:
    chance = random.Random(seed)
    names = [str(index) for index in range(chance.randrange(1, 120))]
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(names)
    for _ in names:
        graph.add_edge(chance.choice(names), chance.choice(names), at=chance.random())
    sizes = {name: (chance.uniform(50, 400), chance.uniform(30, 900)) for name in names}
    found = places(graph, sizes)
    assert set(found) == set(names)
    assert not overlap(found, sizes)


def test_circles_have_places_too() -> None:
    found = places(graph_of(("a", "b"), ("b", "a"), ("c", "c")), dict.fromkeys("abc", (100.0, 50.0)))
    assert len(set(found.values())) == 3


@pytest.mark.parametrize("shape", ["chain", "star", "alone"])
def test_thousands_of_nodes_make_a_picture_and_no_ribbon(shape: str) -> None:
    names = [str(index) for index in range(2_000)]
    edges = {
        "chain": zip(names, names[1:], strict=False),
        "star": ((names[0], name) for name in names[1:]),
        "alone": (),
    }
    graph = graph_of(*edges[shape])
    graph.add_nodes_from(names)
    found = places(graph, dict.fromkeys(names, (300.0, 200.0)))
    width, height = (max(place[axis] for place in found.values()) for axis in (0, 1))
    assert 0.2 < width / height < 5
