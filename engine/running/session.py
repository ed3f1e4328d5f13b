"""Session: one process, many files, one cache."""

import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from engine.errors import Interrupted, NodeFailed
from engine.graph.values import BoundNode
from engine.planning.files import Files
from engine.planning.plan import make_plan, plan_run
from engine.plugins.registry import Registry
from engine.running.cache import Models, OutputCache
from engine.running.context import Pictures, Services, Sink, Stop
from engine.running.execute import Execution
from engine.running.flow import Holds
from engine.running.outputs import picture_metadata
from engine.running.peak import PeakWatch
from schemas.context import MemoryLedger
from schemas.plan import Plan
from schemas.report import Peak, RunReport
from schemas.workflow import Workflow


class Ledger(MemoryLedger, Holds, Protocol):
    """What a session asks of engine.memory.Ledger."""


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
        nodes = workflow.prompt.nodes
        execution = Execution(
            plan_run(workflow.name, bound, _targets(bound, targets), self.cache, self._files),
            bound,
            self.cache,
            self._registry,
            self._services(workflow),
            lambda name: nodes[name].title if name in nodes else None,
            self._ledger,
        )
        report = RunReport(file=workflow.name, status="done")
        with PeakWatch() as watch:
            try:
                execution.run()
            except NodeFailed as error:
                report.status, report.error, report.failed_node = "failed", str(error), error.node
                self.failure = "".join(traceback.format_exception(error))
            except Interrupted as error:
                report.status, report.error = "interrupted", str(error)
        report.steps = execution.steps()
        report.outputs = execution.outputs()
        report.loras = execution.loras
        report.peak = Peak(ram=watch.bytes, vram=self._video_peak() if self._video_peak else 0)
        return report

    def _services(self, workflow: Workflow) -> Services:
        texts: dict[Models, Mapping[str, str]] = {}

        def metadata(models: Models) -> Mapping[str, str]:
            if models not in texts:
                listed = sorted(models, key=lambda used: (used[0].folder, used[0].name, used[1]))
                texts[models] = picture_metadata(workflow.prompt, workflow.workflow, listed, self._device)
            return texts[models]

        return Services(
            self._files,
            self._pictures,
            self._ledger,
            self._device,
            self._dtype,
            self._threads,
            self._stop,
            self._sink,
            metadata,
        )


def _targets(bound: Mapping[str, BoundNode], targets: Iterable[str] | None) -> list[str]:
    """The wanted nodes; by default every one that writes results."""
    return [name for name, node in bound.items() if node.spec.output_node] if targets is None else list(targets)
