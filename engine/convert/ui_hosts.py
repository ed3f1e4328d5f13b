"""Widgets of a subgraph's nodes that are shown on the subgraph's own face: where their values are kept.

An instance of a subgraph keeps values in `widgets_values`: by position along `properties.proxyWidgets` where that is
there ([inner node, widget], inner node "-1" for an input of the subgraph), else along the subgraph's widget inputs.
"""

from collections.abc import Iterator
from typing import Any

from engine.convert.ui_links import INSIDE, rows

Place = tuple[dict[str, Any], int]
"""An instance, and where in its `widgets_values`."""


class Hosts:
    """The instances of all subgraphs of a document."""

    def __init__(self, parts: list[dict[str, Any]]) -> None:
        """parts: the root graph and all subgraphs."""
        self._parts = parts

    def _instances(self, graph: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for part in self._parts:
            yield from (node for node in part["nodes"] if node["type"] == graph.get("id"))

    def linked(self, graph: dict[str, Any], number: int) -> bool:
        """Whether a node outside feeds this input of any instance."""
        name = _input_name(graph, number)
        slots = (slot for node in self._instances(graph) for slot in node.get("inputs") or [])
        return any(slot.get("name") == name and slot.get("link") is not None for slot in slots)

    def _places(self, graph: dict[str, Any], number: int, node: str, widget: str) -> Iterator[Place]:
        """Where instances keep a value for this input, which feeds this widget of this node."""
        for instance in self._instances(graph):
            values = instance.get("widgets_values")
            at = _position(graph, instance, number, node, widget)
            if isinstance(values, list) and at is not None and at < len(values) and values[at] is not None:
                yield instance, at

    def values(self, graph: dict[str, Any], number: int, node: str, widget: str) -> list[Any]:
        """The values that instances keep; an instance that keeps none takes the inner widget's own."""
        return [instance["widgets_values"][at] for instance, at in self._places(graph, number, node, widget)]

    def change(
        self, graph: dict[str, Any], number: int, node: str, old: str, new: str, value: Any
    ) -> list[dict[str, Any]]:
        """Give all instances that keep a value this one, and the widget its new name. Returns what undoes it."""
        done = []
        for instance, at in self._places(graph, number, node, old):
            done.append({"instance": instance["id"], "at": at, "was": instance["widgets_values"][at], "now": value})
            instance["widgets_values"][at] = value
        for instance in self._instances(graph):
            for at, entry in enumerate(_proxies(instance) or []):
                if old != new and (str(entry[0]), entry[1]) == (node, old):
                    entry[1] = new
                    done.append({"instance": instance["id"], "proxy": at, "was": old, "now": new})
        return done

    def _found(self, name: Any) -> dict[str, Any] | None:
        return next((node for part in self._parts for node in part["nodes"] if node["id"] == name), None)

    def unchanged(self, done: list[dict[str, Any]]) -> bool:
        """Whether all is still as `change` left it."""
        for step in done:
            instance = self._found(step.get("instance"))
            if instance is None:
                return False
            proxies, values = _proxies(instance) or [], instance.get("widgets_values") or []
            if "proxy" in step:
                same = step["proxy"] < len(proxies) and proxies[step["proxy"]][1] == step["now"]
            else:
                same = isinstance(values, list) and step["at"] < len(values) and values[step["at"]] == step["now"]
            if not same:
                return False
        return True

    def restore(self, done: list[dict[str, Any]]) -> None:
        """Undo what `change` did."""
        for step in done:
            instance = self._found(step["instance"])
            if instance is not None and "proxy" in step:
                instance["properties"]["proxyWidgets"][step["proxy"]][1] = step["was"]
            elif instance is not None:
                instance["widgets_values"][step["at"]] = step["was"]


def _proxies(instance: dict[str, Any]) -> list[list[Any]] | None:
    properties = instance.get("properties")
    proxies = properties.get("proxyWidgets") if isinstance(properties, dict) else None
    sound = isinstance(proxies, list) and all(isinstance(entry, list) and len(entry) >= 2 for entry in proxies)
    return proxies if sound else None


def _input_name(graph: dict[str, Any], number: int) -> Any:
    inputs = graph.get("inputs") or []
    return inputs[number].get("name") if number < len(inputs) else None


def _position(graph: dict[str, Any], instance: dict[str, Any], number: int, node: str, widget: str) -> int | None:
    """The index into an instance's values, or None if it keeps none for this input."""
    name = _input_name(graph, number)
    proxies = _proxies(instance)
    if proxies is not None:
        keys = [(str(entry[0]), entry[1]) for entry in proxies]
        return next((at for at, key in enumerate(keys) if key in (("-1", name), (node, widget))), None)
    shown = _widget_inputs(graph)
    return shown.index(number) if number in shown else None


def _widget_inputs(graph: dict[str, Any]) -> list[int]:
    """Numbers of the subgraph's inputs that stand for widgets of inner nodes."""
    widgets = {
        str(slot["link"])
        for node in graph["nodes"]
        for slot in node.get("inputs") or []
        if slot.get("link") is not None and "widget" in slot
    }
    fed = {row.origin[1] for row in rows(graph) if row.origin[0] == INSIDE and row.id in widgets}
    return sorted(number for number in fed if isinstance(number, int))
