"""prune: what the outputs of a graph need, and what may stay unrun. Iterative, linear."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from engine.catalogue.catalogue import Find, known
from engine.graph.build import Graph


@dataclass(frozen=True)
class Needed:
    """Nodes that outputs need. strong: in any case, outputs included; lazy: only if some node asks on the way."""

    strong: frozenset[str]
    lazy: frozenset[str]

    def __contains__(self, name: object) -> bool:
        """Whether a node is needed, in any case or perhaps."""
        return name in self.strong or name in self.lazy


def outputs_of(graph: Graph) -> list[str]:
    """Ids of the nodes whose class writes results, in the file's order."""
    return [name for name, data in graph.nodes(data=True) if data["spec"] is not None and data["spec"].output_node]


def possible_outputs(graph: Graph, find: Find = known) -> list[str]:
    """Ids of nodes of unknown classes that may write results, for all we know of them. find: the schema of a class."""
    found = []
    for name, data in graph.nodes(data=True):
        if data["spec"] is None:
            schema = find(data["node"].class_type)
            if schema is None or schema.output_node:
                found.append(name)
    return found


def needed(graph: Graph, outputs: Iterable[str]) -> Needed:
    """Everything these outputs need, themselves included; cycles are no obstacle."""
    roots = list(outputs)
    strong = _reached(roots, lambda name: _producers(graph, name, lazy=False))
    everything = _reached(roots, lambda name: _producers(graph, name, lazy=True))
    return Needed(frozenset(strong), frozenset(everything - strong))


def _producers(graph: Graph, consumer: str, lazy: bool) -> Iterator[str]:
    """What a node reads; without lazy, only what it reads in any case."""
    for producer, edge in graph.pred[consumer].items():
        if lazy or not all(wire.lazy for wire in edge["wires"]):
            yield producer


def _reached(roots: list[str], producers: Callable[[str], Iterable[str]]) -> set[str]:
    found, waiting = set(roots), list(roots)
    while waiting:
        for name in producers(waiting.pop()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found
