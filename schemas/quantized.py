"""What quantising tells: how far it is, and what the new file holds."""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class Progress(NamedTuple):
    """done, total: bytes of the new file. seconds: since the beginning. left: seconds to go, None if not yet known."""

    done: int
    total: int
    seconds: float
    left: float | None


class TensorError(BaseModel):
    """What storing did to one tensor, measured on what was read back from the new file.

    source, stored: how the source and the new file hold it ("bf16", "gguf:Q4_K"). bytes: in the new file. relative:
    root of the mean squared error, as a share of the root mean square of the values. largest: absolute error.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: str
    shape: tuple[int, ...]
    source: str
    stored: str
    bytes: int
    relative: float
    largest: float


class Quantized(BaseModel):
    """A file that was made. source, path: files. type: as the command line names it. bytes: of the new file.

    tensors: how many of each type. notes: sentences on what is stored otherwise than asked for.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    source: str
    path: str
    type: str
    bytes: int
    seconds: float
    tensors: dict[str, int]
    notes: list[str] = Field(default_factory=list)
    errors: list[TensorError] = Field(default_factory=list)
