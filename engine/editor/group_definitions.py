"""What the definition of a group node holds, as records: nodes by their numbers, links among them, and its settings."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.editor.graph import EditorGraph, EditorNode
from engine.editor.graph_reading import GraphReader


@dataclass
class Group:
    """One group as a graph of its own, fresh for each node that stands for it.

    outer_types: type of a link from outside by the node it leads to. external: types of outputs also used outside, by
    (node, output). config: settings by node number as the file has them.
    """

    graph: EditorGraph
    outer_types: dict[str, str]
    external: dict[tuple[str, int], str]
    config: dict[str, Any]

    @property
    def nodes(self) -> dict[str, EditorNode]:
        """The inner nodes by number."""
        return self.graph.nodes

    @cached_property
    def fed_from(self) -> dict[tuple[str, int], list[tuple[str, int]]]:
        """Inner inputs that each inner output leads to, as (node, number)."""
        found: dict[tuple[str, int], list[tuple[str, int]]] = {}
        for link in self.graph.links.values():
            found.setdefault((link.origin, link.origin_slot), []).append((link.target, link.target_slot))
        return found

    def setting(self, node: EditorNode, side: str, name: str) -> dict[str, Any]:
        """The settings of one input, by name, or output, by number. side: "input" or "output"."""
        held: Any = self.config
        for key in (node.id, side, name):
            held = held.get(key) if isinstance(held, dict) else None
        return held if isinstance(held, dict) else {}

    def type_of(self, reroute: EditorNode) -> str:
        """What a reroute carries: as the inputs it leads to say, else what comes in, else what the file notes."""
        for target, slot in self.fed_from.get((reroute.id, 0), []):
            inputs = self.nodes[target].inputs
            if slot < len(inputs) and inputs[slot].type != "*":
                return inputs[slot].type
        link = self.graph.links.get(reroute.inputs[0].link or "") if reroute.inputs else None
        outputs = self.nodes[link.origin].outputs if link is not None else []
        if link is not None and 0 <= link.origin_slot < len(outputs):
            return outputs[link.origin_slot].type
        return self.outer_types.get(reroute.id) or self.external.get((reroute.id, 0), "*")


def read_group(name: str, raw: dict[str, Any]) -> Group:
    """The records of a group. Raises GraphInvalid (malformed-node)."""
    held, links = raw.get("nodes"), raw.get("links")
    nodes = [_numbered(node, number) for number, node in enumerate(held)] if isinstance(held, list) else held
    inside: list[Any] = []
    outer_types: dict[str, str] = {}
    for link in links if isinstance(links, list) else []:
        if isinstance(link, list) and len(link) >= 4:
            kind = link[5] if len(link) > 5 and isinstance(link[5], str) else "*"
            if link[0] is None:
                outer_types.setdefault(str(link[2]), kind)
            else:
                inside.append([len(inside) + 1, *link[:4], kind])
    graph = GraphReader(name).read({"nodes": nodes, "links": inside}, ("extra", "groupNodes", name)).root
    graph.name = name
    _wire(graph)
    config = raw.get("config")
    return Group(graph, outer_types, _external(raw.get("external")), config if isinstance(config, dict) else {})


def _numbered(node: Any, number: int) -> Any:
    """A node with its number as id, and without links: those it has are of the graph it was made in."""
    if not isinstance(node, dict):
        return node
    inputs = node.get("inputs")
    if isinstance(inputs, list):
        inputs = [{**slot, "link": None} if isinstance(slot, dict) else slot for slot in inputs]
    return {**node, "id": number, "inputs": inputs}


def _wire(graph: EditorGraph) -> None:
    """Tell inputs of their links; links that lead nowhere are dropped."""
    for link in list(graph.links.values()):
        target = graph.nodes.get(link.target)
        if target is None or link.origin not in graph.nodes or not 0 <= link.target_slot < len(target.inputs):
            del graph.links[link.id]
        else:
            target.inputs[link.target_slot].link = link.id


def _external(held: Any) -> dict[tuple[str, int], str]:
    """[[node, output, type], …]; nodes as numbers, or as whole nodes with their index."""
    found = {}
    for entry in held if isinstance(held, list) else []:
        if isinstance(entry, list) and len(entry) >= 2 and isinstance(entry[1], int):
            number = entry[0].get("index") if isinstance(entry[0], dict) else entry[0]
            found[(str(number), entry[1])] = str(entry[2]) if len(entry) > 2 else "*"
    return found
