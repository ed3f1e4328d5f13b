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
from engine.planning.keys import KeyMaker, StepRecord, value_key
from engine.planning.order import missing_before
from engine.plugins.registry import Registry
from schemas.node import MISSING, Expansion, InputSpec, NodeSpec, OutputSpec
from schemas.prompt import Link, link_of, literal_of
from schemas.sockets import ANY

ID_LENGTH = 200
"""Characters up to which ids are chained; a loop that expands into itself would make them grow without end."""


@dataclass(frozen=True)
class Graft:
    """What one node waits for after it gave graphs.

    results: for each of its calls the outputs, some of them links to nodes that were added. reads: the nodes that must
    be done before the outputs are known. added: new nodes that may have to run for it, lazy ones included. values: by
    id of a node that stands for it, each value that was put into a graph and that no file could hold.
    """

    results: tuple[tuple[Any, ...], ...]
    reads: tuple[str, ...]
    added: tuple[str, ...]
    values: Mapping[str, Any]


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
        added: list[str] = []
        values: dict[str, Any] = {}
        for call, result in enumerate(results):
            if not isinstance(result, Expansion):
                joined.append(result)
                continue
            names = self._names(parent, parent if len(results) == 1 else f"{parent}.{call}", result.nodes)
            for child, info in result.nodes.items():
                node = bind_child(child, info, self._registry, names)
                self._add(names[child], self._lift(names[child], node, parent, f"{call} {child}", values), parent)
            added += names.values()
            joined.append(tuple(_output(value, names) for value in result.outputs))
        for name in added:
            self._check_links(name)
        saves = [name for name in added if self._bound[name].spec.output_node]
        linked = (value for outputs in joined for value in outputs if isinstance(value, Link))
        reads = (*(self._checked(link).node for link in linked), *saves)
        for name in missing_before(self._bound, reads, known=self._records):
            self._records[name] = self._maker.record(self._bound[name], self._records)
        return Graft(tuple(joined), reads, self._needed(reads, added, cached), values)

    def _add(self, name: str, node: BoundNode, parent: str) -> None:
        self._bound[name] = node
        self.parents[name] = parent
        self._roots[name] = self.root(parent)

    def _lift(self, name: str, node: BoundNode, parent: str, place: str, values: dict[str, Any]) -> BoundNode:
        """The node with links in place of the values that no file could hold.

        So they live no longer than they are read, like anything else on a wire: a loop hands pictures from round to
        round in this way.
        """
        objects = {field: value for field, value in node.literals.items() if not _plain(value)}
        links = dict(node.links)
        for field, value in objects.items():
            given = f"{name}:{field}"
            links[field] = Link(given, 0)
            values[given] = value
            self._add(given, GIVEN, parent)
            key = value_key(value, self._records[parent].key, f"{place} {field}")
            self._records[given] = StepRecord(GIVEN.spec.class_type, "", {}, {}, {}, key)
        literals = {field: value for field, value in node.literals.items() if field not in objects}
        return BoundNode(node.spec, literals, links) if objects else node

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

    def _check_links(self, name: str) -> None:
        for link in self._bound[name].links.values():
            self._checked(link)

    def _checked(self, link: Link) -> Link:
        producer = self._bound.get(link.node)
        if producer is None or not 0 <= link.slot < len(producer.spec.outputs):
            raise ValueError(f"a link it adds leads to output {link.slot} of node {link.node!r}, which does not exist")
        return link

    def _needed(self, targets: Iterable[str], added: Sequence[str], cached: Callable[[str], bool]) -> tuple[str, ...]:
        new, found = frozenset(added), set[str]()
        stack = list(targets)
        while stack:
            name = stack.pop()
            if name in new and name not in found and not cached(name):
                found.add(name)
                stack.extend(link.node for link in self._bound[name].links.values())
        return tuple(name for name in added if name in found)


def bind_child(child: str, info: Mapping[str, Any], registry: Registry, names: Mapping[str, str]) -> BoundNode:
    """One node of an expansion's graph, its links by full id and its widgets' values coerced.

    names: full ids by the names the graph uses. Raises ValueError.
    """
    class_type = info.get("class_type")
    spec = registry.find(class_type) if isinstance(class_type, str) else None
    if spec is None:
        raise ValueError(f"the node {child!r} it adds is of the unknown class {class_type!r}")
    inputs = info.get("inputs", {})
    known = spec.inputs_given(inputs)
    unknown = [field for field in inputs if field not in known and field not in spec.ignored_inputs]
    if unknown:
        raise ValueError(f"the node {child!r} it adds has an input {unknown[0]!r}, which {class_type} does not know")
    literals: dict[str, Any] = {}
    links: dict[str, Link] = {}
    for field, given in known.items():
        link = _link(inputs.get(field), names)
        if link is not None:
            links[field] = link
        elif field in inputs:
            literals[field] = _value(child, given, inputs[field])
        elif given.required:
            raise ValueError(f"the node {child!r} it adds lacks the input {field!r} of {class_type}")
        elif given.default is not MISSING:
            literals[field] = given.default
    return BoundNode(spec, literals, links)


def _link(raw: Any, names: Mapping[str, str]) -> Link | None:
    link = link_of(raw)
    return Link(names.get(link.node, link.node), link.slot) if link else None


def _output(value: Any, names: Mapping[str, str]) -> Any:
    link = _link(value, names)
    return literal_of(value) if link is None else link


def _value(child: str, given: InputSpec, raw: Any) -> Any:
    """The value of an input: coerced if it is a widget's, as it is on a wire, where an expansion may put any object."""
    if given.widget is None:
        return literal_of(raw)
    try:
        return coerce(given, raw)
    except Fault as fault:
        raise ValueError(f"the node {child!r} it adds: {given.name}: {fault.said} {fault.fix}") from fault


def _plain(value: Any) -> bool:
    """Whether a file could hold this value: JSON, however deep."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack += item
        elif isinstance(item, dict):
            stack += item.values()
        elif not isinstance(item, str | int | float | None):
            return False
    return True


def _gone(values: Mapping[str, Any], context: Any) -> tuple[Any, ...]:
    raise ValueError("a value that was put into the graph by an expansion is not there any more")


GIVEN = BoundNode(NodeSpec("value", {}, (OutputSpec("value", ANY),), _gone), {}, {})
"""Stands for a value that an expansion put into the graph; the executor provides it, and it never runs."""
