"""Files of the editor as records: what lacks is filled in, what is damaged is told at once."""

import pytest

from engine.editor.graph_reading import GraphReader
from engine.errors import GraphInvalid
from tests.editor.drawn import graph, node, subgraph


def read(raw):
    return GraphReader("file.json").read(raw)


def test_links_are_arrays_or_objects_anywhere():
    link = {"id": 7, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 1, "type": "MODEL"}
    for written in ([7, 1, 0, 2, 1, "MODEL"], link):
        found = read(graph(links=[written])).root.links["7"]
        assert (found.origin, found.origin_slot, found.target, found.target_slot, found.type) == (
            "1",
            0,
            "2",
            1,
            "MODEL",
        )


def test_ids_are_the_same_as_numbers_and_as_texts():
    file = read(graph(node("3", "A"), node(4.0, "B")))
    assert list(file.root.nodes) == ["3", "4"]


def test_a_node_may_lack_everything_but_id_and_type():
    found = read({"nodes": [{"id": 1, "type": "KSampler"}]}).root.nodes["1"]
    assert (found.mode, found.inputs, found.outputs, found.values) == (0, [], [], None)


def test_of_two_nodes_with_one_id_the_second_gets_a_free_one_and_that_is_told():
    file = read(graph(node(1, "A"), node(1, "B"), node(5, "C")))
    assert {name: each.type for name, each in file.root.nodes.items()} == {"1": "A", "5": "C", "6": "B"}
    assert "'1'" in file.remarks[0]
    assert "is 6" in file.remarks[0]


def test_definitions_in_definitions_are_found():
    inner, outer = subgraph("inner"), subgraph("outer")
    outer["definitions"] = {"subgraphs": [inner]}
    assert set(read(graph(subgraphs=[outer])).definitions) == {"outer", "inner"}


def test_the_first_of_two_definitions_with_one_id_counts_and_that_is_told():
    file = read(graph(subgraphs=[subgraph("a", node(1, "First")), subgraph("a", node(1, "Second"))]))
    assert file.definitions["a"].nodes["1"].type == "First"
    assert "defined twice" in file.remarks[0]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"nodes": [5]}, "no node"),
        ({"nodes": [{"id": 1}]}, "an id and a type"),
        ({"nodes": [{"type": "A"}]}, "an id and a type"),
        ({"nodes": {"1": {}}}, "no list of nodes"),
        ({"nodes": [], "links": ["x"]}, "no link"),
        ({"nodes": [], "links": 5}, "no table of links"),
        ({"nodes": [{"id": 1, "type": "A", "inputs": "x"}]}, "no list of inputs"),
        ({"nodes": [], "definitions": {"subgraphs": [{"nodes": []}]}}, "no id"),
    ],
)
def test_damage_is_told(raw, said):
    with pytest.raises(GraphInvalid) as refused:
        read(raw)
    assert [problem.code for problem in refused.value.problems] == ["malformed-node"]
    assert said in refused.value.problems[0].said


def test_all_damage_is_told_at_once():
    with pytest.raises(GraphInvalid) as refused:
        read({"nodes": [1, 2, {"id": 3}], "links": ["x"]})
    assert len(refused.value.problems) == 4
