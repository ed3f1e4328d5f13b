"""build: a Prompt becomes a directed graph, from producers to consumers. Linear, without recursion."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import networkx as nx

from engine.plugins.registry import Registry
from schemas.node import NodeSpec
from schemas.prompt import Link, Prompt, PromptNode, link_of

if TYPE_CHECKING:
    Graph = nx.DiGraph[str]
else:
    Graph = nx.DiGraph


class Wire(NamedTuple):
    """One connection along an edge: output `slot` of the producer feeds the consumer's input `name`."""

    slot: int
    name: str
    lazy: bool


def build(prompt: Prompt, registry: Registry) -> Graph:
    """The graph of a prompt, nodes in the prompt's order.

    Node attributes: `node` (PromptNode) and `spec` (NodeSpec, None for an unknown class). Edge attribute: `wires`, a
    list of Wire. Links to nodes that do not exist make no edge; nor do inputs that the class does not have, since
    nothing would read them. Of an unknown class every link counts.
    """
    graph: Graph = nx.DiGraph()
    for name, node in prompt.nodes.items():
        graph.add_node(name, node=node, spec=registry.find(node.class_type))
    adjacency = graph.adj
    for consumer, node in prompt.nodes.items():
        for wire, producer in _wires(node, graph.nodes[consumer]["spec"]):
            if producer not in prompt.nodes:
                continue
            if consumer in adjacency[producer]:
                adjacency[producer][consumer]["wires"].append(wire)
            else:
                graph.add_edge(producer, consumer, wires=[wire])
    return graph


def _wires(node: PromptNode, spec: NodeSpec | None) -> Iterator[tuple[Wire, str]]:
    """(wire, producer's id) of each linked input."""
    inputs = spec.inputs_given(node.inputs) if spec else {}
    for name, value in node.inputs.items():
        link = link_of(value) if isinstance(value, list) else None
        if link is None:
            continue
        known = inputs.get(name)
        if known is not None or spec is None:
            yield Wire(link.slot, name, known is not None and known.lazy), link.node


def links_of(node: PromptNode, spec: NodeSpec) -> dict[str, Link]:
    """The linked inputs that the class knows, by input name."""
    inputs = spec.inputs_given(node.inputs)
    found = {name: link_of(node.inputs[name]) for name in inputs if isinstance(node.inputs.get(name), list)}
    return {name: link for name, link in found.items() if link is not None}
