"""Context: what a node gets to see of the program while it runs, and what it leaves behind there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, Protocol

from engine.errors import Interrupted
from engine.graph.folders import INPUT
from engine.planning.files import Files, file_of
from engine.running.cache import Digests, Models
from schemas.context import MemoryLedger
from schemas.report import Event, LoraReport, Noted, Progress, Saved, Warned, Work
from schemas.sockets import FileRef

Sink = Callable[[Event], None]
"""Where events go."""


Stop = Callable[[], bool]
"""Whether the user wants to stop: true from the moment of the wish on."""


class Pictures(Protocol):
    """Where pictures go; see engine.running.outputs.OutputFolder."""

    def save(
        self, picture: Any, prefix: str, kind: Literal["output", "temp"], batch_index: int, metadata: Mapping[str, str]
    ) -> Path:
        """Write one picture; the path written."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the contexts of one run share.

    metadata: the texts of a picture that depends on these, saved by this node. work: what was computed so far; grows.
    loads: how often weights were loaded in this process.
    """

    files: Files
    pictures: Pictures
    ledger: MemoryLedger
    device: str
    dtype: str
    threads: int | None
    stop: Stop
    sink: Sink | None
    metadata: Callable[[Models, Digests, str], Mapping[str, str]]
    work: Work = field(default_factory=Work)
    loads: Callable[[], int] = int

    def check_stop(self) -> None:
        """Raises Interrupted if the user wants to stop."""
        if self.stop():
            raise Interrupted("stopped on request")


class NodeContext:
    """The context of one node, for all calls that lists make of it; see schemas.context.Context.

    models: the files that its inputs depend on and, as it names them, those it uses. digests: of what its inputs come
    from. saved: paths it wrote. loras: how those that it loaded fit. computed: whether it used weights.
    """

    __slots__ = (
        "_root",
        "_services",
        "_started",
        "computed",
        "device",
        "digests",
        "dtype",
        "ledger",
        "loras",
        "models",
        "node",
        "saved",
        "threads",
    )

    def __init__(self, node: str, root: str, services: Services, models: Models, digests: Digests) -> None:
        """root: the node of the user's graph that events name, where `node` came out of an expansion."""
        self.node = node
        self.device = services.device
        self.dtype = services.dtype
        self.threads = services.threads
        self.ledger = services.ledger
        self.models = models
        self.digests = digests
        self.saved: list[str] = []
        self.loras: list[LoraReport] = []
        self.computed = False
        self._root = root
        self._services = services
        self._started = perf_counter()

    def file(self, folder: str, name: str) -> FileRef:
        """A model file by folder and name. Raises FileMissing with near names and the folders searched."""
        return file_of(self._services.files, folder, name)

    def input_file(self, name: str) -> Path:
        """A file of the input folder. Raises FileMissing."""
        file = file_of(self._services.files, INPUT, name)
        self.models |= {(file, "")}  # computed in no type, but the pictures that come of it name it too
        return Path(file.path)

    def progress(self, done: int, total: int) -> None:
        """Tell how far a long step is. Raises Interrupted if the user wants to stop."""
        self._tell(Progress("progress", self._root, done, total, perf_counter() - self._started))
        self._services.check_stop()

    def note(self, said: str) -> None:
        """Tell the user something they may want to know."""
        self._tell(Noted("noted", self._root, said))

    def warn(self, said: str) -> None:
        """Tell the user something that stops nothing."""
        self._tell(Warned("warned", self._root, said))

    def used_model(self, file: FileRef, dtype: str) -> None:
        """Note a model file, so that the pictures that come of it name it."""
        self.computed = True
        self.models |= {(file, dtype)}

    def count(self, what: Literal["encodes", "model_calls"]) -> None:
        """Count one piece of work, for the run's report."""
        setattr(self._services.work, what, getattr(self._services.work, what) + 1)

    def matched_lora(self, report: LoraReport) -> None:
        """Keep it for the run's report, and tell the user in a line, which is a warning if not all of it fits."""
        self.loras.append(report)
        if report.unmatched:
            self.warn(str(report))
        else:
            self.note(str(report))

    def save_picture(self, picture: Any, prefix: str, kind: Literal["output", "temp"], batch_index: int) -> Path:
        """Write one picture (uint8 array (H, W, 3 or 4)) as PNG under the prefix's next counter, atomically."""
        services = self._services
        texts = services.metadata(self.models, self.digests, self._root)
        path = services.pictures.save(picture, prefix, kind, batch_index, texts)
        self.saved.append(str(path))
        self._tell(Saved("saved", self._root, str(path)))
        return path

    def _tell(self, event: Event) -> None:
        if self._services.sink is not None:
            self._services.sink(event)
