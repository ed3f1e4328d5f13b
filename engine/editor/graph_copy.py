"""A graph in which saved values are changed, without changing the one that was read."""

from typing import Any

from engine.editor.graph import Path

VALUES, NAMED = "widgets_values", "widgets_values_named"


class GraphCopy:
    """A copy of a graph of which only what changes is copied, along the way to it."""

    def __init__(self, graph: dict[str, Any]) -> None:
        """graph: stays as it is."""
        self.graph: dict[str, Any] = dict(graph)
        self._own: set[Path] = {()}

    def peek(self, path: Path) -> Any:
        """What is at a path. Raises KeyError or IndexError if nothing is."""
        held: Any = self.graph
        for key in path:
            held = held[key]
        return held

    def at(self, path: Path) -> Any:
        """What is at a path, to be changed."""
        held: Any = self.graph
        for depth, key in enumerate(path, 1):
            if path[:depth] not in self._own:
                held[key] = held[key].copy()
                self._own.add(path[:depth])
            held = held[key]
        return held

    def put(self, path: Path, key: int | str, name: str, value: Any) -> None:
        """Put a saved value in its place, and beside its name if the file names it and had the same there."""
        node = self.peek(path)
        before, named = node[VALUES][key], node.get(NAMED)
        if isinstance(named, dict):
            names = list(named) if len(named) == len(node[VALUES]) else []
            called = name if name in named else names[key] if names and isinstance(key, int) else None
            if called is not None and same(named[called], before):
                self.at((*path, NAMED))[called] = value
        self.at((*path, VALUES))[key] = value


def same(one: Any, other: Any) -> bool:
    """Whether two values are one in JSON; 8 and 8.0 are, 1 and true are not."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    return bool(one == other) or (one != one and other != other)
