"""Rows: the widgets of a node with their values, named by whatever tells their names."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.drawing import raw
from engine.drawing.scene import Row
from schemas.node_schema import SEEDS, NodeSchema
from schemas.workflow import MODES

Values = Callable[[dict[str, Any]], Mapping[str, Any] | None]
"""The widget values of a node's JSON object by name, in order; None if nobody can tell."""

MARKDOWN = "MarkdownNote"
NOTES = frozenset({"Note", MARKDOWN})
MOST = 60
"""Rows of one node; nodes with more hold tables that nobody reads in a picture."""
UNSEEN = frozenset({"upload", "videopreview", "audioUI", "$$canvas-image-preview"})
"""Widgets that show a button or a preview, and no value."""
_LINKED = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_HEADING = re.compile(r"^#{1,6} +", re.MULTILINE)
LONG = 48
"""Characters from which a text of an unknown kind takes several lines."""
CONTROL = "control after generate"


def rows_of(node: dict[str, Any], schema: NodeSchema | None, values: Values) -> list[Row]:
    """The widgets of a node as it was saved."""
    kind, saved = raw.text(node.get("type")), node.get("widgets_values")
    if kind in NOTES:
        held = saved[:1] if isinstance(saved, list) else list(saved.values())[:1] if isinstance(saved, dict) else []
        texts = [raw.shown(value) for value in held]
        return [Row("", _without_marks(each) if kind == MARKDOWN else each, tall=True) for each in texts]
    named = values(node)
    pairs = named.items() if named is not None else _named(node, saved)
    return [_row(str(name), value, schema) for name, value in list(pairs)[:MOST] if name not in UNSEEN]


def _without_marks(text: str) -> str:
    """Markdown as a person reads it: links by their words, no signs for headings and stress."""
    return _HEADING.sub("", _LINKED.sub(r"\1", text)).replace("**", "").replace("`", "")


def by_name(node: dict[str, Any]) -> dict[str, Any]:
    """Saved values by the names that the node's own sockets tell."""
    return dict(_named(node, node.get("widgets_values")))


def literal_rows(inputs: Mapping[str, Any], schema: NodeSchema | None) -> list[Row]:
    """The values of a node in API format, links left out by the caller."""
    return [_row(name, value, schema) for name, value in list(inputs.items())[:MOST]]


def _row(name: str, value: Any, schema: NodeSchema | None) -> Row:
    known = schema.by_name.get(name) if schema else None
    shown = raw.shown(value)
    if known is not None:
        tall = known.multiline or "\n" in shown
    else:
        tall = isinstance(value, str) and ("\n" in shown or (len(shown) > LONG and " " in shown))
    return Row(name, shown, tall)


def _widget_names(node: dict[str, Any]) -> list[str]:
    """Names of the widgets that have a socket, which newer editors give to all of them."""
    names = []
    for slot in raw.entries(node.get("inputs")):
        widget = slot.get("widget")
        if isinstance(widget, dict):
            names.append(raw.text(widget.get("name")) or raw.text(slot.get("name")))
    return names


def _named(node: dict[str, Any], saved: Any) -> Iterator[tuple[str, Any]]:
    """Values by the names of the sockets, control modes told by what they say; what is left has no name."""
    if isinstance(saved, dict):
        yield from saved.items()
        return
    left = list(saved) if isinstance(saved, list) else []
    names = iter(_widget_names(node))
    last = ""
    for value in left:
        if last in SEEDS and isinstance(value, str) and value in MODES:
            yield CONTROL, value
            last = ""
            continue
        last = next(names, "")
        if last or isinstance(value, str | int | float):
            yield last, value
