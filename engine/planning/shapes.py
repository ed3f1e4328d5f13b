"""Shapes: what a step is apart from its seeds and texts. Steps of one shape take about equally long."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from engine.graph.values import BoundNode
from schemas.node import InputSpec, NodeSpec

SHAPE_FORMAT = 1
"""Raise when the layout of a shape's body changes."""
SEEDS = frozenset({"seed", "noise_seed"})
"""Names of seeds, for classes that do not mark theirs with what an editor does with it."""
PEAK = "peak "
"""Stands before the shape of a graph under which its largest memory is kept."""


def shapes_of(bound: Mapping[str, BoundNode], order: Iterable[str]) -> dict[str, str]:
    """A short text for the shape of each step: its class and version, its numbers, choices and files, and its parents'.

    order: of the steps, parents before their readers.
    """
    shapes: dict[str, str] = {}
    told: dict[int, tuple[NodeSpec, frozenset[str]]] = {}
    for step in order:
        node = bound[step]
        if id(node.spec) not in told:
            # The spec is kept beside its answer, so that its id is not given to another one.
            told[id(node.spec)] = node.spec, frozenset(name for name, each in node.spec.possible.items() if _free(each))
        free = told[id(node.spec)][1]
        literals = {name: value for name, value in node.literals.items() if name not in free and name not in SEEDS}
        parents = {name: (shapes[link.node], link.slot) for name, link in node.links.items()}
        body = [SHAPE_FORMAT, node.spec.class_type, node.spec.pack, node.spec.version, literals, parents]
        shapes[step] = _hashed(body)
    return shapes


def graph_shape(shapes: Iterable[str]) -> str:
    """The shape of a whole graph, by those of its steps in any order: what its peak of memory is kept under."""
    return PEAK + _hashed(sorted(set(shapes)))


def _free(given: InputSpec) -> bool:
    """Whether an input changes what comes out but hardly how long it takes: a seed, a text."""
    return given.socket == "STRING" or (given.widget is not None and given.widget.control)


def _hashed(body: Sequence[Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=lambda value: type(value).__qualname__)
    return sha256(text.encode()).hexdigest()[:24]
