"""Proxies: what the entries of `properties.proxyWidgets` mean, by which a subgraph's node shows widgets inside it.

An entry is [inner node id, widget name]; "-1" as id means the input of that name. A third part names a node deeper
inside, whose widget the inner node shows; older editors wrote `3: text` instead.
"""

import json
import re
from typing import Any

from engine.catalogue.catalogue import Find
from engine.editor.places import Place, Places
from engine.editor.remarks import Remark
from engine.editor.virtual_nodes import is_primitive
from engine.editor.widgets import has_widget
from engine.reading.printable import shown

LONGEST = 100_000
"""Characters of a list that is written as text."""
_DEEPER = re.compile(r"^(?:\d+: )+")
"""How names begin of widgets of nodes deeper inside."""
_PREVIEW = "$$"
"""How names begin of pictures that are shown."""
_EDITORS_OWN = ("control_after_generate", "control_filter_list")
"""How names begin of widgets that are no inputs: that they are not found is nothing to tell."""
_FACE = "-1"
"""Stands for the inputs of the subgraph where the id of an inner node is expected."""

Target = int | tuple[str, str]
"""An input of a definition by its number, or a widget by its node's id and its name; of a subgraph's node `3: text`."""


class Addresses:
    """The entries on the nodes of one file."""

    def __init__(self, places: Places, find: Find, remark: Remark) -> None:
        """find: tells schemas of classes. remark: hears of widgets that are not there."""
        self._places, self._find, self._remark = places, find, remark
        self._known: dict[str, list[Target | None]] = {}

    def of(self, place: Place) -> list[Target | None]:
        """What each entry on the node of a place means: None for previews and for what is not there."""
        if place.path not in self._known:
            held = place.instance.properties.get("proxyWidgets") if place.instance is not None else None
            listed = _parsed(held) if isinstance(held, str) and len(held) < LONGEST else held
            self._known[place.path] = [self._target(place, each) for each in listed] if isinstance(listed, list) else []
        return self._known[place.path]

    def _target(self, place: Place, entry: Any) -> Target | None:
        if not isinstance(entry, list) or len(entry) < 2 or not all(isinstance(part, str | int) for part in entry):
            return None
        inner, name = str(entry[0]), str(entry[1])
        if name.startswith(_PREVIEW):
            return None
        if inner == _FACE:
            return place.layout.names.get(name)
        leaf, name = str(entry[2]) if entry[2:] else _leaf(name), _DEEPER.sub("", name)
        if (number := place.layout.feeding.get((inner, name))) is not None:
            return number
        node = place.graph.nodes.get(inner)
        if node is not None and self._places.definition(node) is not None:
            return inner, f"{leaf}: {name}" if leaf else name
        if node is not None and (is_primitive(node) or has_widget(node, name, self._find(node.type))):
            return inner, name
        if not name.startswith(_EDITORS_OWN) and place.parent is not None and place.instance is not None:
            said = f"a promoted widget {shown(name)} of node {shown(inner)}, which is not there"
            self._remark(place.parent, place.instance, said)
        return None


def _parsed(text: str) -> Any:
    """A list that is written as text, or None."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _leaf(name: str) -> str:
    """The node that older editors name before a widget deeper inside."""
    found = _DEEPER.match(name)
    return found[0].removesuffix(": ").rpartition(": ")[2] if found else ""
