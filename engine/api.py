"""The public surface: what the command line does, for programs.

    from engine import api
    report = api.run(api.load("workflow.json"))

Nothing here imports torch; a node does, when the first one that needs it runs.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from engine import accelerators, reading
from engine.catalogue.catalogue import Catalogue
from engine.catalogue.object_info import read_file as read_object_info
from engine.errors import FileMissing, GraphInvalid, ModelFileInvalid
from engine.folders import Folders
from engine.graph.check import Checked, examine
from engine.graph.uses import ClassUse, uses
from engine.graph.values import BoundNode, bind
from engine.memory import Ledger
from engine.plugins.registry import Registry
from engine.reading.printable import shown
from schemas import weight_types
from schemas.conversion import Conversion, FileNeeded
from schemas.node import NodeSpec
from schemas.node_schema import NodeSchema
from schemas.plan import Plan
from schemas.quantized import Progress, Quantized
from schemas.report import Event, Problem, RunReport, Warned
from schemas.settings import Settings
from schemas.weight_types import WeightType
from schemas.workflow import Workflow

if TYPE_CHECKING:
    from engine.checkpoints.describe import ModelFile
    from engine.disk_cache.disk_cache import DiskCache
    from engine.editor.translating import Options
    from engine.running.context import Pictures
    from engine.running.session import Session as Running

__all__ = [
    "ClassUse",
    "Session",
    "Settings",
    "Task",
    "all_models_stay",
    "catalogue",
    "classes",
    "convert",
    "describe_model",
    "known_nodes",
    "load",
    "located",
    "make_weights",
    "mermaid",
    "model_files",
    "nodes",
    "override",
    "picture",
    "plan",
    "quantize",
    "run",
    "validate",
]

MODEL_FOLDERS = ("checkpoints", "diffusion_models", "text_encoders", "vae", "loras", "controlnet")
"""Folders that `model_files` lists, in this order, before any others."""


def load(
    source: str | Path | bytes,
    name: str | None = None,
    options: "Options | None" = None,
    settings: Settings | None = None,
) -> Workflow:
    """Read a graph: a file by path ("-" is standard input), or its bytes, which `name` stands for in messages.

    API-format JSON, the editor's own format, an envelope around either, or a PNG, WebP or JPEG picture that carries
    one. options: what an editor does when a graph in its format is queued. settings: whose schemas such a graph is read
    with. Raises GraphInvalid, also for schemas that cannot be read.
    """
    found = reading.read(name or "<bytes>", source) if isinstance(source, bytes) else reading.read_file(source)
    if isinstance(found, Workflow):
        return found
    from engine.editor.translating import translate

    known = catalogue(settings)
    workflow = translate(found.name, found.graph, known, options, form=found.form, notes=found.notes)
    used = {node.class_type for node in workflow.prompt.nodes.values()}
    damaged = {kind: why for kind, why in known.damaged.items() if kind in used}
    workflow.notes += [f"object_info: the class {shown(kind)} is passed over: {why}" for kind, why in damaged.items()]
    return workflow


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


def override(workflow: Workflow, sets: Sequence[str], settings: Settings | None = None) -> Workflow:
    """A copy with values changed: each "NODE.FIELD=VALUE", the node by id, or by title or class if it is the only one.

    A node may also be a subgraph's, by the names it shows, or a primitive, whose FIELD is "value".
    settings: whose schemas the graph was read with.
    The editor's own graph, if there is one, changes alike, so that what is saved with a picture restores it; notes tell
    what has no place there. Raises GraphInvalid with a problem for each override that cannot be done.
    """
    from engine.graph import overriding

    return overriding.override(workflow, sets, Registry.builtin(), catalogue(settings))


def located(workflow: Workflow, settings: Settings | None = None) -> Workflow:
    """A workflow that knows where its editor's graph, if any, keeps each literal of its prompt.

    If that graph is damaged, a note tells so, and it stays as it is whatever changes in the prompt.
    """
    from engine.graph import overriding

    return overriding.located(workflow, catalogue(settings))


def picture(workflow: Workflow, settings: Settings | None = None, report: RunReport | None = None) -> bytes:
    """A PNG file that shows a graph as the editor does, and carries it, with problems drawn in red.

    report: of a run of it, to show what failed, what was cached and what was saved instead.
    """
    from engine.graph import picturing

    problems = validate(workflow, settings) if report is None else ()
    return picturing.picture(workflow, catalogue(settings), problems, report)


def mermaid(workflow: Workflow, settings: Settings | None = None) -> str:
    """A graph as mermaid text, for READMEs."""
    from engine.graph import picturing

    return picturing.mermaid(workflow, catalogue(settings))


def convert(
    source: str | Path | bytes | Workflow,
    to: str,
    settings: Settings | None = None,
    *,
    nodes: Sequence[str] = (),
    keep_checkpoint: bool = False,
    name: str | None = None,
) -> Conversion:
    """A graph with its base model stored as `to` ("nf4", "gguf:Q4_K_S", "fp8", "bf16"), and nothing else changed.

    source: a file in API format, the editor's own or a picture, its bytes, or a Workflow. nodes: ids of the loaders to
    convert; all if empty. keep_checkpoint: to GGUF, keep an all-in-one file for text encoders and VAE. name: stands
    for bytes in messages. The models folders are looked into to see what the files hold; they need not be there.
    Raises GraphInvalid with every reason why it cannot be.
    """
    from engine.convert import conversion

    try:
        wanted = weight_types.parse(to)
    except ValueError as error:
        said, _, known = str(error).partition("; there are ")
        raise GraphInvalid(
            [Problem(code="bad-setting", field="to", found=to, said=f"{said}.", fix=f"Give one of {known}.")]
        ) from error
    if isinstance(source, Workflow):
        document = reading.Document(source.name, "api", source.prompt.as_json(), [])
    elif isinstance(source, bytes):
        document = reading.read_document(name or "<bytes>", source)
    else:
        document = reading.read_document_file(source)
    return conversion.convert(document, wanted, _folders(settings or Settings()), nodes, keep_checkpoint)


def validate(workflow: Workflow, settings: Settings | None = None) -> list[Problem]:
    """All that is wrong with a graph, at once; empty if it can run. Raises GraphInvalid for bad settings."""
    return Session(settings).validate(workflow)


def plan(workflow: Workflow, settings: Settings | None = None) -> Plan:
    """What a run would do, step by step. Raises GraphInvalid if the graph cannot run."""
    return Session(settings).plan(workflow)


def run(
    workflow: Workflow,
    settings: Settings | None = None,
    *,
    events: Callable[[Event], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> RunReport:
    """Run a graph. Its problems, its failure or interruption are told in the report, not raised.

    events: told what happens, as it happens. stop: asked between the steps of a sampler whether to stop.
    Raises GraphInvalid for bad settings.
    """
    with Session(settings, events=events, stop=stop) as session:
        return session.run(workflow)


def nodes() -> list[NodeSpec]:
    """Every node class there is, by name."""
    return list(Registry.builtin().all())


def known_nodes(settings: Settings | None = None) -> list[NodeSchema]:
    """Every node class that files in the editor's format may use and still be read, by name; not all can run."""
    known = catalogue(settings)
    return [found for name in sorted(known.names()) if (found := known.find(name)) is not None]


def classes(workflow: Workflow, settings: Settings | None = None) -> list[ClassUse]:
    """The node classes of a graph, those that cannot run here last."""
    return uses(workflow, Registry.builtin(), catalogue(settings))


def describe_model(path: str | Path) -> "ModelFile":
    """What a model file is, from its header. Raises ModelFileInvalid."""
    from engine.checkpoints.describe import describe

    return describe(str(path))


def model_files(settings: Settings | None = None) -> list[tuple[str, str, Path]]:
    """(folder, name, path) of every model file that graphs can name."""
    folders = _folders(settings or Settings())
    known = (*MODEL_FOLDERS, *(name for name in folders.kinds() if name not in MODEL_FOLDERS))
    found = ((kind, name, folders.path(kind, name)) for kind in known for name in folders.names(kind))
    return [(kind, name, path) for kind, name, path in found if path is not None]


def make_weights(
    conversion: Conversion,
    settings: Settings | None = None,
    *,
    imatrix: str | Path | None = None,
    processes: int | None = None,
    begun: Callable[[FileNeeded], None] = lambda file: None,
    told: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Quantized]:
    """Make the model files that a converted graph names and that are not there, from those it named before.

    imatrix, processes, told, stop: as for `quantize`. begun: hears which file is made next, once all sources are found.
    Raises FileMissing if such a source is not there, and what `quantize` raises.
    """
    from engine.convert import weights
    from engine.quantize.quantizing import Options

    importance = None if imatrix is None else Path(imatrix)
    options = Options(importance, processes, told=told, stop=stop)
    yield from weights.make(conversion.files, _folders(settings or Settings()), options, begun)


def quantize(
    model: str | Path,
    to: str | WeightType,
    output: str | Path | None = None,
    *,
    imatrix: str | Path | None = None,
    processes: int | None = None,
    force: bool = False,
    told: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Quantized:
    """Store a model file's weights in another type ("gguf:Q4_K_S", "nf4"), and compare the new file with its source.

    model: its path. output: None for a name beside it. imatrix: for GGUF, a file of llama.cpp's. processes: None for
    one per core, up to 8. force: replace a file that is there. told: hears how far it is. stop: asked now and then
    whether to stop. Raises ValueError for an unknown type, ModelFileInvalid for a model that cannot be stored so,
    NotWritten if the new file has no place, Interrupted; then nothing was written.
    """
    from engine.quantize import quantizing

    options = quantizing.Options(None if imatrix is None else Path(imatrix), processes, force, told, stop)
    wanted = weight_types.parse(to) if isinstance(to, str) else to
    return quantizing.quantize(Path(model), wanted, None if output is None else Path(output), options)


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
        self.folders = _folders(self.settings)
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


def _folders(settings: Settings) -> Folders:
    """The folders of the settings."""
    return Folders(settings.models, settings.extra_model_paths, settings.input, settings.output, settings.temp)
