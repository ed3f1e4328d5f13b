"""Graphs of a torture: each bears its number, in its bytes, in its pictures' names and in their colour."""

import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = re.compile(rb"graph-(\d{5})")
HUGE = 30 * 2**20
"""Bytes of a graph that is far too large for what it says."""
TOO_LONG = "o" * 300
"""At the end of a prefix: no disk takes such a name, which only saving the picture shows."""


@dataclass(frozen=True)
class Graph:
    """What is dropped into the folder. pictures: how many of each prefix it makes in one run; none: it must fail."""

    number: int
    data: bytes
    pictures: dict[str, int]

    @property
    def good(self) -> bool:
        """Whether it can run."""
        return bool(self.pictures)


def made(number: int, chance: random.Random) -> Graph:
    """A graph of any kind: four in five are good."""
    kind = chance.choices(
        ["one", "two", "batch", "unknown", "failing", "broken", "list", "empty", "huge", "huge and broken"],
        [40, 20, 20, 5, 5, 4, 2, 2, 0.4, 0.2],
    )[0]
    if kind == "empty":
        return Graph(number, b"", {})
    if kind in ("broken", "huge and broken"):
        text = f'{{"title": "graph-{number:05}", "1": {{'.encode()
        return Graph(number, text + b" " * (HUGE if kind != "broken" else 0), {})
    if kind == "list":
        return Graph(number, f'["graph-{number:05}"]'.encode(), {})
    nodes = _nodes(number, kind)
    data = json.dumps(nodes).encode()
    good = {_prefix(node): 2 if kind == "batch" else 1 for node in nodes.values() if "images" in node["inputs"]}
    data += b" " * (HUGE if kind == "huge" else 0)
    return Graph(number, data, {} if kind in ("unknown", "failing") else good)


def made_simply(number: int) -> dict[str, dict[str, Any]]:
    """A good graph with one picture."""
    return _nodes(number, "one")


def number_of(path: Path) -> int | None:
    """Which graph's bytes a file holds; one without bytes tells it by its name."""
    with path.open("rb") as file:
        data = file.read(2**16)
    found = MARK.search(data) or MARK.search(path.name.encode())
    return int(found[1]) if found else None


def colour_of(number: int) -> tuple[int, int, int]:
    """Red, green and blue of its pictures."""
    return (number * 7919) >> 16 & 255, (number * 7919) >> 8 & 255, number * 7919 & 255


def _nodes(number: int, kind: str) -> dict[str, dict[str, Any]]:
    red, green, blue = colour_of(number)
    size = {"width": 8, "height": 8, "batch_size": 2 if kind == "batch" else 1}
    nodes: dict[str, dict[str, Any]] = {
        "1": {
            "class_type": "EmptyImage" if kind != "unknown" else "NobodyKnowsThis",
            "inputs": {**size, "color": red << 16 | green << 8 | blue},
            "_meta": {"title": f"graph-{number:05}"},
        },
        "2": _save(f"a{number:05}" if kind != "failing" else f"a{number:05}{TOO_LONG}"),
    }
    if kind == "two":
        nodes["3"] = _save(f"b{number:05}")
    return nodes


def _save(prefix: str) -> dict[str, Any]:
    return {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}}


def _prefix(node: dict[str, Any]) -> str:
    return str(node["inputs"]["filename_prefix"])
