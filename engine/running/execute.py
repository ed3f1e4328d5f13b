"""Execute: a planned run, node by node.

Which node comes next is the flow's business, how lists become calls is the mapping's, what a node that gives a graph
becomes is the grafter's; here they meet the nodes, the cache and whoever listens. Nothing recurses over the graph.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from engine.errors import Interrupted, NodeFailed
from engine.graph.values import BoundNode
from engine.planning.collector import collector_paused
from engine.planning.keys import is_lasting
from engine.planning.plan import PlannedRun
from engine.planning.wires import Wires
from engine.plugins.registry import Registry
from engine.running.cache import NO_DIGESTS, NO_MODELS, Digests, Entry, Models, OutputCache
from engine.running.context import NodeContext, Services
from engine.running.digests import digest
from engine.running.expansion import Grafter
from engine.running.flow import Flow, Holds, place_of, rank
from engine.running.lazy import UNASKED, asked
from engine.running.mapping import Items, blocking, calls, checked, joined
from schemas.node import Blocked, Expansion, NodeSpec
from schemas.prompt import Link
from schemas.report import LoraReport, StepDone, StepReport, StepStarted, StepState


@dataclass(slots=True)
class _Waiting:
    """A node that gave graphs, until their outputs are there; results and reads as in its Graft."""

    results: tuple[tuple[Any, ...], ...]
    reads: tuple[str, ...]
    context: NodeContext


class Owners(Protocol):
    """Whose the steps of a run are. One graph owns all, or each step of merged graphs is somebody's."""

    def services(self, step: str) -> Services:
        """What the contexts of a step share."""

    def node(self, step: str) -> str:
        """The id of a step in its owner's graph."""

    def title(self, step: str) -> str | None:
        """The title of a step in its owner's graph."""

    def known_as(self, step: str) -> str | None:
        """The name under which its record is kept for the reasons of the next plan; None: it is not."""

    def done(self, step: str) -> None:
        """A step has its outputs."""

    def failed(self, step: str, given_up: Collection[str], cause: NodeFailed) -> Iterable[str]:
        """A step has failed, and these will not be done; the targets that nobody wants any more for it.

        Raises the cause if all is over.
        """

    def wanted(self) -> Container[str]:
        """The targets that somebody still wants."""


class Execution:
    """One run of one plan. After `run`, or after it raised, it tells what became of each step.

    bound: all steps by id. owners: whose they are. holds: hears of the weights that later steps may still use; None if
    nobody cares.
    """

    def __init__(
        self,
        planned: PlannedRun,
        bound: Mapping[str, BoundNode],
        cache: OutputCache,
        registry: Registry,
        owners: Owners,
        holds: Holds | None = None,
    ) -> None:
        """Nothing runs yet."""
        self._planned = planned
        self._bound = dict(bound)
        self._records = dict(planned.records)
        self._cache = cache
        self._owners = owners
        self._flow = Flow(self._bound, holds, self._restore)
        self._grafter = Grafter(self._bound, self._records, planned.keys, registry)
        self._waiting: dict[str, _Waiting] = {}
        self._reports: dict[str, StepReport] = {}
        self._saved: dict[str, tuple[str, ...]] = {}
        self._loras: dict[str, tuple[LoraReport, ...]] = {}
        self._asked: dict[str, set[str]] = {}
        self._recalled: set[str] = set()
        self._wires = Wires()
        self._begun: dict[str, float] = {}
        self._grafts = 0

    def run(self) -> None:
        """Run what the plan says must run. Raises NodeFailed and Interrupted; what was done until then stays cached."""
        try:
            with collector_paused():
                self._begin()
            while (node := self._flow.next()) is not None:
                self._services(node).check_stop()
                self._go_on(node)
            self._refuse_circles()
        except KeyboardInterrupt as error:
            raise Interrupted("stopped from the keyboard") from error
        finally:
            self._flow.close()
            known = {node: self._owners.known_as(node) for node in self._reports}
            self._cache.remember({name: self._records[node] for node, name in known.items() if name is not None})
        for node in self._planned.records:
            if node not in self._reports:
                self._settle(node, "skipped")

    def steps(self) -> list[StepReport]:
        """Every step that was settled, in the plan's order, and then those that only an expansion brought into play."""
        ordered = dict.fromkeys((*self._planned.records, *self._reports))
        return [self._reports[node] for node in ordered if node in self._reports]

    def outputs(self) -> dict[str, list[str]]:
        """Paths of the files that each node wrote, in this run or in the one it is cached from."""
        return {node: list(self._saved[node]) for node in self._planned.records if self._saved.get(node)}

    def step(self, node: str) -> StepReport | None:
        """What became of a step; None if nothing has yet."""
        return self._reports.get(node)

    def saved(self, node: str) -> tuple[str, ...]:
        """Paths of the files that a step wrote."""
        return self._saved.get(node, ())

    def loras(self, nodes: Iterable[str] | None = None) -> list[LoraReport]:
        """How the LoRAs fit that these steps loaded, by default all, in the order in which that was found out."""
        wanted = self._loras if nodes is None else [node for node in nodes if node in self._loras]
        return [report for node in wanted for report in self._loras[node]]

    def _services(self, node: str) -> Services:
        return self._owners.services(self._grafter.root(node))

    def _begin(self) -> None:
        """Expect what may run, provide what is cached, start what must run; in the plan's order."""
        cached, needed = [], []
        for place, node in enumerate(self._planned.records):
            self._flow.ranks[node] = rank(place)
            state = self._planned.state(node)
            if state == "cached":
                cached.append(node)
                continue
            self._flow.expect(node)
            if state == "run":
                needed.append(node)
        for node in cached:
            key = self._records[node].key
            if self._cache.lies_on_disk(key):
                if self._flow.is_read(node):
                    self._recalled.add(node)
                    self._flow.recall(node)
                    continue
            elif (entry := self._cache.get(key)) is not None:
                self._flow.provide(node, entry)
                self._saved[node] = entry.saved
                self._keep_loras(node, entry)
            self._settle(node, "cached")
        for node in needed:
            self._flow.start(node)

    def _restore(self, node: str) -> Entry | None:
        record = self._records.get(node)
        return self._cache.get(record.key) if record else None

    def _go_on(self, node: str) -> None:
        """One ready node: taken from the cache if its like has run meanwhile, called, or finished after waiting."""
        key = self._records[node].key
        waiting = self._waiting.get(node)
        known = self._cache.get(key) if waiting is None and is_lasting(key) else None
        if known is not None:
            self._recalled.discard(node)
            self._finish(node, known, "cached")
            return
        if node in self._recalled:  # damaged, or dropped by another process since it was planned
            self._recalled.discard(node)
            self._flow.recompute(node)
            return
        begun = perf_counter()
        try:
            outcome = self._call(node) if waiting is None else self._collect(node, waiting)
        except Interrupted:
            raise
        except Exception as error:
            self._fail(node, error)
            return
        if outcome is not None:
            self._finish(node, *outcome, perf_counter() - begun)
        else:
            self._add_seconds(node, perf_counter() - begun)

    def _call(self, node: str) -> tuple[Entry, StepState, bool] | None:
        """Run a node; what became of it, or None if it has to wait for lazy inputs or for the graph it gave.

        The last is whether weights were used for it.
        """
        bound = self._bound[node]
        spec = bound.spec
        gathered = self._gather(node, bound)
        if gathered is None:
            return None
        inputs, models, digests = gathered
        root = self._grafter.root(node)
        services = self._owners.services(root)
        own = self._owners.node(root)
        if services.sink is not None and root == node:
            done, total = len(self._reports), len(self._planned.records)
            services.sink(StepStarted("step-started", own, spec.class_type, self._owners.title(root), done + 1, total))
        context = NodeContext(own + node[len(root) :], own, services, models, digests)
        before = services.loads()
        results, ran = self._results(spec, inputs, context, services)
        loaded = services.loads() - before
        if loaded:
            services.work.loads += loaded
        values = [result for result in results if not isinstance(result, Expansion)]
        if len(values) < len(results):
            self._graft(node, results, context)
            return None
        outputs = joined(values, spec)
        if context.computed and (told := digest(outputs)) is not None:
            digests |= {(self._records[node].key, told)}
        entry = Entry(outputs, context.models, tuple(context.saved), tuple(context.loras), digests)
        return entry, "run" if ran else "skipped", context.computed

    def _gather(self, node: str, bound: BoundNode) -> tuple[dict[str, Sequence[Any]], Models, Digests] | None:
        """The items of each input, and what they depend on; None if the node has to wait for more.

        A lazy input is there only if the node has asked for it, and not because some other node needed it too: what
        comes out must depend on the node's key alone.
        """
        lazy = self._wires.lazy_inputs(bound.spec)
        if not lazy:
            return self._items(bound, lazy)
        known = self._asked.setdefault(node, set())
        while True:
            inputs, models, digests = self._items(bound, lazy - known)
            fields = asked(bound.spec, inputs)
            if not fields:
                del self._asked[node]
                return inputs, models, digests
            known.update(fields)
            missing = [name for name in (bound.links[field].node for field in fields) if name not in self._flow.values]
            if missing:
                self._flow.ask(node, missing)
                return None

    def _items(self, bound: BoundNode, hidden: Set[str]) -> tuple[dict[str, Sequence[Any]], Models, Digests]:
        models, digests = NO_MODELS, NO_DIGESTS
        inputs: dict[str, Sequence[Any]] = {field: (value,) for field, value in bound.literals.items()}
        for field, link in bound.links.items():
            if field in hidden:
                inputs[field] = UNASKED
                continue
            entry = self._flow.values[link.node]
            inputs[field] = entry.outputs[link.slot]
            if entry.models:
                models |= entry.models
            if entry.digests:
                digests |= entry.digests
        return inputs, models, digests

    def _results(
        self, spec: NodeSpec, inputs: Mapping[str, Sequence[Any]], context: NodeContext, services: Services
    ) -> tuple[list[tuple[Any, ...] | Expansion], bool]:
        """What each call gave, and whether any was made: a blocked one is not, and blocks its outputs in silence."""
        results: list[tuple[Any, ...] | Expansion] = []
        messages: dict[str, None] = {}
        ran = False
        for values in calls(inputs, spec):
            services.check_stop()
            blocked = blocking(values, spec.input_is_list)
            if blocked is None:
                ran = True
                results.append(checked(spec.run(values, context), spec))
                continue
            if blocked.message is not None:
                messages[blocked.message] = None
            results.append(checked(Blocked(), spec))
        for message in messages:
            context.warn(message)
        return results, ran

    def _graft(self, node: str, results: Sequence[tuple[Any, ...] | Expansion], context: NodeContext) -> None:
        """Put the graphs that a node gave into the running one, and let the node wait for them."""
        graft = self._grafter.graft(node, results, lambda name: self._cache.has(self._records[name].key))
        self._grafts += 1
        place = place_of(self._flow.ranks[node])
        for index, name in enumerate(graft.added):
            self._flow.ranks[name] = rank(place, self._grafts, index)
            self._flow.expect(name)
        for name, value in graft.values.items():
            self._flow.provide(name, Entry(([value],), context.models, digests=context.digests))
        self._waiting[node] = _Waiting(graft.results, graft.reads, context)
        self._flow.read_instead(node, graft.reads)
        self._flow.ask(node, graft.reads)

    def _collect(self, node: str, waiting: _Waiting) -> tuple[Entry, StepState, bool]:
        """The outputs of a node that gave graphs, now that these are done."""
        del self._waiting[node]
        values = self._flow.values
        models, digests, saved = waiting.context.models, waiting.context.digests, dict.fromkeys(waiting.context.saved)
        for name in waiting.reads:
            models |= values[name].models
            digests |= values[name].digests
            saved |= dict.fromkeys(values[name].saved)
        results = [
            [Items(values[value.node].outputs[value.slot]) if type(value) is Link else value for value in outputs]
            for outputs in waiting.results
        ]
        return Entry(joined(results, self._bound[node].spec), models, tuple(saved), (), digests), "run", False

    def _finish(self, node: str, entry: Entry, state: StepState, computed: bool = False, seconds: float = 0.0) -> None:
        """Hand on what a node gave. computed: whether weights were used for it, so that it is worth keeping."""
        record = self._records[node]
        self._keep_loras(node, entry)
        if state == "run" and is_lasting(record.key) and not (entry.saved and self._planned.keys.fresh_outputs):
            self._cache.put(record.key, entry, record.class_type, seconds, computed)
        parent = self._grafter.parents.get(node)
        if parent is None:
            self._saved[node] = entry.saved
            self._settle(node, state, seconds)
        else:
            self._add_seconds(node, seconds)
            if parent in self._waiting:
                self._waiting[parent].context.saved += entry.saved
        self._flow.finish(node, entry)
        if parent is None:
            self._owners.done(node)

    def _keep_loras(self, node: str, entry: Entry) -> None:
        """For the report, also of what was cached."""
        if entry.loras:
            self._loras[node] = entry.loras

    def _add_seconds(self, node: str, seconds: float) -> None:
        """Count time for a step that goes on later: one that waits, or one whose graph this node is from."""
        root = self._grafter.root(node)
        self._begun[root] = self._begun.get(root, 0.0) + seconds

    def _settle(self, node: str, state: StepState, seconds: float = 0.0) -> None:
        seconds += self._begun.pop(node, 0.0)
        class_type = self._records[node].class_type
        own = self._owners.node(self._grafter.root(node))
        self._reports[node] = StepReport(node=own, class_type=class_type, state=state, seconds=seconds)
        sink = self._services(node).sink
        if sink is not None:
            done, total = len(self._reports), len(self._planned.records)
            sink(StepDone("step-done", own, class_type, state, seconds, done, max(done, total)))

    def _fail(self, node: str, error: Exception) -> None:
        """Give up a node, what needs it, and what is wanted no more without it; or all, as the owners say.

        The node that failed is one of the user's graph; if the fault is in a node it gave, that one is the cause.
        """
        root = self._grafter.root(node)
        cause = self._cause(node, root, error)
        try:
            unwanted: Iterable[str] = [node]
            while unwanted:  # what fails with the node, then the targets that fall with it
                given_up = self._flow.abandon(unwanted, keep=self._owners.wanted())
                for name in given_up:
                    self._waiting.pop(name, None)
                    self._asked.pop(name, None)
                unwanted = self._owners.failed(root, {root, *map(self._grafter.root, given_up)}, cause)
        finally:
            del cause, error  # a traceback keeps its frames, which must not keep the error in turn

    def _cause(self, node: str, root: str, error: Exception) -> NodeFailed:
        if root != node:
            inside = self._owners.node(root) + node[len(root) :]
            inner = NodeFailed(inside, None, self._records[node].class_type, error)
            inner.__cause__ = error
            error = inner
        cause = NodeFailed(self._owners.node(root), self._owners.title(root), self._records[root].class_type, error)
        cause.__cause__ = error
        return cause

    def _refuse_circles(self) -> None:
        """Nodes that are left when none can run wait for one another: an expansion linked to what waits for it."""
        while self._waiting:
            self._fail(next(iter(self._waiting)), ValueError("the graph it gave waits for this node's own result"))
