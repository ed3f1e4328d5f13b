"""Context: the narrow, fresh view of the program that a node gets while it runs."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from schemas.report import LoraReport
from schemas.sockets import FileRef


class Resident(Protocol):
    """Something that takes memory on a device and can leave it. size: bytes."""

    label: str
    size: int

    def load(self) -> None:
        """Bring it there."""

    def unload(self) -> None:
        """Give the memory back."""


R = TypeVar("R", bound=Resident)


class Meter(Protocol):
    """What a device itself says of its memory, in bytes; whoever can ask the device gives one to the ledger."""

    def free(self) -> int:
        """What new residents may take now, room for computing left out."""

    def peak(self) -> int:
        """The most that was in use at once since `reset`, computing included."""

    def reset(self) -> None:
        """Begin a new peak."""


class MemoryLedger(Protocol):
    """Who is resident; see engine.memory.Ledger."""

    def borrow(self, key: tuple[str, ...], build: Callable[[], R], device: str = "cpu") -> R:
        """The resident of this key, built and admitted if it is not there; most recently used from now on."""

    def measure(self, device: str, meter: Meter) -> None:
        """Ask this meter about a device from now on. A device that has one already keeps it."""

    def pin(self, key: tuple[str, ...]) -> AbstractContextManager[None]:
        """Keep a resident where it is while it is in use. Raises KeyError if it is not resident."""


class Context(Protocol):
    """What a node may ask for. Nothing else of the engine is reachable from a node.

    node: the id of the running node. device: "cpu", "cuda:0", "mps". dtype: "auto", "fp32", "bf16", "fp16".
    threads: how many to compute with on a CPU; None leaves the choice to torch.
    """

    node: str
    device: str
    dtype: str
    threads: int | None
    ledger: MemoryLedger

    def file(self, folder: str, name: str) -> FileRef:
        """A model file by folder and name. Raises engine.errors.FileMissing with near names and folders searched."""

    def input_file(self, name: str) -> Path:
        """A file of the input folder ("a.png", "sub/a.png", "a.png [output]")."""

    def progress(self, done: int, total: int) -> None:
        """Tell how far a long step is. Raises engine.errors.Interrupted if the user wants to stop."""

    def note(self, said: str) -> None:
        """Tell the user something they may want to know; nothing is wrong."""

    def warn(self, said: str) -> None:
        """Tell the user something that stops nothing."""

    def used_model(self, file: FileRef, dtype: str) -> None:
        """Note which model file this run used, in what compute type, for the saved pictures' metadata."""

    def count(self, what: Literal["encodes", "model_calls"]) -> None:
        """Count a text encoded or an evaluation of a diffusion model, for the run's report."""

    def matched_lora(self, report: LoraReport) -> None:
        """Tell how a LoRA fits, for the run's report and for the user."""

    def save_picture(self, picture: Any, prefix: str, kind: Literal["output", "temp"], batch_index: int) -> Path:
        """Write one picture (uint8 array (H, W, 3 or 4)) as PNG under the prefix's next counter, atomically."""
