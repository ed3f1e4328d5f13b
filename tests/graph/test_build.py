"""Building and pruning the graph."""

from engine.graph.build import Wire, build
from engine.graph.prune import needed, outputs_of
from tests import toys
from tests.graph.fakes import TOYS, node, prompt


def test_nodes_keep_the_order_of_the_file_and_carry_their_class():
    graph = build(prompt({"b": node("ToyNumber", value=1), "a": node("Unheard")}), TOYS)
    assert list(graph) == ["b", "a"]
    assert graph.nodes["b"]["spec"].class_type == "ToyNumber"
    assert graph.nodes["a"]["spec"] is None


def test_parallel_wires_share_an_edge():
    graph = build(prompt({"t": node("ToyNumber", value=1), "a": node("ToyAdd", a=["t", 0], b=["t", 0])}), TOYS)
    assert graph.edges["t", "a"]["wires"] == [Wire(0, "a", False), Wire(0, "b", False)]


def test_links_nothing_reads_make_no_edge():
    nodes = {
        "t": node("ToyNumber", value=1),
        "a": node("ToyShow", value=1, stray=["t", 0]),
        "b": node("ToyShow", value=["x", 0]),
    }
    assert build(prompt(nodes), TOYS).number_of_edges() == 0


def test_outputs_need_their_ancestors_and_lazy_ones_only_perhaps():
    nodes = {
        "yes": node("ToyNumber", value=1),
        "no": node("ToyNumber", value=2),
        "flag": node("ToyNumber", value=1),
        "switch": node("ToySwitch", switch=True, on_true=["yes", 0], on_false=["no", 0]),
        "sum": node("ToyAdd", a=["flag", 0], b=["no", 0]),
        "show": node("ToyShow", value=["switch", 0]),
        "also": node("ToyShow", value=["sum", 0]),
    }
    graph = build(prompt(nodes), TOYS)
    assert outputs_of(graph) == ["show", "also"]
    found = needed(graph, ["show"])
    assert found.strong == {"switch", "show"}
    assert found.lazy == {"yes", "no"}
    both = needed(graph, ["show", "also"])
    assert both.lazy == {"yes"}
    assert "no" in both.strong


def test_chain_of_five_thousand_is_pruned_without_recursion():
    graph = build(prompt(toys.chain(5_000)), TOYS)
    assert len(needed(graph, ["keep"]).strong) == 5_002
