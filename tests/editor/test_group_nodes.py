"""Group nodes become subgraphs of their own, with the values of their node."""

from typing import Any

import pytest

from engine.catalogue.catalogue import Catalogue
from engine.editor.graph import INPUT_SIDE, OUTPUT_SIDE, EditorFile, EditorGraph, EditorNode
from engine.editor.graph_reading import GraphReader
from engine.editor.group_nodes import expand


def node(
    kind: str, *values: Any, inputs: str = "", outputs: str = "", widgets: str = "", **more: Any
) -> dict[str, Any]:
    """A node as groups keep it. inputs, outputs, widgets: "name:TYPE …"."""
    sockets: list[dict[str, Any]] = [{"name": n, "type": t, "link": None} for n, t in _pairs(inputs)]
    sockets += [{"name": n, "type": t, "link": None, "widget": {"name": n}} for n, t in _pairs(widgets)]
    ends = [{"name": n, "type": t, "links": []} for n, t in _pairs(outputs)]
    return {"type": kind, "inputs": sockets, "outputs": ends, "widgets_values": list(values), "mode": 0, **more}


def _pairs(text: str) -> list[list[str]]:
    return [pair.split(":") for pair in text.split()]


def instance(name: str = "G", *values: Any, inputs: str = "", outputs: str = "", mark: str = ">") -> dict[str, Any]:
    """The node that stands for a group; every input is linked, to node 1."""
    sockets = [{"name": n.replace("_", " "), "type": t, "link": k} for k, (n, t) in enumerate(_pairs(inputs))]
    ends = [{"name": n, "type": t, "links": []} for n, t in _pairs(outputs)]
    return {
        "id": 37,
        "type": f"workflow{mark}{name}",
        "inputs": sockets,
        "outputs": ends,
        "widgets_values": list(values),
    }


def unfolded(stands: dict[str, Any], **groups: dict[str, Any]) -> tuple[EditorFile, EditorNode]:
    links = [[slot["link"], 1, 0, 37, k, slot["type"]] for k, slot in enumerate(stands["inputs"])]
    raw = {"nodes": [node("Source", id=1), stands], "links": links, "extra": {"groupNodes": groups}}
    file = GraphReader("test.json").read(raw)
    expand(file, raw, Catalogue())
    return file, file.root.nodes["37"]


def inside(stands: dict[str, Any], **group: Any) -> EditorGraph:
    file, found = unfolded(stands, G=group)
    return file.definitions[found.type]


def feeds(graph: EditorGraph) -> list[tuple[str, str, int]]:
    """For each input of the face: its name, and the inner node and input that it feeds."""
    links = [link for link in graph.links.values() if link.origin == INPUT_SIDE]
    return [(graph.inputs[link.origin_slot].name, link.target, link.target_slot) for link in links]


def leads(graph: EditorGraph) -> list[tuple[int, str, int]]:
    """For each output of the face that has one: its number, and the inner node and output behind it."""
    links = [link for link in graph.links.values() if link.target == OUTPUT_SIDE]
    return [(link.target_slot, link.origin, link.origin_slot) for link in links]


ENCODE = {"inputs": "clip:CLIP", "outputs": "CONDITIONING:CONDITIONING"}


@pytest.mark.parametrize("mark", [">", "/"])
def test_a_group_node_becomes_an_instance_with_a_remark(mark: str) -> None:
    file, found = unfolded(instance(mark=mark), G={"nodes": [node("A"), node("B")], "links": []})
    assert list(file.definitions[found.type].nodes) == ["0", "1"]
    assert file.remarks == ["the group node 37 'G' is unfolded into its 2 nodes"]


def test_a_group_that_the_file_does_not_have_stays_an_unknown_class() -> None:
    file, found = unfolded(instance("H"), G={"nodes": []})
    assert found.type == "workflow>H"
    assert file.definitions == {}


def test_links_inside_feed_inner_inputs() -> None:
    nodes = [node("Load", outputs="MODEL:MODEL CLIP:CLIP"), node("Encode", **ENCODE)]
    graph = inside(instance(), nodes=nodes, links=[[0, 1, 1, 0, 99, "CLIP"], [None, 0, 0, 0, 4, "X"]])
    link = graph.links[graph.nodes["1"].inputs[0].link or ""]
    assert (link.origin, link.origin_slot) == ("0", 1)


def test_names_that_are_taken_get_the_title_and_then_a_number() -> None:
    nodes = [node("Encode", **ENCODE, title=title) for title in (None, None, "negative", None)]
    nodes[0].pop("title")
    stands = instance(inputs="clip:CLIP Encode_clip:CLIP negative_clip:CLIP Encode_2_clip:CLIP")
    found = feeds(inside(stands, nodes=nodes, links=[]))
    assert [name for name, _, _ in found] == ["clip", "Encode clip", "negative clip", "Encode 2 clip"]
    assert [target for _, target, _ in found] == ["0", "1", "2", "3"]


def test_widgets_that_are_sockets_come_after_all_plain_inputs() -> None:
    nodes = [node("A", widgets="seed:INT"), node("B", inputs="seed:INT")]
    assert feeds(inside(instance(inputs="seed:INT A_seed:INT"), nodes=nodes, links=[])) == [
        ("seed", "1", 0),
        ("A seed", "0", 0),
    ]


def test_settings_rename_and_hide_inputs() -> None:
    nodes = [node("A", inputs="model:MODEL clip:CLIP"), node("B", inputs="clip:CLIP")]
    config = {"0": {"input": {"model": {"name": "base"}, "clip": {"visible": False}}}}
    found = feeds(inside(instance(inputs="base:MODEL B_clip:CLIP"), nodes=nodes, links=[], config=config))
    assert found == [("base", "0", 0), ("B clip", "1", 0)]


def test_a_reroute_at_the_edge_is_named_by_what_it_carries() -> None:
    nodes = [node("Reroute", inputs=":*", outputs=":*"), node("A", inputs="model:MODEL")]
    for slot in (*nodes[0]["inputs"], *nodes[0]["outputs"]):
        slot["name"] = ""
    links = [[0, 0, 1, 0, 9, "MODEL"]]
    assert feeds(inside(instance(inputs="MODEL:MODEL"), nodes=nodes, links=links)) == [("MODEL", "0", 0)]
    config = {"0": {"input": {"MODEL": {"name": "base"}}}}
    assert feeds(inside(instance(inputs="base:MODEL"), nodes=nodes, links=links, config=config)) == [("base", "0", 0)]


def test_a_reroute_that_only_passes_through_is_named_by_the_link_from_outside() -> None:
    stands = instance(inputs="VAE:VAE", outputs="VAE:VAE")
    nodes = [node("Reroute", inputs="x:*", outputs="x:*")]
    graph = inside(stands, nodes=nodes, links=[[None, 2, 0, 0, 4, "VAE"]])
    assert (feeds(graph), leads(graph)) == ([("VAE", "0", 0)], [(0, "0", 0)])


def test_an_input_of_another_name_is_found_by_its_ending_and_then_by_its_type() -> None:
    nodes = [node("A", inputs="clip:CLIP model:MODEL")]
    found = feeds(inside(instance(inputs="My_title_clip:CLIP anything:MODEL"), nodes=nodes, links=[]))
    assert found == [("My title clip", "0", 0), ("anything", "0", 1)]


def test_an_input_that_is_not_found_is_told() -> None:
    file, found = unfolded(instance(inputs="mask:MASK"), G={"nodes": [node("A", inputs="clip:CLIP")], "links": []})
    assert file.remarks[1:] == ["the group node 37 'G': its input 'mask' is not found inside, so its link is dropped"]
    assert file.definitions[found.type].inputs == []


def test_outputs_are_those_that_lead_nowhere_inside_or_outside_too() -> None:
    nodes = [node("Load", outputs="MODEL:MODEL CLIP:CLIP VAE:VAE"), node("Use", inputs="m:MODEL c:CLIP")]
    links = [[0, 0, 1, 0, 9, "MODEL"], [0, 1, 1, 1, 9, "CLIP"]]
    stands = instance(outputs="CLIP:CLIP VAE:VAE")
    assert leads(inside(stands, nodes=nodes, links=links, external=[[0, 1, "CLIP"]])) == [(0, "0", 1), (1, "0", 2)]
    as_node = [[{**nodes[0], "index": 0}, 1, "CLIP"]]
    assert leads(inside(stands, nodes=nodes, links=links, external=as_node)) == [(0, "0", 1), (1, "0", 2)]


def test_settings_hide_and_show_outputs() -> None:
    nodes = [node("Load", outputs="MODEL:MODEL CLIP:CLIP"), node("Use", inputs="m:MODEL")]
    config = {"0": {"output": {"0": {"visible": True}, "1": {"visible": False}}}}
    stands = instance(outputs="MODEL:MODEL")
    assert leads(inside(stands, nodes=nodes, links=[[0, 0, 1, 0, 9, "MODEL"]], config=config)) == [(0, "0", 0)]


def test_values_are_shared_out_by_how_many_each_inner_node_has() -> None:
    nodes = [node("KSamplerSelect", "euler"), node("RandomNoise", 1, "fixed"), node("Reroute"), node("Guide", 3, 1.5)]
    graph = inside(instance("G", "heun", 7, "randomize", 5, 2), nodes=nodes, links=[])
    assert [entry.values for entry in graph.nodes.values()] == [["heun"], [7, "randomize"], [], [5, 2]]


def test_a_primitive_inside_takes_the_value_of_the_widget_it_feeds() -> None:
    nodes = [
        node("PrimitiveNode", 1, "fixed", outputs="INT:INT"),
        node("RandomNoise", 2, "fixed", widgets="noise_seed:INT"),
        node("KSamplerSelect", "euler"),
    ]
    graph = inside(instance("G", 7, "randomize", "heun"), nodes=nodes, links=[[0, 0, 1, 0, 9, "INT"]])
    assert [entry.values for entry in graph.nodes.values()] == [[7, "randomize"], [2, "fixed"], ["heun"]]


def test_widgets_made_sockets_by_old_editors_have_no_value_in_the_list() -> None:
    nodes = [node("KSamplerSelect", "euler", widgets="sampler_name:COMBO"), node("SplitSigmas", 3)]
    graph = inside(instance("G", 9), nodes=nodes, links=[])
    assert [entry.values for entry in graph.nodes.values()] == [["euler"], [9]]


def test_values_that_do_not_fit_are_told() -> None:
    file, found = unfolded(instance("G", 1, 2, 3), G={"nodes": [node("SplitSigmas", 9)], "links": []})
    assert file.definitions[found.type].nodes["0"].values == [1]
    assert "3 values where its inner nodes have 1" in file.remarks[1]


def test_two_nodes_of_one_group_keep_their_own_values() -> None:
    raw = {
        "nodes": [instance("G", 1), {**instance("G", 2), "id": 38}],
        "links": [],
        "extra": {"groupNodes": {"G": {"nodes": [node("SplitSigmas", 9)], "links": []}}},
    }
    file = GraphReader("test.json").read(raw)
    expand(file, raw, Catalogue())
    graphs = [file.definitions[file.root.nodes[name].type] for name in ("37", "38")]
    assert [graph.nodes["0"].values for graph in graphs] == [[1], [2]]


def test_groups_in_groups_are_unfolded_and_a_group_in_itself_is_not() -> None:
    groups = {
        "G": {"nodes": [node("workflow>H"), node("workflow>G")], "links": []},
        "H": {"nodes": [node("A")], "links": []},
    }
    file, found = unfolded(instance(), **groups)
    inner = file.definitions[found.type].nodes
    assert list(file.definitions[inner["0"].type].nodes) == ["0"]
    assert inner["1"].type == "workflow>G"
    assert file.remarks[-1] == "the group node 37:1 'G' is left: it contains itself"


def test_groups_that_multiply_are_left_at_some_point() -> None:
    groups = {f"L{k}": {"nodes": [node(f"workflow>L{k + 1}")] * 10, "links": []} for k in range(9)}
    file, _ = unfolded(instance("L0"), **groups)
    assert "unfolding makes more than" in file.remarks[-1]


def test_a_damaged_group_is_left_with_a_remark() -> None:
    file, found = unfolded(instance(), G={"nodes": [7], "links": None})
    assert found.type == "workflow>G"
    assert "no node as editors write it" in file.remarks[0]


def test_group_nodes_in_subgraphs_are_left_with_a_remark() -> None:
    raw = {
        "nodes": [],
        "links": [],
        "definitions": {"subgraphs": [{"id": "s", "name": "S", "nodes": [instance()], "links": []}]},
        "extra": {"groupNodes": {"G": {"nodes": [node("A")], "links": []}}},
    }
    file = GraphReader("test.json").read(raw)
    expand(file, raw, Catalogue())
    assert file.definitions["s"].nodes["37"].type == "workflow>G"
    assert "group nodes work only outside" in file.remarks[0]
