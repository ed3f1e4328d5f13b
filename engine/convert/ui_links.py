"""The links table of an editor's graph, whichever of its two ways to write a link the file has.

Version 0.4: [id, origin, origin slot, target, target slot, type]. Schema 1, and subgraphs always: objects.
"""

from collections.abc import Iterator
from typing import Any

INSIDE = "-10"
"""Origin of links that come into a subgraph from outside."""
_PLACES = {"id": 0, "origin_id": 1, "origin_slot": 2, "target_id": 3, "target_slot": 4}


class LinkRow:
    """One link, read and changed where it stands."""

    def __init__(self, raw: Any) -> None:
        """raw: an array or an object of the document."""
        self._raw = raw

    def _get(self, key: str) -> Any:
        return self._raw[key] if isinstance(self._raw, dict) else self._raw[_PLACES[key]]

    @property
    def id(self) -> str:
        """Its id as text."""
        return str(self._get("id"))

    @property
    def raw_id(self) -> Any:
        """Its id as the file has it."""
        return self._get("id")

    @property
    def origin(self) -> tuple[str, Any]:
        """The node and slot it comes from."""
        return str(self._get("origin_id")), self._get("origin_slot")

    @property
    def target(self) -> str:
        """The node it goes to."""
        return str(self._get("target_id"))

    @property
    def target_slot(self) -> Any:
        """The slot it goes to, as the file has it; files are known to be wrong about it."""
        return self._get("target_slot")

    def move(self, origin: Any, slot: int) -> None:
        """Let it come from another node."""
        if isinstance(self._raw, dict):
            self._raw["origin_id"], self._raw["origin_slot"] = origin, slot
        else:
            self._raw[1], self._raw[2] = origin, slot


def rows(graph: dict[str, Any]) -> Iterator[LinkRow]:
    """Every link of a graph, in the table's order."""
    links = graph.get("links") or []
    for raw in links.values() if isinstance(links, dict) else links:
        if raw is not None:
            yield LinkRow(raw)
