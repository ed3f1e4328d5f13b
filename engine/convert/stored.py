"""How a model file's weights are stored: from its header where it can be found, else from its name."""

import re
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoints import detect, index
from engine.checkpoints.detect import Part
from engine.errors import ModelFileInvalid
from engine.folders import Folders
from engine.quantize.naming import stored_as
from schemas.weight_types import VARIANTS, WeightType

_GGUF = re.compile(rf"[-_.]({'|'.join(sorted(VARIANTS['gguf'], key=len, reverse=True))})\.gguf$", re.IGNORECASE)
_WORDS: tuple[tuple[str, WeightType], ...] = (
    (r"fp8.*scaled", WeightType("fp8", "scaled")),
    (r"e5m2", WeightType("fp8", "e5m2")),
    (r"fp8", WeightType("fp8", "e4m3fn")),
    (r"nf4[-_]?v2", WeightType("nf4", "v2")),
    (r"nf4", WeightType("nf4", "v1")),
    (r"fp16", WeightType("fp16")),
    (r"fp32", WeightType("fp32")),
)
"""Words in a name, the most telling first."""
_STORAGES = {
    "fp8_e4m3fn scaled": WeightType("fp8", "scaled"),
    "fp8_e4m3fn": WeightType("fp8", "e4m3fn"),
    "fp8_e5m2": WeightType("fp8", "e5m2"),
    "bf16": WeightType("bf16"),
    "fp16": WeightType("fp16"),
    "fp32": WeightType("fp32"),
}
"""Storages that a header tells whole. Of NF4 and GGUF the name tells more: a version, a mix."""


@dataclass(frozen=True)
class SourceFile:
    """The file that a loader names. path: None if the model folders do not have it, or there are none."""

    folder: str
    name: str
    path: Path | None = None
    parts: tuple[Part, ...] = ()

    def part(self, kind: str) -> Part | None:
        """The largest part of a kind."""
        return next((part for part in self.parts if part.kind == kind), None)

    @property
    def held(self) -> WeightType | None:
        """How the base model is stored, by the header alone; None if that does not tell it whole."""
        flux = self.part("flux")
        return _STORAGES.get(flux.storage) if flux is not None else None

    @property
    def stored(self) -> WeightType | None:
        """How the base model is stored; None if a GGUF file's name does not say. A silent name means bfloat16."""
        if self.held is not None:
            return self.held
        gguf = _GGUF.search(self.name)
        if gguf:
            return WeightType("gguf", gguf[1].upper())
        if self.name.lower().endswith(".gguf"):
            return None
        ending = stored_as(self.name)
        if ending is not None:
            return ending
        return next((stored for word, stored in _WORDS if re.search(word, self.name.lower())), WeightType("bf16"))


def find(folders: Folders | None, folder: str, name: str) -> SourceFile:
    """The file of a loader, with what its header tells. Raises ModelFileInvalid if it is there, but damaged."""
    path = folders.path(folder, name) if folders is not None else None
    return SourceFile(folder, name, path, detect.parts(index.read(path)) if path is not None else ())


def readable(folders: Folders, folder: str) -> list[SourceFile]:
    """All files of a folder whose headers can be read, by name. Damaged ones are no choice for anybody."""
    found = []
    for name in folders.names(folder):
        try:
            found.append(find(folders, folder, name))
        except (ModelFileInvalid, OSError):
            continue
    return found
