"""What the editor holds true of its files, written from its rules and without the code under test."""

from collections import Counter
from typing import Any

from tests.convert.drawn_graphs import CONTROL, WIDGETS

KEYS = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


def links_of(graph: dict[str, Any]) -> list[dict[str, Any]]:
    return [link if isinstance(link, dict) else dict(zip(KEYS, link, strict=True)) for link in graph["links"]]


def faults(graph: dict[str, Any]) -> list[str]:
    """Every way in which a graph's links table, slots and ids contradict one another."""
    nodes = {node["id"]: node for node in graph["nodes"]}
    found = [f"node {name} twice" for name, count in Counter(n["id"] for n in graph["nodes"]).items() if count > 1]
    table = {link["id"]: link for link in links_of(graph)}
    outgoing = Counter(
        (link, node["id"], slot)
        for node in graph["nodes"]
        for slot, output in enumerate(node.get("outputs") or [])
        for link in output.get("links") or []
    )
    incoming = Counter(
        (slot["link"], node["id"])
        for node in graph["nodes"]
        for slot in node.get("inputs") or []
        if slot.get("link") is not None
    )
    for name, link in table.items():
        if link["origin_id"] != -10 and outgoing[name, link["origin_id"], link["origin_slot"]] != 1:
            found.append(f"link {name} is not among the links of its origin")
        if link["target_id"] != -20 and incoming[name, link["target_id"]] != 1:
            found.append(f"link {name} is not the link of one input of its target")
        for end in ("origin_id", "target_id"):
            if link[end] not in nodes and link[end] not in (-10, -20):
                found.append(f"link {name} has no node at its {end}")
    found += [f"output says {key}, the table does not" for key in outgoing if _origin(table, key[0]) != key[1:]]
    found += [f"input says {key}, the table does not" for key in incoming if key[0] not in table]
    last = graph.get("last_node_id", graph.get("state", {}).get("lastNodeId"))
    if last is not None and any(isinstance(name, int) and name > last for name in nodes):
        found.append("the counter of node ids is behind")
    return found + [f"{a} and {b} cover each other" for a, b in overlaps(graph)]


def _origin(table: dict[Any, dict[str, Any]], link: Any) -> tuple[Any, Any] | None:
    return (table[link]["origin_id"], table[link]["origin_slot"]) if link in table else None


def overlaps(graph: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Pairs of nodes that share room on the canvas."""

    def box(node: dict[str, Any]) -> tuple[float, float, float, float]:
        size = node["size"] if isinstance(node["size"], list) else [node["size"]["0"], node["size"]["1"]]
        left, top = node["pos"][0], node["pos"][1]
        return left, top - 30, left + size[0], top + size[1]

    boxes = [(node["id"], *box(node)) for node in graph["nodes"]]
    return [
        (a[0], b[0])
        for at, a in enumerate(boxes)
        for b in boxes[at + 1 :]
        if a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4]
    ]


def as_api(graph: dict[str, Any]) -> dict[str, Any]:
    """What a plain graph of the editor means to the server: class and inputs, without titles."""
    table = {link["id"]: link for link in links_of(graph)}
    found = {}
    for node in graph["nodes"]:
        names = WIDGETS.get(node["type"], ("x",))
        values = node["widgets_values"]
        inputs: dict[str, Any] = dict(values) if isinstance(values, dict) else dict(zip(names, values, strict=True))
        inputs.pop(CONTROL, None)
        for slot in node["inputs"]:
            if slot["link"] is not None:
                link = table[slot["link"]]
                inputs[slot["name"]] = [str(link["origin_id"]), link["origin_slot"]]
        found[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return found
