"""What planning asks of the disk and of the cache, without either; and nodes that use weights, without weights."""

from collections.abc import Mapping
from typing import Any

from engine.errors import FileMissing
from engine.graph.values import BoundNode, bind
from engine.planning.keys import StepRecord
from engine.plugins.registry import Registry
from schemas.node import NodeSpec, OutputSpec
from schemas.prompt import Link, Prompt
from schemas.sockets import FileRef
from tests import toys

TOYS = Registry.of(toys.specs())


class FakeFiles:
    """Files by (folder, name), with their fingerprints; a change of fingerprint is a change of content."""

    def __init__(self, **prints: str) -> None:
        """prints: fingerprints by file name without its ending, in any folder."""
        self.prints = prints
        self.asked = 0

    def require(self, folder: str, name: str) -> FileRef:
        """The file, or FileMissing."""
        self.asked += 1
        stem = name.partition(".")[0]
        if stem not in self.prints:
            raise FileMissing(folder, name, [], [])
        return FileRef(folder, name, __file__, self.prints[stem])


class FakeCache:
    """Knows keys and records, and no values."""

    def __init__(self) -> None:
        """Empty."""
        self.keys: set[str] = set()
        self.gone: dict[str, str] = {}
        self.records: dict[str, StepRecord] = {}

    def has(self, key: str) -> bool:
        """Whether it was told so."""
        return key in self.keys

    def last(self, node: str) -> StepRecord | None:
        """What it was told."""
        return self.records.get(node)

    def lost(self, key: str) -> str | None:
        """What it was told."""
        return self.gone.get(key)

    def take(self, records: Mapping[str, StepRecord]) -> None:
        """All of these have run."""
        self.records |= records
        self.keys |= {record.key for record in records.values()}


def bound_of(graph: dict[str, dict[str, Any]]) -> dict[str, BoundNode]:
    """A graph of toys in API format, bound."""
    return bind(Prompt.model_validate({"nodes": graph}), TOYS)


def spec(class_type: str, *outputs: str, **options: Any) -> NodeSpec:
    """A class with these output types, that nothing runs."""
    return NodeSpec(class_type, {}, tuple(OutputSpec(name, name) for name in outputs), _never, **options)


def linked(of: NodeSpec, *links: tuple[str, int]) -> BoundNode:
    """A node whose inputs "0", "1", ... are these links."""
    return BoundNode(of, {}, {str(field): Link(*link) for field, link in enumerate(links)})


def _never(values: Mapping[str, Any], context: Any) -> tuple[Any, ...]:
    raise AssertionError("planning runs nothing")
