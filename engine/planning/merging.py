"""Merging: several graphs become one, in which a step that several have in common stands once.

Two nodes are the same step if their content keys are equal: the same class with the same values on the same parents,
whatever their ids. An output node is a step of its own in each graph: every graph writes its own pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.graph.values import BoundNode
from engine.planning.collector import collector_paused
from engine.planning.files import Files
from engine.planning.keys import KeyMaker, StepRecord, is_lasting
from engine.planning.order import missing_before, order
from schemas.prompt import Link


@dataclass(frozen=True)
class Merged:
    """Graphs as one. Steps are named "graph/node" after the first graph that has them.

    bound: every step, with links to steps. places: which nodes a step is, as (graph, node id); the first owns it.
    targets: the steps that a graph wants. records: of every step, parents before their readers.
    """

    bound: dict[str, BoundNode] = field(default_factory=dict)
    places: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    targets: dict[int, list[str]] = field(default_factory=dict)
    records: dict[str, StepRecord] = field(default_factory=dict)

    def in_order(self, grouped: bool) -> dict[str, StepRecord]:
        """The records in the order that steps run.

        grouped: bring together what uses one set of weights, over all graphs, so that each set is loaded once although
        not all fit in memory together; else finish one graph after the other.
        """
        wanted = [step for targets in self.targets.values() for step in targets]
        with collector_paused():
            found = order(self.bound, wanted) if grouped else missing_before(self.bound, wanted)
        return {step: self.records[step] for step in found}


class Merger:
    """Merges graphs, one added after the other. keys: makes their keys; all see one state of the disk."""

    def __init__(self, files: Files) -> None:
        """Nothing is added yet."""
        self.keys = KeyMaker(files, fresh_outputs=True)
        self.merged = Merged()
        self._steps: dict[str, str] = {}

    def add(self, graph: int, bound: Mapping[str, BoundNode], targets: Sequence[str]) -> dict[str, str]:
        """Add what the targets of one graph need; the content key of each of its nodes.

        Raises FileMissing, ModelFileInvalid; then nothing was added.
        """
        records: dict[str, StepRecord] = {}
        for node in missing_before(bound, targets):
            records[node] = self.keys.record(bound[node], records)
        merged, steps = self.merged, dict[str, str]()
        for node, record in records.items():
            step = steps[node] = self._steps.get(record.key) or f"{graph}/{node}"
            merged.places.setdefault(step, []).append((graph, node))
            if step in merged.bound:
                continue
            links = {name: Link(steps[link.node], link.slot) for name, link in bound[node].links.items()}
            merged.bound[step], merged.records[step] = replace(bound[node], links=links), record
            if is_lasting(record.key):
                self._steps[record.key] = step
        merged.targets[graph] = [steps[node] for node in dict.fromkeys(targets)]
        return {node: record.key for node, record in records.items()}
