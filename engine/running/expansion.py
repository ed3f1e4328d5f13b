"""Expansion: a node gives a graph to take its place, which is grafted into the running one.

The new nodes are named after the one they come from, `parent.child`; their links go to one another by the names they
were given, or to any node of the running graph by its full id. Values may stand anywhere an input can, also such as no
file could hold. The outputs they name become the outputs of the node they stand for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.graph.literals import Fault, coerce
from engine.graph.values import BoundNode
from engine.planning.keys import KeyMaker, StepRecord
from engine.planning.order import missing_before
from engine.plugins.registry import Registry
from schemas.node import Expansion, InputSpec
from schemas.prompt import Link, link_of, literal_of

ID_LENGTH = 200
"""Characters up to which ids are chained; a loop that expands into itself would make them grow without end."""


@dataclass(frozen=True)
class Graft:
    """What one node waits for after it gave graphs.

    results: for each of its calls the outputs, some of them links to nodes that were added. reads: the nodes that must
    be done before the outputs are known. added: new nodes that may have to run for it, lazy ones included.
    """

    results: tuple[tuple[Any, ...], ...]
    reads: tuple[str, ...]
    added: tuple[str, ...]


class Grafter:
    """Adds expansions to one run's graph. bound and records grow by every node that is added.

    parents: the node that each added one comes from.
    """

    def __init__(
        self, bound: dict[str, BoundNode], records: dict[str, StepRecord], maker: KeyMaker, registry: Registry
    ) -> None:
        """Nothing is added yet."""
        self.parents: dict[str, str] = {}
        self._roots: dict[str, str] = {}
        self._bound = bound
        self._records = records
        self._maker = maker
        self._registry = registry

    def root(self, node: str) -> str:
        """The node of the user's own graph that this one comes from; itself if it is one."""
        return self._roots.get(node, node)

    def graft(
        self, parent: str, results: Sequence[tuple[Any, ...] | Expansion], cached: Callable[[str], bool]
    ) -> Graft:
        """Add the graphs among the results of a node's calls. cached: whether the outputs of a node are at hand.

        Raises ValueError if a graph is not one: an unknown class, a wrong input, a link to nowhere, a circle.
        """
        joined: list[tuple[Any, ...]] = []
        origins: dict[str, str] = {}
        for call, result in enumerate(results):
            if not isinstance(result, Expansion):
                joined.append(result)
                continue
            names = self._names(parent, parent if len(results) == 1 else f"{parent}.{call}", result.nodes)
            origins |= {name: f"{self._records[parent].key}/{call}/{child}" for child, name in names.items()}
            self._bound.update({names[child]: self._bind(child, info, names) for child, info in result.nodes.items()})
            self.parents |= dict.fromkeys(names.values(), parent)
            self._roots |= dict.fromkeys(names.values(), self.root(parent))
            joined.append(tuple(self._output(value, names) for value in result.outputs))
        for name in origins:
            self._check_links(name)
        saves = [name for name in origins if self._bound[name].spec.output_node]
        linked = (value for outputs in joined for value in outputs if isinstance(value, Link))
        reads = (*(self._checked(link).node for link in linked), *saves)
        self._record(reads, origins)
        return Graft(tuple(joined), reads, self._needed(reads, origins, cached))

    def _names(self, parent: str, prefix: str, children: Iterable[str]) -> dict[str, str]:
        """Full ids for the nodes of one graph, by the names it uses."""
        if len(prefix) > ID_LENGTH:
            prefix = f"{self.root(parent)}.{len(self._roots)}"
        names: dict[str, str] = {}
        taken: set[str] = set()
        for child in children:
            name = f"{prefix}.{child}"
            while name in self._bound or name in taken:
                name += "_"
            names[child] = name
            taken.add(name)
        return names

    def _bind(self, child: str, info: Mapping[str, Any], names: Mapping[str, str]) -> BoundNode:
        """One node of a graph, its links by full id and its values coerced where a file could have held them."""
        class_type = info.get("class_type")
        spec = self._registry.find(class_type) if isinstance(class_type, str) else None
        if spec is None:
            raise ValueError(f"the node {child!r} it adds is of the unknown class {class_type!r}")
        literals: dict[str, Any] = {}
        links: dict[str, Link] = {}
        for field, raw in info.get("inputs", {}).items():
            given = spec.inputs.get(field)
            link = self._link(raw, names)
            if given is None and field not in spec.ignored_inputs:
                raise ValueError(f"the node {child!r} it adds has an input {field!r}, which {class_type} does not know")
            if link is not None:
                links[field] = link
            elif given is not None:
                literals[field] = _value(child, given, raw)
        missing = [field for field, given in spec.inputs.items() if given.required and field not in {*literals, *links}]
        if missing:
            raise ValueError(f"the node {child!r} it adds lacks the input {missing[0]!r} of {class_type}")
        return BoundNode(spec, literals, links)

    def _link(self, raw: Any, names: Mapping[str, str]) -> Link | None:
        link = link_of(raw)
        return Link(names.get(link.node, link.node), link.slot) if link else None

    def _output(self, value: Any, names: Mapping[str, str]) -> Any:
        link = self._link(value, names)
        return literal_of(value) if link is None else link

    def _check_links(self, name: str) -> None:
        for link in self._bound[name].links.values():
            self._checked(link)

    def _checked(self, link: Link) -> Link:
        producer = self._bound.get(link.node)
        if producer is None or not 0 <= link.slot < len(producer.spec.outputs):
            raise ValueError(f"a link it adds leads to output {link.slot} of node {link.node!r}, which does not exist")
        return link

    def _record(self, targets: Iterable[str], origins: Mapping[str, str]) -> None:
        """Make the keys of all that the targets need and that has none yet."""
        for name in missing_before(self._bound, targets, known=self._records):
            self._records[name] = self._maker.record(self._bound[name], self._records, origins.get(name))

    def _needed(
        self, targets: Iterable[str], added: Mapping[str, str], cached: Callable[[str], bool]
    ) -> tuple[str, ...]:
        found: set[str] = set()
        stack = list(targets)
        while stack:
            name = stack.pop()
            if name in added and name not in found and not cached(name):
                found.add(name)
                stack.extend(link.node for link in self._bound[name].links.values())
        return tuple(name for name in added if name in found)


def _value(child: str, given: InputSpec, raw: Any) -> Any:
    """The value of an input: coerced if it is a widget's, as it is on a wire, where an expansion may put any object."""
    if given.widget is None:
        return literal_of(raw)
    try:
        return coerce(given, raw)
    except Fault as fault:
        raise ValueError(f"the node {child!r} it adds: {given.name}: {fault.said} {fault.fix}") from fault
