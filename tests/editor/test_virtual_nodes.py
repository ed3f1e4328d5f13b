"""Virtual nodes lead to where their values come from."""

import pytest

from engine.editor.graph import EditorGraph, EditorNode, Slot
from engine.editor.virtual_nodes import VirtualNodes, is_virtual, primitive_value, replaces_tokens
from schemas.node import MISSING


def node(ident: str, kind: str, *values: object, inputs: int = 1) -> EditorNode:
    return EditorNode(ident, kind, inputs=[Slot(f"in{k}", "*") for k in range(inputs)], values=list(values))


def graph(*nodes: EditorNode) -> EditorGraph:
    return EditorGraph({entry.id: entry for entry in nodes}, {})


@pytest.mark.parametrize(
    "kind", ["Note", "Reroute", "GetNode", "easy setNode", "Label (rgthree)", "Prompts Everywhere"]
)
def test_nodes_that_live_in_the_editor_are_virtual(kind: str) -> None:
    assert is_virtual(kind)


@pytest.mark.parametrize(
    "kind", ["PrimitiveInt", "Seed (rgthree)", "Any Switch (rgthree)", "Context (rgthree)", "KSampler"]
)
def test_nodes_that_the_server_runs_are_not_virtual(kind: str) -> None:
    assert not is_virtual(kind)


def test_a_reroute_leads_to_its_own_input() -> None:
    reroute = node("7", "Reroute")
    assert VirtualNodes().upstream([graph(reroute)], reroute, 0) == (0, "7", 0)


def test_a_virtual_node_without_inputs_leads_nowhere() -> None:
    primitive = node("7", "PrimitiveNode", 3, inputs=0)
    assert VirtualNodes().upstream([graph(primitive)], primitive, 0) is None


def test_a_getter_leads_to_the_first_setter_of_its_name() -> None:
    getter = node("1", "GetNode", "model", inputs=0)
    scope = graph(getter, node("2", "SetNode", "vae"), node("3", "SetNode", "model"), node("4", "SetNode", "model"))
    assert VirtualNodes().upstream([scope], getter, 0) == (0, "3", 0)


def test_the_nearest_scope_wins_and_outer_scopes_are_seen() -> None:
    getter, other = node("1", "GetNode", "model", inputs=0), node("2", "GetNode", "vae", inputs=0)
    inner = graph(getter, other, node("3", "SetNode", "model"))
    outer = graph(node("3", "SetNode", "vae"), node("4", "SetNode", "model"))
    virtual = VirtualNodes()
    assert virtual.upstream([inner, graph(), outer], getter, 0) == (0, "3", 0)
    assert virtual.upstream([inner, graph(), outer], other, 0) == (2, "3", 0)
    assert virtual.upstream([outer], getter, 0) == (0, "4", 0)


def test_setters_of_another_pack_are_not_meant() -> None:
    getter = node("1", "GetNode", "model", inputs=0)
    assert VirtualNodes().upstream([graph(getter, node("2", "easy setNode", "model"))], getter, 0) is None


@pytest.mark.parametrize("values", [[], [None], [""], [["model"]]])
def test_a_getter_without_a_name_leads_nowhere(values: list[object]) -> None:
    getter = node("1", "GetNode", *values, inputs=0)
    assert VirtualNodes().upstream([graph(getter, node("2", "SetNode", ""))], getter, 0) is None


def test_a_primitive_tells_its_value_and_whether_tokens_in_it_are_replaced() -> None:
    primitive = node("1", "PrimitiveNode", 5, "randomize")
    primitive.properties["Run widget replace on values"] = True
    assert primitive_value(primitive) == 5
    assert replaces_tokens(primitive)
    assert primitive_value(node("2", "PrimitiveNode")) is MISSING
    assert primitive_value(node("3", "KSampler", 5)) is MISSING
