"""values: what each node of a sound graph will run with, apart from what comes over wires."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import GraphInvalid
from engine.graph.build import links_of
from engine.graph.literals import Fault, coerce
from engine.plugins.registry import Registry
from engine.reading.printable import clipped
from schemas.node import MISSING, NodeSpec
from schemas.prompt import Link, Prompt
from schemas.report import Problem


@dataclass(frozen=True)
class BoundNode:
    """A node with its class. literals: converted values, defaults of left-out optional inputs among them.

    links: wires by input name. An input stands in one of both, or in neither if it is optional and has no default.
    """

    spec: NodeSpec
    literals: Mapping[str, Any]
    links: Mapping[str, Link]


def bind(prompt: Prompt, registry: Registry, nodes: Iterable[str] | None = None) -> dict[str, BoundNode]:
    """The nodes of a checked prompt, bound; by default all, which are then to be of known classes.

    Raises GraphInvalid if a node cannot be bound, which `check` would have told.
    """
    bound: dict[str, BoundNode] = {}
    problems: list[Problem] = []
    for name in prompt.nodes if nodes is None else nodes:
        node = prompt.nodes[name]
        spec = registry.find(node.class_type)
        if spec is None:
            said, fix = f"there is no node class {node.class_type!r} here.", "Check the graph first."
            problems.append(Problem(code="unknown-class", node=clipped(name), said=said, fix=fix))
            continue
        links = links_of(node, spec)
        literals: dict[str, Any] = {}
        for field, known in spec.inputs_given(node.inputs).items():
            if field in links:
                continue
            try:
                if field in node.inputs:
                    literals[field] = coerce(known, node.inputs[field])
                elif not known.required and known.default is not MISSING:
                    literals[field] = known.default
            except Fault as fault:
                said = f"{field}: {fault.said}"
                problems.append(Problem(code=fault.code, node=clipped(name), field=field, said=said, fix=fault.fix))
        bound[name] = BoundNode(spec, literals, links)
    if problems:
        raise GraphInvalid(problems)
    return bound
