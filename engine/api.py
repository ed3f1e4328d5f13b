"""The public surface: what the command line does, for programs.

    from engine import api
    report = api.run(api.load("workflow.json"))

Nothing here imports torch; a node does, when the first one that needs it runs.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine import reading
from engine.errors import GraphInvalid
from engine.graph.uses import ClassUse, uses
from engine.plugins.registry import Registry
from engine.reading.printable import shown
from engine.session import Session, Task, all_models_stay, catalogue, folders_of
from schemas import weight_types
from schemas.conversion import Conversion, FileNeeded
from schemas.node import NodeSpec
from schemas.node_schema import NodeSchema
from schemas.plan import Plan
from schemas.quantized import Progress, Quantized
from schemas.report import Event, Problem, RunReport
from schemas.settings import Settings
from schemas.weight_types import WeightType
from schemas.workflow import Workflow

if TYPE_CHECKING:
    from engine.checkpoints.describe import ModelFile
    from engine.editor.translating import Options

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
    return conversion.convert(document, wanted, folders_of(settings or Settings()), nodes, keep_checkpoint)


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
    folders = folders_of(settings or Settings())
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
    yield from weights.make(conversion.files, folders_of(settings or Settings()), options, begun)


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
