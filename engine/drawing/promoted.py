"""Widgets that a subgraph shows on its outside, with the values that they have there, or else inside."""

from typing import Any

from engine.drawing import raw
from engine.drawing.rows import MOST, by_name
from engine.drawing.scene import INPUT_SIDE, Row

PREVIEW = "$$"
"""How the names of promoted pictures begin."""
FACE = "-1"
"""Stands for an input of the subgraph where the id of an inner node is expected."""


def promoted_rows(node: dict[str, Any], definition: dict[str, Any]) -> list[Row]:
    """The widgets on the outside of a subgraph."""
    properties = node.get("properties")
    listed = properties.get("proxyWidgets") if isinstance(properties, dict) else None
    saved = node.get("widgets_values")
    stored = saved if isinstance(saved, list) else []
    inner = {str(each.get("id")): each for each in raw.entries(definition.get("nodes"))}
    fed = _fed(definition, inner)
    if isinstance(listed, list):
        pairs = [each for each in listed if isinstance(each, list) and len(each) >= 2]
        places = [(str(within), raw.text(name)) for within, name, *_ in pairs]
    else:
        places = [(FACE, name) for name in fed]
    rows = []
    for index, (within, name) in enumerate(places[:MOST]):
        if name.startswith(PREVIEW):
            continue
        value = stored[index] if index < len(stored) else None
        if value is None:
            within, inner_name = fed.get(name, ("", "")) if within == FACE else (within, name)
            value = by_name(inner[within]).get(inner_name) if within in inner else None
        shown = raw.shown(value)
        rows.append(Row(name, shown, "\n" in shown or (len(shown) > 40 and " " in shown)))
    return rows


def _fed(definition: dict[str, Any], inner: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """For each input of a subgraph that sets a widget, by name: the inner node and its widget, the first one's."""
    names = [raw.text(slot.get("name")) for slot in raw.entries(definition.get("inputs"))]
    found: dict[int, tuple[str, str]] = {}
    links = definition.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict):
            link = [link.get(key) for key in ("id", "origin_id", "origin_slot", "target_id", "target_slot")]
        if not isinstance(link, list) or str(link[1]) != INPUT_SIDE or not isinstance(link[2], int):
            continue
        slots = raw.entries(inner.get(str(link[3]), {}).get("inputs"))
        slot = slots[link[4]] if isinstance(link[4], int) and 0 <= link[4] < len(slots) else {}
        widget = slot.get("widget")
        if isinstance(widget, dict):
            found.setdefault(link[2], (str(link[3]), raw.text(widget.get("name"))))
    return {name: found[index] for index, name in enumerate(names) if index in found}
