"""Small editor's graphs for tests, written down in a line each."""

from typing import Any


def node(name: Any, kind: str, *inputs: tuple[Any, ...], outputs: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """A node. inputs: (name, type, link) or (name, type, link, True) for a widget's socket. outputs: their types."""
    slots = []
    for slot, socket, link, *widget in inputs:
        slots.append({"name": slot, "type": socket, "link": link} | ({"widget": {"name": slot}} if widget else {}))
    made = {"id": name, "type": kind, "inputs": slots, "outputs": [{"name": each, "type": each} for each in outputs]}
    return made | more


def graph(*nodes: dict[str, Any], links: Any = (), subgraphs: Any = ()) -> dict[str, Any]:
    """A file. links: [id, origin, slot, target, slot, type]."""
    return {"version": 0.4, "nodes": list(nodes), "links": list(links), "definitions": {"subgraphs": list(subgraphs)}}


def subgraph(name: str, *nodes: dict[str, Any], links: Any = (), inputs: Any = (), outputs: Any = ()) -> dict[str, Any]:
    """A definition. inputs, outputs: (name, type, ids of inner links)."""
    faces = [[{"name": face, "type": kind, "linkIds": ids} for face, kind, ids in each] for each in (inputs, outputs)]
    made = {"id": name, "name": f"the {name}", "nodes": list(nodes), "inputs": faces[0], "outputs": faces[1]}
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return made | {"links": [dict(zip(keys, link, strict=True)) for link in links]}
