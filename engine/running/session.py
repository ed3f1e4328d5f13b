"""Session: one process, many files, one cache."""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.errors import FileMissing, Interrupted, ModelFileInvalid, NodeFailed
from engine.graph.values import BoundNode
from engine.planning.files import Files
from engine.planning.merging import Merged, Merger
from engine.planning.plan import PlannedRun, make_plan, plan_run, states_of
from engine.planning.shapes import graph_shape, shapes_of
from engine.plugins.registry import Registry
from engine.running.cache import Digests, Models, OutputCache
from engine.running.context import Pictures, Services, Sink, Stop
from engine.running.execute import Execution
from engine.running.flow import Holds
from engine.running.outputs import picture_metadata
from engine.running.owners import Alone, Member, Together
from engine.running.peak import PeakWatch
from schemas.context import MemoryLedger
from schemas.plan import Plan
from schemas.report import Event, Peak, Problem, RunReport, RunStarted, StepReport, StepState
from schemas.workflow import Workflow


class Ledger(MemoryLedger, Holds, Protocol):
    """What a session asks of engine.memory.Ledger."""

    @property
    def loads(self) -> int:
        """How often something was loaded."""


@dataclass(frozen=True)
class BoundTask:
    """One of several graphs that are run together, checked and bound.

    number: of the caller's. pictures: where its pictures go; None for the session's folder. event: told what happens.
    """

    number: int
    workflow: Workflow
    bound: Mapping[str, BoundNode]
    targets: Sequence[str] | None = None
    pictures: Pictures | None = None
    event: Callable[[Event], None] | None = None


Ended = Callable[[int, RunReport, str | None], None]
"""Told of each task's end: its number, its report, and the traceback, as text, if a node failed."""


class Session:
    """Runs graphs one after the other; what one has computed, the next need not.

    registry: classes that an expansion may name. device: "cpu", "cuda:0", "mps"; dtype: "auto", "fp32", "bf16", "fp16".
    stop: asked between steps, between the calls of a mapped one, and at each progress. sink: told each event as it
    happens; it must return soon and raise nothing. video_peak: bytes of device memory at its fullest during the run.
    failure: the traceback of the last run, as text, if a node failed in it.
    """

    def __init__(
        self,
        registry: Registry,
        files: Files,
        pictures: Pictures,
        ledger: Ledger,
        *,
        cache: OutputCache | None = None,
        device: str = "cpu",
        dtype: str = "auto",
        threads: int | None = None,
        stop: Stop = lambda: False,
        sink: Sink | None = None,
        video_peak: Callable[[], int] | None = None,
    ) -> None:
        """An empty cache, unless one is given to go on with."""
        self.cache = cache if cache is not None else OutputCache()
        self.failure: str | None = None
        self._registry, self._files, self._pictures, self._ledger = registry, files, pictures, ledger
        self._device, self._dtype, self._threads, self._stop, self._sink = device, dtype, threads, stop, sink
        self._video_peak = video_peak

    def plan(self, workflow: Workflow, bound: Mapping[str, BoundNode], targets: Iterable[str] | None = None) -> Plan:
        """What `run` would do with this graph now. Raises FileMissing, ModelFileInvalid."""
        titles = {name: node.title for name, node in workflow.prompt.nodes.items()}
        return make_plan(workflow.name, bound, _targets(bound, targets), self.cache, self._files, titles)

    def run(
        self, workflow: Workflow, bound: Mapping[str, BoundNode], targets: Iterable[str] | None = None
    ) -> RunReport:
        """Run a checked and bound graph for the outcome of `targets`, by default of all its output nodes.

        A node that fails, and a wish to stop, are told in the report; what was done until then stays in the cache.
        Raises FileMissing or ModelFileInvalid if a file that a node names cannot be had, before anything runs.
        """
        self.failure = None
        wanted = _targets(bound, targets)
        planned = plan_run(workflow.name, bound, wanted, self.cache, self._files)
        keys = {node: record.key for node, record in planned.records.items()}
        services = self._services(workflow, self._pictures, self._sink, keys)
        owners = Alone(workflow.prompt, services, wanted)
        execution = Execution(planned, bound, self.cache, self._registry, owners, self._ledger)
        report = RunReport(file=workflow.name, status="done")
        if self._sink is not None:
            self._sink(RunStarted("run-started", workflow.name, len(planned.records)))
        with PeakWatch() as watch:
            try:
                execution.run()
            except NodeFailed as error:
                report.status, report.error, report.failed_node = "failed", str(error), error.node
                self.failure = traceback_of(error)
            except Interrupted as error:
                report.status, report.error = "interrupted", str(error)
        report.steps = execution.steps()
        report.outputs = execution.outputs()
        report.loras = execution.loras()
        report.work = services.work
        report.peak = self._peak(watch)
        self._remember_times(execution, bound, planned.records, [planned.records], watch.bytes)
        return report

    def run_all(self, tasks: Sequence[BoundTask], ended: Ended, grouped: bool = False) -> None:
        """Run checked and bound graphs as one, in which what they share is done once. Each writes its own pictures.

        ended: told of each as soon as it is over; one that fails stops no other, and a wish to stop ends those that
        are left as interrupted. A graph of which a file cannot be had ends as invalid. grouped: see Merged.in_order.
        """
        merger = Merger(self._files)
        members: dict[int, Member] = {}
        by_number = {task.number: task for task in tasks}
        for task in tasks:
            try:
                keys = merger.add(task.number, task.bound, _targets(task.bound, task.targets))
            except (FileMissing, ModelFileInvalid) as error:
                problem = file_problem(task.workflow.name, error)
                ended(task.number, RunReport(file=task.workflow.name, status="invalid", problems=[problem]), None)
                continue
            members[task.number] = self._member(task, keys)
        with PeakWatch() as watch:

            def over(member: Member, cause: NodeFailed | None) -> None:
                report = self._report(by_number[member.graph], member, execution, merger.merged)
                report.peak = self._peak(watch)
                if cause is not None:
                    report.status, report.error, report.failed_node = "failed", str(cause), cause.node
                ended(member.graph, report, None if cause is None else traceback_of(cause))

            owners = Together(merger.merged, members, over)
            execution = self._together(merger, owners, grouped)
            try:
                execution.run()
            except Interrupted as error:
                for member in owners.unfinished():
                    report = self._report(by_number[member.graph], member, execution, merger.merged)
                    report.status, report.error, report.peak = "interrupted", str(error), self._peak(watch)
                    ended(member.graph, report, None)
        graphs = [member.steps.values() for member in members.values()]
        self._remember_times(execution, merger.merged.bound, merger.merged.records, graphs, watch.bytes)

    def _together(self, merger: Merger, owners: Together, grouped: bool) -> Execution:
        merged = merger.merged
        records = merged.in_order(grouped)
        wanted = [step for targets in merged.targets.values() for step in targets]
        planned = PlannedRun("", records, states_of(merged.bound, wanted, records, self.cache), merger.keys)
        return Execution(planned, merged.bound, self.cache, self._registry, owners, self._ledger)

    def _member(self, task: BoundTask, keys: Mapping[str, str]) -> Member:
        """A task as one of several. It speaks as long as it is not over."""
        member = Member(task.number, task.workflow.prompt)
        event = task.event

        def sink(said: Event) -> None:
            if event is not None and member.left:
                event(said)

        pictures = task.pictures or self._pictures
        member.services = self._services(task.workflow, pictures, None if event is None else sink, keys)
        return member

    def _report(self, task: BoundTask, member: Member, execution: Execution, merged: Merged) -> RunReport:
        """What became of one of several graphs; what another one has done for it counts as cached."""
        steps = []
        for node, step in member.steps.items():
            told = execution.step(step)
            if told is None:
                record = merged.records[step]
                told = StepReport(node=node, class_type=record.class_type, state="skipped")
            elif merged.places[step][0] != (member.graph, node):
                state: StepState = "skipped" if told.state == "skipped" else "cached"
                told = StepReport(node=node, class_type=told.class_type, state=state)
            steps.append(told)
        saved = {node: list(paths) for node, step in member.steps.items() if (paths := execution.saved(step))}
        return RunReport(
            file=task.workflow.name,
            status="done",
            steps=steps,
            outputs=saved,
            loras=execution.loras(member.steps.values()),
            work=member.services.work,
        )

    def _remember_times(
        self,
        execution: Execution,
        bound: Mapping[str, BoundNode],
        order: Iterable[str],
        graphs: Iterable[Iterable[str]],
        peak: int,
    ) -> None:
        """Keep on disk how long each step took, and the peak of memory for each of the graphs, for forecasts."""
        if self.cache.disk is None:
            return
        shapes = shapes_of(bound, order)
        took = {shapes[step]: told.seconds for step in shapes if (told := execution.step(step)) and told.state == "run"}
        peaks = {graph_shape(shapes[step] for step in graph): float(peak) for graph in graphs}
        if took:
            self.cache.disk.timed(took | peaks)

    def _peak(self, watch: PeakWatch) -> Peak:
        return Peak(ram=watch.bytes, vram=self._video_peak() if self._video_peak else 0)

    def _services(self, workflow: Workflow, pictures: Pictures, sink: Sink | None, keys: Mapping[str, str]) -> Services:
        """keys: of the graph's nodes, by id."""

        def metadata(models: Models, digests: Digests, node: str) -> Mapping[str, str]:
            listed = sorted(models, key=lambda used: (used[0].folder, used[0].name, used[1]))
            known = dict(digests)
            told = {name: known[key] for name, key in keys.items() if key in known}
            return picture_metadata(workflow.prompt, workflow.workflow, listed, self._device, told, node)

        return Services(
            self._files,
            pictures,
            self._ledger,
            self._device,
            self._dtype,
            self._threads,
            self._stop,
            sink,
            metadata,
            loads=lambda: self._ledger.loads,
        )


def traceback_of(error: NodeFailed) -> str:
    """The traceback as text."""
    return "".join(traceback.format_exception(error))


def _targets(bound: Mapping[str, BoundNode], targets: Iterable[str] | None) -> list[str]:
    """The wanted nodes; by default every one that writes results."""
    return [name for name, node in bound.items() if node.spec.output_node] if targets is None else list(targets)


def file_problem(name: str, error: FileMissing | ModelFileInvalid) -> Problem:
    """A file that went away, or was damaged, between the check and the run. name: of the graph."""
    if isinstance(error, FileMissing):
        return Problem(code="missing-file", file=name, found=error.name, said=str(error), fix="Put it back.")
    return Problem(code="bad-file", file=name, found=error.path, said=f"{error.path} {error.said}", fix=error.fix)
