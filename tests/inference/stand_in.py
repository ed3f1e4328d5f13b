"""A Context for what is below the torch line: a real Ledger, and lists of what it was told."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from engine.memory import Ledger
from schemas.report import LoraReport, Work
from schemas.sockets import FileRef


class StandInContext:
    """Everything that encoders, networks and autoencoders ask of a Context."""

    def __init__(self, device: str = "cpu", dtype: str = "auto", ledger: Ledger | None = None) -> None:
        self.node, self.device, self.dtype = "1", device, dtype
        self.threads: int | None = None
        self.ledger = ledger or Ledger()
        self.noted: list[str] = []
        self.warned: list[str] = []
        self.used: list[tuple[str, str]] = []
        self.loras: list[LoraReport] = []
        self.work = Work()

    def file(self, folder: str, name: str) -> FileRef:
        raise AssertionError("nothing below the torch line asks for this")

    def input_file(self, name: str) -> Path:
        raise AssertionError("nothing below the torch line asks for this")

    def progress(self, done: int, total: int) -> None:
        pass

    def note(self, said: str) -> None:
        self.noted.append(said)

    def warn(self, said: str) -> None:
        self.warned.append(said)

    def used_model(self, file: FileRef, dtype: str) -> None:
        self.used.append((file.name, dtype))

    def count(self, what: Literal["encodes", "model_calls"]) -> None:
        setattr(self.work, what, getattr(self.work, what) + 1)

    def matched_lora(self, report: LoraReport) -> None:
        self.loras.append(report)

    def save_picture(self, picture: Any, prefix: str, kind: Literal["output", "temp"], batch_index: int) -> Path:
        raise AssertionError("nothing below the torch line asks for this")


def file_ref(path: Path) -> FileRef:
    """A reference to a file, as a graph's loader would get it."""
    return FileRef(path.parent.name, path.name, str(path), "fingerprint")


def file_refs(folder: Path, names: Iterable[str]) -> list[FileRef]:
    """References to several files of a models folder."""
    return [file_ref(folder / name) for name in names]
