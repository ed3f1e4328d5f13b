"""The panel of a graph in API format, which says nothing of places: they are made up."""

from typing import Any

import networkx as nx

from engine.catalogue.catalogue import Find
from engine.drawing.layering import places
from engine.drawing.measuring import arrange
from engine.drawing.rows import literal_rows
from engine.drawing.scene import ROW, SLOT, TALL, TITLE, Box, Panel, Socket, Wire
from schemas.node_schema import NodeSchema
from schemas.prompt import Link, Prompt, PromptNode, link_of

NARROW, MEDIUM, WIDE = 220.0, 315.0, 420.0
"""Widths of nodes: with sockets alone, with widgets, and with texts of several lines."""
LETTER = 7.6
"""Width of a letter of a title."""
TEXT = 110.0
"""Height of a text of several lines."""
MOST_SLOTS = 200


def panel_of(prompt: Prompt, find: Find) -> Panel:
    """The graph as one panel. find: schemas by class, which tell the names and types of outputs."""
    links = {name: _links(node) for name, node in prompt.nodes.items()}
    used: dict[str, int] = {}
    for held in links.values():
        for link in held.values():
            used[link.node] = max(used.get(link.node, 0), link.slot + 1)
    boxes = {
        name: _box(name, node, links[name], used.get(name, 0), find(node.class_type))
        for name, node in prompt.nodes.items()
    }
    wires = [
        _wire(boxes, link, name, index)
        for name, held in links.items()
        for index, link in enumerate(held.values())
        if link.node in boxes and 0 <= link.slot < len(boxes[link.node].outputs)
    ]
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(boxes)
    graph.add_edges_from(
        (wire.origin, wire.target, {"at": wire.target_slot / len(boxes[wire.target].inputs)}) for wire in wires
    )
    found = places(graph, {name: (box.width, box.height + TITLE) for name, box in boxes.items()}) if boxes else {}
    for name, box in boxes.items():
        box.left, box.top = found[name][0], found[name][1] + TITLE
        arrange(box)
    return Panel(boxes, wires)


def _links(node: PromptNode) -> dict[str, Link]:
    held = ((name, link_of(value)) for name, value in node.inputs.items())
    return {name: link for name, link in held if link is not None}


def _box(name: str, node: PromptNode, links: dict[str, Link], used: int, schema: NodeSchema | None) -> Box:
    title = node.title or (schema.display_name if schema else "") or node.class_type
    literals: dict[str, Any] = {key: value for key, value in node.inputs.items() if key not in links}
    box = Box(name, node.class_type, title[:200], rows=literal_rows(literals, schema))
    box.inputs = [Socket(key, "*", linked=False) for key in links]
    known = [(each.name, each.type) for each in schema.outputs] if schema else []
    for slot in range(min(max(used, len(known)), MOST_SLOTS)):
        box.outputs.append(Socket(*(known[slot] if slot < len(known) else ("", "*"))))
    tall = sum(row.tall for row in box.rows)
    box.width = max(WIDE if tall else MEDIUM if box.rows else NARROW, min(len(box.title) * LETTER + 50, WIDE))
    slots = max(len(box.inputs), len(box.outputs))
    box.height = SLOT * slots + 10 + ROW * (len(box.rows) - tall) + max(TEXT, TALL) * tall
    return box


def _wire(boxes: dict[str, Box], link: Link, target: str, slot: int) -> Wire:
    """A link between boxes that are there; its ends learn of it."""
    origin, end = boxes[link.node].outputs[link.slot], boxes[target].inputs[slot]
    origin.linked = end.linked = True
    end.type = origin.type
    return Wire(link.node, link.slot, target, slot, origin.type)
