"""Panels of an editor's graph: what people saved, where they put it."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.catalogue.catalogue import Find
from engine.drawing import raw
from engine.drawing.measuring import arrange
from engine.drawing.promoted import promoted_rows
from engine.drawing.rows import NOTES, Values, rows_of
from engine.drawing.scene import (
    INPUT_SIDE,
    OUTPUT_SIDE,
    TITLE,
    Area,
    Box,
    Frame,
    Panel,
    Point,
    Row,
    Socket,
    State,
    Wire,
)
from engine.reading.documents import subgraphs

SIZE = (210.0, 60.0)
"""Of a node that says nothing of its size."""
STATES: Mapping[int, State] = {2: "muted", 4: "bypassed"}
GROUP = "#3f789e"
"""Colour of a group that says nothing of its own."""


def panels_of(graph: dict[str, Any], find: Find, values: Values) -> list[Panel]:
    """The graph, then every subgraph defined in it, in the order of the file.

    find: schemas by class. values: widget values of a node by name, where somebody can tell.
    """
    parts = subgraphs(graph)
    inside = {raw.text(part.get("id")): part for part in parts}
    return [_panel(part, inside, find, values) for part in (graph, *parts)]


def _panel(part: dict[str, Any], inside: dict[str, dict[str, Any]], find: Find, values: Values) -> Panel:
    boxes = {}
    for node in raw.entries(part.get("nodes")):
        box = _box(node, inside, find, values)
        boxes[box.id] = box
    boxes |= {box.id: box for box in _faces(part)}
    for box in boxes.values():
        arrange(box)
    name = raw.text(part.get("name"))
    defined = raw.text(part.get("id")) if raw.text(part.get("id")) in inside else None
    return Panel(boxes, list(_wires(part, boxes)), list(_frames(part)), defined, name or "subgraph" if defined else "")


def _box(node: dict[str, Any], inside: dict[str, dict[str, Any]], find: Find, values: Values) -> Box:
    kind = raw.text(node.get("type"))
    definition = inside.get(kind)
    schema = None if definition else find(kind)
    place, size = raw.pair(node.get("pos")), raw.pair(node.get("size"), SIZE)
    otherwise = raw.text(definition.get("name")) if definition else schema.display_name if schema else ""
    flags = node.get("flags")
    mode = node.get("mode")
    box = Box(
        id=raw.name(node.get("id")),
        kind="" if definition else kind,
        title=raw.text(node.get("title")) or otherwise or kind,
        left=place.x,
        top=place.y,
        width=max(size.x, 40.0),
        height=max(size.y, 10.0),
        state=STATES.get(mode, "") if isinstance(mode, int) else "",
        colour=raw.text(node.get("color")) or None,
        body=raw.text(node.get("bgcolor")) or None,
        opens=kind if definition else None,
    )
    if kind == "Reroute":
        box.look = "bare"
    elif isinstance(flags, dict) and flags.get("collapsed") is True:
        box.look = "pill"
    box.rows = promoted_rows(node, definition) if definition else rows_of(node, schema, values)
    if kind in NOTES and not box.colour:
        box.colour, box.body = "#432", "#653"
    _give_sockets(box, node)
    return box


def _give_sockets(box: Box, node: dict[str, Any]) -> None:
    places = {row.name: index for index, row in reversed(list(enumerate(box.rows)))}
    for slot in raw.entries(node.get("inputs")):
        linked = slot.get("link") is not None
        widget = slot.get("widget")
        name = raw.text(widget.get("name")) if isinstance(widget, dict) else ""
        if isinstance(widget, dict) and name not in places and box.look == "node":
            places[name] = len(box.rows)
            box.rows.append(Row(name, ""))
        row = places.get(name) if isinstance(widget, dict) else None
        if row is not None and linked:
            box.rows[row].driven = True
        box.inputs.append(_socket(slot, linked, row if box.look == "node" else None))
    for slot in raw.entries(node.get("outputs")):
        box.outputs.append(_socket(slot, bool(slot.get("links"))))


def _socket(slot: dict[str, Any], linked: bool = False, row: int | None = None) -> Socket:
    return Socket(_label(slot), _type(slot.get("type")), linked, row, key=raw.text(slot.get("name")))


def _label(slot: dict[str, Any]) -> str:
    return raw.text(slot.get("label")) or raw.text(slot.get("localized_name")) or raw.text(slot.get("name"))


def _type(value: Any) -> str:
    return value if isinstance(value, str) else "*"


def _faces(part: dict[str, Any]) -> Iterator[Box]:
    """The two edges of a subgraph: where its inputs come in and its outputs go out."""
    for key, side, slots in (("inputNode", INPUT_SIDE, "inputs"), ("outputNode", OUTPUT_SIDE, "outputs")):
        held = part.get(key)
        sockets = [_socket(slot) for slot in raw.entries(part.get(slots))]
        if not isinstance(held, dict) or not sockets:
            continue
        area = raw.area(held.get("bounding")) or Area(0, 0, 120, 60)
        box = Box(side, "", "", area.left, area.top, area.right - area.left, area.bottom - area.top, look="face")
        if side == INPUT_SIDE:
            box.outputs = sockets
        else:
            box.inputs = sockets
        yield box


def _wires(part: dict[str, Any], boxes: dict[str, Box]) -> Iterator[Wire]:
    """The links whose both ends are there."""
    extra = part.get("extra") if isinstance(part.get("extra"), dict) else {}
    found = raw.entries(part.get("reroutes")) or raw.entries(extra.get("reroutes") if extra else None)
    points = {str(each.get("id")): each for each in found}
    parents = {str(each.get("id")): each.get("parentId") for each in raw.entries((extra or {}).get("linkExtensions"))}
    links = part.get("links") or []
    for link in links.values() if isinstance(links, dict) else links if isinstance(links, list) else []:
        wire, parent = _wire(link, parents)
        if wire is None or wire.origin not in boxes or wire.target not in boxes:
            continue
        origin, target = boxes[wire.origin], boxes[wire.target]
        if 0 <= wire.origin_slot < len(origin.outputs) and 0 <= wire.target_slot < len(target.inputs):
            wire.through = _through(parent, points)
            wire.faded = "muted" in (origin.state, target.state)
            origin.outputs[wire.origin_slot].linked = target.inputs[wire.target_slot].linked = True
            yield wire


def _wire(link: Any, parents: dict[str, Any]) -> tuple[Wire | None, Any]:
    """A link as an array or an object, and the reroute that it comes from."""
    if isinstance(link, dict):
        keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        parent, link = link.get("parentId"), [link.get(key) for key in keys]
    elif isinstance(link, list) and len(link) >= 5:
        parent = parents.get(str(link[0]))
    else:
        return None, None
    if not isinstance(link[2], int) or not isinstance(link[4], int):
        return None, None
    kind = _type(link[5]) if len(link) > 5 else "*"
    return Wire(raw.name(link[1]), link[2], raw.name(link[3]), link[4], kind), parent


def _through(parent: Any, points: dict[str, dict[str, Any]]) -> list[Point]:
    """The reroutes of a link from its origin on. Each says which one comes before it."""
    found: list[Point] = []
    seen: set[str] = set()
    while parent is not None and str(parent) in points and str(parent) not in seen:
        seen.add(str(parent))
        reroute = points[str(parent)]
        found.append(raw.pair(reroute.get("pos")))
        parent = reroute.get("parentId")
    return found[::-1]


def _frames(part: dict[str, Any]) -> Iterator[Frame]:
    """The groups, large ones first, so that those inside are drawn upon them."""
    found = []
    for group in raw.entries(part.get("groups")):
        area = raw.area(group.get("bounding"))
        if area is not None:
            size = max(8.0, min(raw.number(group.get("font_size"), 24.0), 200.0))
            found.append(Frame(raw.text(group.get("title")), area, raw.text(group.get("color")) or GROUP, size))
    return iter(sorted(found, key=lambda frame: -(frame.area.right - frame.area.left) * _height(frame.area)))


def _height(area: Area) -> float:
    return area.bottom - area.top + TITLE
