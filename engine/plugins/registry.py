"""Registry: every node class that a graph may name, found by name and never by a static import."""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from engine.errors import PackInvalid
from engine.plugins.nearest import Nearest
from schemas.node import Node, NodeSpec

OWN_PACKAGE = "nodes"
"""Our own nodes come in by name as anybody's would: its MODULES tells which module lists a class in NODES."""
ENTRY_POINT_GROUP = "comfyless.nodes"
"""Where an installed pack offers a module with NODES, or the tuple itself; the entry's name is the pack's."""


@dataclass(frozen=True)
class Registry:
    """Node classes by name. failed: installed packs that could not be loaded, with the reason."""

    specs: Mapping[str, NodeSpec]
    failed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, specs: Iterable[NodeSpec]) -> "Registry":
        """A registry of just these. Raises PackInvalid if two have one name."""
        found: dict[str, NodeSpec] = {}
        for spec in specs:
            _add(found, spec)
        return cls(MappingProxyType(found))

    @classmethod
    def builtin(cls) -> "Registry":
        """The nodes comfyless brings, and nothing else. Raises PackInvalid if two have one name."""
        return _builtin()

    @classmethod
    def installed(cls) -> "Registry":
        """The nodes comfyless brings and those of every installed pack: runs third-party code at import.

        A pack that does not load is named in `failed`. Raises PackInvalid if two packs claim one name.
        """
        found, failed = dict(_builtin().specs), {}
        for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
            try:
                specs = _specs_of(entry)
            except Exception as error:  # a pack is foreign code: whatever it raises is reported under its name
                failed[entry.name] = f"{type(error).__name__}: {error}"
                continue
            for spec in specs:
                _add(found, spec)
        return cls(MappingProxyType(found), failed)

    def find(self, class_type: str) -> NodeSpec | None:
        """What is known of a class, or None."""
        return self.specs.get(class_type)

    def near(self, class_type: str) -> list[str]:
        """Names of known classes that look like this one, best first."""
        return self._nearest.of(class_type)

    def all(self) -> list[NodeSpec]:
        """Every class, by name."""
        return [self.specs[name] for name in sorted(self.specs)]

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest(self.specs)


def _add(found: dict[str, NodeSpec], spec: NodeSpec) -> None:
    other = found.get(spec.class_type)
    if other is not None:
        raise PackInvalid(
            f"two node classes are named {spec.class_type!r}, one from {other.pack} and one from {spec.pack}; "
            f"uninstall one of the packs or rename the class"
        )
    found[spec.class_type] = spec


@cache
def _builtin() -> Registry:
    """One for a process: our own nodes do not change while it runs. Raises PackInvalid if two have one name."""
    places: dict[str, str] = {}
    for module, names in importlib.import_module(OWN_PACKAGE).MODULES.items():
        for name in names:
            if places.setdefault(name, module) != module:
                raise PackInvalid(f"two node classes are named {name!r}, in {places[name]} and in {module}")
    return Registry(OwnSpecs(places))


class OwnSpecs(Mapping[str, NodeSpec]):
    """Our own classes by name, each made when first asked for: making them all takes longer than most checks."""

    def __init__(self, places: Mapping[str, str]) -> None:
        """places: the module of each class."""
        self._places = places
        self._made: dict[str, NodeSpec] = {}

    def __getitem__(self, name: str) -> NodeSpec:
        if name not in self._made:
            offered = importlib.import_module(self._places[name]).NODES
            self._made |= {node.__name__: node.spec() for node in offered}
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places


def _specs_of(entry: EntryPoint) -> list[NodeSpec]:
    """What one installed pack offers, under its own name. Raises TypeError for no nodes, or what the pack raises."""
    offered = entry.load()
    nodes = getattr(offered, "NODES", offered)
    if not isinstance(nodes, list | tuple):
        raise TypeError(f"{entry.value} is neither a module with NODES nor a tuple of nodes")
    return [replace(_spec_of(node), pack=entry.name) for node in nodes]


def _spec_of(node: Any) -> NodeSpec:
    if isinstance(node, NodeSpec):
        return node
    if isinstance(node, type) and issubclass(node, Node):
        return node.spec()
    raise TypeError(f"{node!r} is neither a Node class nor a NodeSpec")
