"""Session: several graphs in one process, checked, planned and run; what one has computed, the next need not."""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from engine import accelerators
from engine.catalogue.catalogue import Catalogue
from engine.catalogue.object_info import read_file as read_object_info
from engine.errors import FileMissing, GraphInvalid, ModelFileInvalid
from engine.folders import Folders
from engine.graph.check import Checked, examine
from engine.graph.values import BoundNode, bind
from engine.memory import Ledger
from engine.plugins.registry import Registry
from schemas.plan import Plan
from schemas.report import Event, Problem, RunReport, Warned
from schemas.settings import Settings
from schemas.workflow import Workflow

if TYPE_CHECKING:
    from engine.disk_cache.disk_cache import DiskCache
    from engine.running.context import Pictures
    from engine.running.session import Session as Running


def catalogue(settings: Settings | None = None) -> Catalogue:
    """What is known of node classes, ours or not. Raises GraphInvalid for schemas that cannot be read."""
    files = (settings or Settings()).object_info
    return _catalogue(tuple((path, path.absolute(), _version(path)) for path in files))


@lru_cache(maxsize=4)
def _catalogue(files: tuple[tuple[Path, Path, int], ...]) -> Catalogue:
    """One for a process and these files: classes read once stay read. files: as named, where they are, how old."""
    return Catalogue(Registry.builtin().specs, [read_object_info(path) for path, _, _ in files])


def _version(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # reading it will tell
        return 0


def all_models_stay(settings: Settings) -> bool:
    """Whether every model that was loaded may stay in memory, so that one graph can be finished before the next begins.

    On a processor without a limit: there weights are pages of their files. Raises GraphInvalid for an unknown device.
    """
    return settings.ram is None and accelerators.resolve(settings.device) == "cpu"


class Task(NamedTuple):
    """One of several graphs that are run together. job: the caller's number. pictures: where they go; None: as set."""

    job: int
    workflow: Workflow
    pictures: "Pictures | None" = None


class Session:
    """Several graphs in one process: one cache of outputs, one set of loaded models."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        events: Callable[[Event], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
        registry: Registry | None = None,
    ) -> None:
        """registry: other node classes than the ones comfyless brings. Raises GraphInvalid for bad settings."""
        self.settings = settings or Settings()
        self.registry = registry or Registry.builtin()
        self.folders = folders_of(self.settings)
        self._catalogue = catalogue(self.settings)
        self._events, self._stop = events, stop

    def validate(self, workflow: Workflow) -> list[Problem]:
        """All that is wrong with a graph, at once."""
        return self._examined(workflow).problems

    def plan(self, workflow: Workflow) -> Plan:
        """What `run` would do now, and why. Raises GraphInvalid if the graph cannot run."""
        bound, targets = self.bound(workflow)
        try:
            return self._running.plan(workflow, bound, targets)
        except (FileMissing, ModelFileInvalid) as error:
            from engine.running.session import file_problem

            raise GraphInvalid([file_problem(workflow.name, error)]) from error

    def bound(self, workflow: Workflow) -> tuple[dict[str, BoundNode], list[str]]:
        """The nodes that a run needs, ready to be planned, and its targets. Raises GraphInvalid if it cannot run."""
        checked = self._examined(workflow, to_run=True)
        if checked.problems:
            raise GraphInvalid(checked.problems)
        return self._bound(workflow, checked), checked.outputs

    def run(self, workflow: Workflow) -> RunReport:
        """Run a graph, unless something is wrong with it. What other graphs have computed before is not done again."""
        checked = self._examined(workflow, to_run=True)
        if checked.problems:
            return RunReport(file=workflow.name, status="invalid", problems=checked.problems)
        try:
            self._ledger.reset_peak(self._device)
            return self._running.run(workflow, self._bound(workflow, checked), checked.outputs)
        except (FileMissing, ModelFileInvalid) as error:
            from engine.running.session import file_problem

            return RunReport(file=workflow.name, status="invalid", problems=[file_problem(workflow.name, error)])

    def run_all(
        self,
        tasks: "Sequence[Task]",
        ended: Callable[[int, RunReport, str | None], None],
        event: Callable[[int, Event], None] | None = None,
    ) -> None:
        """Run several graphs as one: what they share is done once, and a set of weights is loaded once.

        ended: told of each task, as soon as it is over, its report, and the traceback if a node failed. One that fails,
        or cannot run, stops no other. Each writes its own pictures, even if its like was run before. What is computed
        for several is counted, in `RunReport.work`, in the first. event: told what happens in each.
        """
        from engine.running.session import BoundTask

        ready = []
        for task in tasks:
            checked = self._examined(task.workflow, to_run=True)
            if checked.problems:
                report = RunReport(file=task.workflow.name, status="invalid", problems=checked.problems)
                ended(task.job, report, None)
                continue
            bound = self._bound(task.workflow, checked)
            told = None if event is None else partial(event, task.job)
            ready.append(BoundTask(task.job, task.workflow, bound, checked.outputs, task.pictures, told))
        self._ledger.reset_peak(self._device)
        self._running.run_all(ready, ended, grouped=not all_models_stay(self.settings))

    def forget_models(self) -> None:
        """Let go of all loaded weights; what was computed with them stays cached."""
        self._ledger.drop_all("on request")

    def close(self) -> None:
        """Write what is still to be kept on disk. What is in memory goes with the session, and nobody is told of it."""
        if self._disk is not None:
            self._disk.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def failure(self) -> str | None:
        """The traceback of the last run, as text, if a node failed in it."""
        return self._running.failure

    def _examined(self, workflow: Workflow, to_run: bool = False) -> Checked:
        checked = examine(workflow, self.registry, self.folders, to_run, self._catalogue.find)
        if not checked.problems:
            for note in checked.notes:
                self._warn(note)
        return checked

    def _bound(self, workflow: Workflow, checked: Checked) -> dict[str, BoundNode]:
        wanted = (name for name in workflow.prompt.nodes if name in checked.needed)
        return bind(workflow.prompt, self.registry, wanted)

    @cached_property
    def _device(self) -> str:
        return accelerators.resolve(self.settings.device)

    @cached_property
    def _ledger(self) -> Ledger:
        budgets = {self._device: self.settings.vram} if self._device != "cpu" else {}
        return Ledger({**budgets, "cpu": self.settings.ram}, tell=self._events)

    @cached_property
    def _disk(self) -> "DiskCache | None":
        from engine.disk_cache.disk_cache import DiskCache, surroundings

        settings = self.settings
        if not isinstance(settings.cache, Path):
            return None
        return DiskCache(settings.cache, settings.cache_size, surroundings(self._device, settings.dtype), self._warn)

    def _warn(self, said: str) -> None:
        if self._events is not None:
            self._events(Warned("warned", None, said))

    @cached_property
    def _running(self) -> "Running":
        from engine.running.cache import OutputCache
        from engine.running.outputs import OutputFolder
        from engine.running.session import Session as Running

        settings = self.settings
        device = self._device
        return Running(
            self.registry,
            self.folders,
            OutputFolder(settings.output, settings.temp),
            self._ledger,
            cache=OutputCache(settings.memory_cache, self._disk),
            device=device,
            dtype=settings.dtype,
            threads=settings.threads,
            stop=self._stop,
            sink=self._events,
            video_peak=None if device == "cpu" else lambda: self._ledger.peak(device),
        )


def folders_of(settings: Settings) -> Folders:
    """The folders of the settings."""
    return Folders(settings.models, settings.extra_model_paths, settings.input, settings.output, settings.temp)
