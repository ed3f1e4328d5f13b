"""TensorIndex: the table of contents of a model file, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.checkpoints.storage import TensorInfo

__all__ = ["Format", "TensorIndex", "TensorInfo"]

Format = Literal["safetensors", "gguf", "pickle"]


@dataclass(frozen=True, eq=False)
class TensorIndex:
    """What a file's header tells, in the file's order. Two indexes are equal only if they are the same object.

    path: as given to `read`. bytes: size of the file. metadata: the header's own key-value pairs.
    logical_shapes: tensor name to the shape it stands for, where that differs from the stored one (NF4 packs two values
    per byte; GGUF stores convolutions as rows of blocks).
    """

    path: str
    format: Format
    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    bytes: int = 0
    logical_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def shape_of(self, name: str) -> tuple[int, ...]:
        """The shape a tensor stands for once decoded. Raises KeyError if the file has no such tensor."""
        return self.logical_shapes.get(name) or self.tensors[name].shape
