"""TensorIndex: the table of contents of a model file, whatever its format."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

from engine.checkpoints import four_bit_state, gguf_header, pickle_header, safetensors_header
from engine.checkpoints.four_bit_state import QuantState
from engine.checkpoints.storage import TensorInfo
from engine.errors import ModelFileInvalid

__all__ = ["Format", "TensorIndex", "TensorInfo", "read"]

Format = Literal["safetensors", "gguf", "pickle"]

QUANT_STATE = four_bit_state.MARK

LARGEST_STATE = 1 << 16
"""Bytes of JSON; real ones have two hundred."""

CACHED_FILES = 64

_cache: dict[str, tuple[tuple[int, ...], "TensorIndex"]] = {}


@dataclass(frozen=True, eq=False)
class TensorIndex:
    """What a file's header tells, in the file's order. Two indexes are equal only if they are the same object.

    path: as given to `read`. bytes: size of the file. metadata: the header's own key-value pairs.
    logical_shapes: tensor name to the shape it stands for, where that differs from the stored one (NF4 packs two values
    per byte; GGUF stores convolutions as rows of blocks). quant_states: of 4-bit weights, by the weight's name.
    """

    path: str
    format: Format
    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    bytes: int = 0
    logical_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    quant_states: Mapping[str, QuantState] = field(default_factory=dict)

    def shape_of(self, name: str) -> tuple[int, ...]:
        """The shape a tensor stands for once decoded. Raises KeyError if the file has no such tensor."""
        shape = self.logical_shapes.get(name)
        return self.tensors[name].shape if shape is None else shape


def read(path: str | os.PathLike[str]) -> TensorIndex:
    """The index of a file, from its header; remembered until the file's size, times or identity change.

    Raises ModelFileInvalid if the file is damaged, cut off or no model file, FileNotFoundError if it is not there.
    """
    name = os.fspath(path)
    facts = os.stat(name)
    stamp = (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)
    known = _cache.get(name)
    if known is not None and known[0] == stamp:
        return known[1]
    try:
        with open(name, "rb") as file:
            index = read_open(name, file, facts.st_size)
    except OSError as error:
        raise ModelFileInvalid(name, f"cannot be read: {error.strerror}.", "Check the file and its rights.") from error
    _cache.pop(name, None)
    while len(_cache) >= CACHED_FILES:
        del _cache[next(iter(_cache))]
    _cache[name] = (stamp, index)
    return index


def read_open(path: str, file: BinaryIO, size: int) -> TensorIndex:
    """The index of an open file; its format is told by its first bytes, not by its name."""
    start = file.read(512)
    file.seek(0)
    if start.startswith(b"GGUF"):
        tensors, metadata, shapes = gguf_header.read_header(path, file, size)
        return TensorIndex(path, "gguf", tensors, metadata, size, shapes)
    if start.startswith((b"PK\x03\x04", b"\x80")) and start[8:9] != b"{":
        return TensorIndex(path, "pickle", *pickle_header.read_header(path, file, size), bytes=size)
    refuse_other_things(path, start, size)
    tensors, metadata = safetensors_header.read_header(path, file, size)
    states = {
        name.partition(QUANT_STATE)[0]: quant_state(path, file, name, tensor)
        for name, tensor in tensors.items()
        if QUANT_STATE in name
    }
    shapes = {name: state.shape for name, state in states.items()}
    return TensorIndex(path, "safetensors", tensors, metadata, size, shapes, states)


def refuse_other_things(path: str, start: bytes, size: int) -> None:
    """Name what people save under a model's name by mistake."""
    if size == 0:
        raise ModelFileInvalid(path, "is empty.", "Download it again.")
    if start.startswith(b"version https://git-lfs"):
        raise ModelFileInvalid(
            path, "is a git-lfs pointer, not the model.", "Run `git lfs pull`, or download the file."
        )
    if start.lstrip()[:1] == b"<":
        raise ModelFileInvalid(
            path, "is a web page, not a model.", "Download it again; the site may ask for a login or a licence first."
        )
    if start.lstrip()[:1] == b"{":
        raise ModelFileInvalid(path, "is JSON text, not a model.", "Download the file that the text describes.")
    if size < 8 or start[8:9] != b"{":
        raise ModelFileInvalid(
            path, f"is no model file that we know: it begins with {start[:12]!r}.", "Use a .safetensors or .gguf file."
        )


def quant_state(path: str, file: BinaryIO, name: str, tensor: TensorInfo) -> QuantState:
    """What a bitsandbytes quantisation state says: a tensor that holds a small JSON object."""
    file.seek(tensor.start)
    try:
        return four_bit_state.parse(name, file.read(min(tensor.bytes, LARGEST_STATE)))
    except ValueError as error:
        said = f"tensor {safetensors_header.shorten(name)} is no bitsandbytes quantisation state: {error}."
        raise ModelFileInvalid(path, said, safetensors_header.DAMAGED) from error
