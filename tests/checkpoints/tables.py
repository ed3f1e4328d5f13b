"""Key tables as indexes, and small files written byte by byte."""

import json
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from engine.checkpoints import gguf_header, safetensors_header
from engine.checkpoints.index import TensorIndex
from engine.checkpoints.storage import PLAIN_BITS, TensorInfo

TABLES = Path(__file__).with_name("tables")
NAMES = sorted(path.stem for path in TABLES.glob("*.json"))
SAFETENSORS_NAMES = {ours: theirs for theirs, ours in safetensors_header.DTYPES.items()}
GGML_TYPES = {name: (number, values, size) for number, (name, values, size) in gguf_header.BLOCKS.items()}


def size_of(dtype: str, shape: tuple[int, ...]) -> int:
    """Bytes a tensor takes."""
    if dtype in PLAIN_BITS:
        return prod(shape) * PLAIN_BITS[dtype] // 8
    _, values, size = GGML_TYPES[dtype]
    return prod(shape) // values * size


def index_of(table: Mapping[str, Any]) -> TensorIndex:
    """An index as if a file with these tensors had been read. table: key to (dtype, shape)."""
    tensors, at = {}, 0
    for key, (dtype, shape) in table.items():
        after = at + size_of(dtype, tuple(shape))
        tensors[key] = TensorInfo(dtype, tuple(shape), at, after)
        at = after
    gguf = any(dtype.startswith("gguf:") for dtype, _ in table.values())
    return TensorIndex("table", "gguf" if gguf else "safetensors", tensors, {}, at)


def load(name: str) -> dict[str, Any]:
    """A table by name."""
    table: dict[str, Any] = json.loads((TABLES / f"{name}.json").read_text(encoding="utf-8"))
    return table


def safetensors_head(table: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> tuple[bytes, int]:
    """The beginning of a safetensors file, and how many bytes of tensors come behind it."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    at = 0
    for key, (dtype, shape) in table.items():
        after = at + size_of(dtype, tuple(shape))
        header[key] = {"dtype": SAFETENSORS_NAMES[dtype], "shape": list(shape), "data_offsets": [at, after]}
        at = after
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text, at


def safetensors_bytes(table: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> bytes:
    """A safetensors file of zeros."""
    head, size = safetensors_head(table, metadata)
    return head + bytes(size)


def write_safetensors(path: Path, table: Mapping[str, Any]) -> None:
    """A safetensors file of zeros, of any size: those that would be gigabytes are only a hole."""
    head, size = safetensors_head(table)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + size)


def gguf_text(text: str) -> bytes:
    """A string as GGUF stores it."""
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf_bytes(table: Mapping[str, Any], metadata: Mapping[str, bytes] | None = None, step: int = 32) -> bytes:
    """A GGUF file of zeros. metadata: key to type number and value, packed."""
    metadata = metadata or {}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(table), len(metadata))
    head += b"".join(gguf_text(key) + value for key, value in metadata.items())
    at = 0
    for key, (dtype, shape) in table.items():
        head += gguf_text(key) + struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        head += struct.pack("<IQ", GGML_TYPES[dtype][0], at)
        at += -(-size_of(dtype, tuple(shape)) // step) * step
    return head + bytes(-len(head) % step) + bytes(at)
