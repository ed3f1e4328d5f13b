"""Plan: a bound graph, the disk and the cache become steps in order, each with what would happen to it, and why."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from engine.graph.values import BoundNode
from engine.planning.collector import collector_paused
from engine.planning.files import Files
from engine.planning.keys import KeyMaker, StepRecord
from engine.planning.lifetimes import drops_of
from engine.planning.order import order
from engine.planning.reasons import reason
from engine.planning.wires import Wires
from schemas.plan import FileNeed, Plan, PlanStep

State = Literal["run", "cached", "lazy"]

NOT_NEEDED = "not needed: what reads it is cached"


class Known(Protocol):
    """What planning asks of the cache."""

    def has(self, key: str) -> bool:
        """Whether the outputs of that key are there, and every file they wrote still is."""

    def last(self, node: str) -> StepRecord | None:
        """The record of this node id when it last ran."""

    def lost(self, key: str) -> str | None:
        """Why outputs that were once there are not, in words, if that is known."""


@dataclass(frozen=True)
class PlannedRun:
    """What the executor needs of a plan; the rest is for people, and only made for them.

    records: of every node the targets need, in the order they would run. states: what becomes of each; nodes without
    one stand behind cached ones and are not needed. keys: makes the records of nodes that are added on the way.
    """

    file: str
    records: dict[str, StepRecord]
    states: dict[str, State]
    keys: KeyMaker

    def state(self, node: str) -> State:
        """What becomes of a node; one that nobody needs counts as cached."""
        return self.states.get(node, "cached")


def make_plan(
    name: str,
    bound: Mapping[str, BoundNode],
    targets: Iterable[str],
    cache: Known,
    files: Files,
    titles: Mapping[str, str | None] | None = None,
) -> Plan:
    """What running `targets` would do, step by step, in words that a person can check.

    name: the file's, for the report. targets: ids of the nodes whose outcome is wanted. titles: of nodes, by id.
    Raises FileMissing, ModelFileInvalid.
    """
    planned = plan_run(name, bound, targets, cache, files)
    nodes = list(planned.records)
    reads = {node: list(dict.fromkeys(link.node for link in bound[node].links.values())) for node in nodes}
    drops = drops_of(nodes, {node: reads[node] for node in nodes if planned.state(node) != "cached"})
    steps = [
        PlanStep(
            node=node,
            class_type=record.class_type,
            title=titles.get(node) if titles else None,
            state=planned.state(node),
            reason=_reason(planned.states.get(node), record, bound[node], cache.last(node), cache),
            key=record.key,
            reads=reads[node],
            drops=drops.get(node, []),
            files=_needs(planned.keys, bound[node]),
        )
        for node, record in planned.records.items()
    ]
    return Plan(file=name, steps=steps)


def plan_run(
    name: str, bound: Mapping[str, BoundNode], targets: Iterable[str], cache: Known, files: Files
) -> PlannedRun:
    """As make_plan, without the words. Raises FileMissing, ModelFileInvalid."""
    wanted = list(dict.fromkeys(targets))
    keys = KeyMaker(files)
    records: dict[str, StepRecord] = {}
    with collector_paused():
        for node in order(bound, wanted):
            records[node] = keys.record(bound[node], records)
        return PlannedRun(name, records, states_of(bound, wanted, records, cache), keys)


def states_of(
    bound: Mapping[str, BoundNode], targets: Iterable[str], records: Mapping[str, StepRecord], cache: Known
) -> dict[str, State]:
    """What becomes of each node that the targets need. What stands only behind cached nodes is needed by nobody."""
    wires = Wires()
    states: dict[str, State] = {}
    optional: list[str] = []

    def visit(stack: list[str], state: State) -> None:
        while stack:
            node = stack.pop()
            if node in states:
                continue
            if cache.has(records[node].key):
                states[node] = "cached"
                continue
            states[node] = state
            stack.extend(wires.strong(bound[node]))
            optional.extend(wires.lazy(bound[node]))

    visit(list(targets), "run")
    visit(optional, "lazy")
    return states


def _reason(state: State | None, now: StepRecord, node: BoundNode, before: StepRecord | None, cache: Known) -> str:
    if state is None:
        return NOT_NEEDED
    if state == "cached":
        return ""
    if node.spec.cached and before and before.key == now.key:
        return cache.lost(now.key) or "no longer in the cache"
    return reason(before, now, node.spec.cached)


def _needs(maker: KeyMaker, node: BoundNode) -> list[FileNeed]:
    """The files a step names, with their sizes."""
    found = [file for _, file in maker.files_of(node)]
    return [FileNeed(name=file.name, path=file.path, bytes=os.path.getsize(file.path)) for file in found]
