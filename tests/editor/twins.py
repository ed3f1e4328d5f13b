"""Random prompts, and the same drawn as an editor would have it: with reroutes, bypasses, named values and subgraphs.

A prompt is made first; then links are led through nodes that do not run, and sets of nodes are put into subgraphs,
again and again, some of their values standing on the subgraph's node. Translated, the drawing must give it back.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from schemas.node_schema import InputSchema, NodeSchema, Output

TYPES = ("MODEL", "LATENT", "IMAGE")


def _schemas() -> dict[str, NodeSchema]:
    number = InputSchema("seed", "INT", default=0, control=True)
    text = InputSchema("text", "STRING", default="")
    made = [NodeSchema(f"Make{kind}", (text, number), (Output(kind, kind),)) for kind in TYPES]
    made += [
        NodeSchema(f"Pass{kind}", (InputSchema(kind.lower(), kind), text), (Output(kind, kind),)) for kind in TYPES
    ]
    wires = tuple(InputSchema(name, kind) for name, kind in (("model", "MODEL"), ("latent", "LATENT")))
    made.append(NodeSchema("Mix", (*wires, text, number), (Output("LATENT", "LATENT"), Output("IMAGE", "IMAGE"))))
    made.append(NodeSchema("Show", (InputSchema("images", "IMAGE"), text), output_node=True))
    return {schema.class_type: schema for schema in made}


SCHEMAS = _schemas()


class Classes:
    """A catalogue of these few classes."""

    def find(self, class_type: str) -> NodeSchema | None:
        """The schema, or None."""
        return SCHEMAS.get(class_type)


Prompt = dict[str, dict[str, Any]]


def prompt(chance: random.Random, count: int) -> Prompt:
    """A random prompt of `count` nodes and one that shows each picture."""
    made: Prompt = {}
    offers: dict[str, list[tuple[str, int]]] = {kind: [] for kind in TYPES}
    for number in range(1, count + 1):
        fitting = [
            schema
            for schema in SCHEMAS.values()
            if all(entry.is_widget or offers[entry.type] for entry in schema.inputs)
        ]
        schema = chance.choice(fitting)
        inputs: dict[str, Any] = {}
        for entry in schema.inputs:
            if entry.is_widget:
                inputs[entry.name] = chance.randrange(10**6) if entry.type == "INT" else f"text {chance.random()}"
            else:
                inputs[entry.name] = list(chance.choice(offers[entry.type]))
        made[str(number)] = {"class_type": schema.class_type, "inputs": inputs}
        for slot, output in enumerate(schema.outputs):
            offers[output.type].append((str(number), slot))
    return made


@dataclass
class Drawing:
    """A graph in the editor's format while it is drawn. definitions: shared by all graphs of a file."""

    chance: random.Random
    ids: "Ids"
    nodes: dict[int, dict[str, Any]] = field(default_factory=dict)
    links: dict[int, dict[str, Any]] = field(default_factory=dict)
    definitions: list[dict[str, Any]] = field(default_factory=list)

    def link(self, origin: int, origin_slot: int, target: int, target_slot: int, kind: str) -> int:
        """A new link, noted in the target's input too."""
        name = self.ids.next()
        self.links[name] = {
            "id": name,
            "origin_id": origin,
            "origin_slot": origin_slot,
            "target_id": target,
            "target_slot": target_slot,
            "type": kind,
        }
        if target in self.nodes:
            self.nodes[target]["inputs"][target_slot]["link"] = name
        return name

    def add(self, kind: str, inputs: list[dict[str, Any]], outputs: list[str], values: list[Any], mode: int = 0) -> int:
        """A new node."""
        name = self.ids.next()
        self.nodes[name] = {
            "id": name,
            "type": kind,
            "mode": mode,
            "inputs": inputs,
            "outputs": [{"name": each, "type": each} for each in outputs],
            "widgets_values": values,
        }
        return name


@dataclass
class Ids:
    """Numbers that nothing else has."""

    last: int = 1000

    def next(self) -> int:
        """One more."""
        self.last += 1
        return self.last


def drawn(made: Prompt, chance: random.Random) -> Drawing:
    """A prompt as a plain editor's graph."""
    drawing = Drawing(chance, Ids())
    for name, node in made.items():
        schema = SCHEMAS[node["class_type"]]
        values: list[Any] = []
        inputs: list[dict[str, Any]] = []
        for entry in schema.inputs:
            if entry.is_widget:
                values.append(node["inputs"][entry.name])
                values += [chance.choice(("fixed", "randomize"))] if entry.control else []
                if chance.random() < 0.5:
                    inputs.append({"name": entry.name, "type": entry.type, "widget": {"name": entry.name}})
            else:
                inputs.append({"name": entry.name, "type": entry.type})
        number = int(name)
        drawing.nodes[number] = {
            "id": number,
            "type": schema.class_type,
            "mode": chance.choice((0, 0, 1, 3)),
            "inputs": inputs,
            "outputs": [{"name": output.name, "type": output.type} for output in schema.outputs],
            "widgets_values": values,
        }
    for name, node in made.items():
        for slot, each in enumerate(drawing.nodes[int(name)]["inputs"]):
            value = node["inputs"][each["name"]]
            if isinstance(value, list):
                drawing.link(int(value[0]), value[1], int(name), slot, each["type"])
    return drawing


def lead_astray(drawing: Drawing, count: int) -> None:
    """Lead links through reroutes, bypassed nodes and named values."""
    for _ in range(count):
        wires = [link for link in drawing.links.values() if link["type"] in TYPES]
        if not wires:
            return
        link = drawing.chance.choice(wires)
        kind = link["type"]
        way = drawing.chance.randrange(3)
        if way == 0:
            node = drawing.add("Reroute", [{"name": "", "type": "*"}], [kind], [])
        elif way == 1:
            inputs = [{"name": "text", "type": "STRING"}, {"name": kind.lower(), "type": kind}]
            node = drawing.add(f"Pass{kind}", inputs, [kind], ["unused"], mode=4)
        else:
            name = f"value {drawing.ids.next()}"
            setter = drawing.add("SetNode", [{"name": kind, "type": kind}], [kind], [name])
            drawing.link(link["origin_id"], link["origin_slot"], setter, 0, kind)
            link["origin_id"], link["origin_slot"] = drawing.add("GetNode", [], [kind], [name]), 0
            continue
        drawing.link(link["origin_id"], link["origin_slot"], node, way, kind)
        link["origin_id"], link["origin_slot"] = node, 0


def write_by_primitives(drawing: Drawing, count: int) -> None:
    """Let primitives write values of widgets, what is stored there being something else."""
    for _ in range(count):
        node = drawing.chance.choice(list(drawing.nodes.values()))
        slot, entry = _widget(drawing, node)
        if slot is None or entry is None:
            continue
        place = _place(SCHEMAS[node["type"]], entry.name)
        value = node["widgets_values"][place]
        node["widgets_values"][place] = "stale" if entry.type == "STRING" else -1
        primitive = drawing.add("PrimitiveNode", [], [entry.type], [value, "fixed"])
        drawing.link(primitive, 0, node["id"], slot, entry.type)


def _widget(drawing: Drawing, node: dict[str, Any]) -> tuple[int | None, InputSchema | None]:
    """An unlinked widget of a node that has a socket, and the number of the socket."""
    schema = SCHEMAS.get(node["type"])
    if schema is None or node["mode"] == 4:
        return None, None
    open_slots = [at for at, each in enumerate(node["inputs"]) if "widget" in each and each.get("link") is None]
    if not open_slots:
        return None, None
    slot = drawing.chance.choice(open_slots)
    return slot, schema.by_name[node["inputs"][slot]["name"]]


def _place(schema: NodeSchema, name: str) -> int:
    """Where a widget's value stands among the saved ones."""
    at = 0
    for entry in schema.inputs:
        if entry.name == name:
            return at
        at += (2 if entry.control else 1) if entry.is_widget else 0
    raise KeyError(name)


def wrap(drawing: Drawing) -> None:
    """Put some nodes into a new subgraph, some of their values standing on its node afterwards."""
    chance = drawing.chance
    chosen = {name for name in drawing.nodes if chance.random() < 0.4}
    chosen = {name for name in chosen if drawing.nodes[name]["type"] != "SetNode"}
    if not chosen:
        return
    inner = Drawing(chance, drawing.ids, {name: drawing.nodes.pop(name) for name in chosen})
    face_in: list[dict[str, Any]] = []
    face_out: list[dict[str, Any]] = []
    instance_inputs: list[dict[str, Any]] = []
    identity = f"00000000-0000-4000-8000-{drawing.ids.next():012}"
    instance = drawing.add(identity, instance_inputs, [], [])
    for link in list(drawing.links.values()):
        inside = (link["origin_id"] in chosen, link["target_id"] in chosen)
        if inside == (True, True):
            inner.links[link["id"]] = drawing.links.pop(link["id"])
        elif inside == (False, True):
            _enter(drawing, inner, link, instance, face_in)
        elif inside == (True, False):
            _leave(drawing, inner, link, instance, face_out)
    values, proxies = _promote(drawing, inner, face_in, instance_inputs)
    drawing.nodes[instance]["widgets_values"] = values
    if proxies is not None:
        drawing.nodes[instance]["properties"] = {"proxyWidgets": proxies}
    drawing.definitions.append(
        {
            "id": identity,
            "name": identity,
            "inputs": face_in,
            "outputs": face_out,
            "nodes": list(inner.nodes.values()),
            "links": list(inner.links.values()),
        }
    )


def _enter(drawing: Drawing, inner: Drawing, link: dict[str, Any], instance: int, face: list[dict[str, Any]]) -> None:
    """A link from outside to inside: it ends at a new input of the face, from which a new link goes on."""
    number, name = len(face), f"in {len(face)}"
    target, slot = link["target_id"], link["target_slot"]
    inner_id = inner.link(-10, number, target, slot, link["type"])
    face.append({"id": name, "name": name, "type": link["type"], "linkIds": [inner_id]})
    drawing.nodes[instance]["inputs"].append({"name": name, "type": link["type"], "link": link["id"]})
    link["target_id"], link["target_slot"] = instance, number


def _leave(drawing: Drawing, inner: Drawing, link: dict[str, Any], instance: int, face: list[dict[str, Any]]) -> None:
    """A link from inside to outside: it begins at a new output of the face."""
    number = len(face)
    inner_id = inner.link(link["origin_id"], link["origin_slot"], -20, number, link["type"])
    face.append({"id": f"out {number}", "name": f"out {number}", "type": link["type"], "linkIds": [inner_id]})
    drawing.nodes[instance]["outputs"].append({"name": f"out {number}", "type": link["type"]})
    link["origin_id"], link["origin_slot"] = instance, number


def _promote(
    drawing: Drawing, inner: Drawing, face: list[dict[str, Any]], outer: list[dict[str, Any]]
) -> tuple[list[Any], list[list[str]] | None]:
    """Move values of inner widgets to the subgraph's node: (its values, its proxyWidgets or None)."""
    chance = drawing.chance
    manner = chance.choice(("plain", "minus one", "inner", "none"))
    values: list[Any] = []
    proxies: list[list[str]] = []
    if any(each["type"] in ("INT", "STRING") for each in face):
        return [], None  # a widget's link from outside is an input with a widget behind it: its place would be first
    for node in list(inner.nodes.values()):
        slot, entry = _widget(inner, node)
        if slot is None or entry is None or manner == "none" or chance.random() < 0.4:
            continue
        place = _place(SCHEMAS[node["type"]], entry.name)
        value = node["widgets_values"][place]
        node["widgets_values"][place] = "stale" if entry.type == "STRING" else -1
        values.append(value)
        if manner == "inner" and chance.random() < 0.5:
            proxies.append([str(node["id"]), entry.name])
            continue
        name = f"in {len(face)}"
        inner_id = inner.link(-10, len(face), node["id"], slot, entry.type)
        face.append({"id": name, "name": name, "type": entry.type, "linkIds": [inner_id]})
        if chance.random() < 0.7:
            outer.append({"name": name, "type": entry.type, "widget": {"name": name}})
        proxies.append(["-1", name] if manner == "minus one" else [str(node["id"]), entry.name])
    return values, None if manner in ("plain", "none") else proxies


def document(drawing: Drawing) -> dict[str, Any]:
    """The drawing as a file; links as arrays or objects."""
    links: list[Any] = list(drawing.links.values())
    if drawing.chance.random() < 0.5:
        links = [list(link.values()) for link in links]
    nodes = list(drawing.nodes.values())
    drawing.chance.shuffle(nodes)
    return {"version": 0.4, "nodes": nodes, "links": links, "definitions": {"subgraphs": drawing.definitions}}
