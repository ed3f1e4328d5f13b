"""Digests: what a node gave, as a few letters, so that a later run can be held against it node by node."""

import ctypes
import struct
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

LARGEST = 8 << 20
"""Bytes of tensors in the outputs of one node. Latents and conditionings are far below, batches of pictures above."""
DIGEST_BYTES = 8
DEEPEST = 16
"""Levels of nesting. A conditioning has four; what has many more may contain itself."""

_Hash = blake2b


class _NoDigest(Exception):
    """The value is none of the kinds that two runs can be compared by, or too large."""


def digest(outputs: Sequence[Sequence[Any]]) -> str | None:
    """16 hex digits that differ wherever a node's outputs do; one list of items for each output.

    Tensors and arrays count with type, shape and every bit, but not with the device they are on; dictionaries without
    their order. None if anything among the outputs is an object of another kind (a model's recipe), or if the tensors
    have more than LARGEST bytes. A tensor on an accelerator is copied, which waits for what computes it.
    """
    hashed = _Hash(digest_size=DIGEST_BYTES)
    try:
        _add(hashed, outputs, LARGEST, 0)
    except _NoDigest:
        return None
    return hashed.hexdigest()


def _add(hashed: _Hash, value: Any, room: int, depth: int) -> int:
    """Hash a value with its kind; the bytes of tensors that may still follow. Raises _NoDigest."""
    if depth > DEEPEST:
        raise _NoDigest
    if value is None or isinstance(value, bool | int | str | bytes):
        _mark(hashed, type(value).__name__, str(value).encode("utf-8", "surrogatepass"))
        return room
    if isinstance(value, float):
        _mark(hashed, "float", struct.pack("<d", value))
        return room
    if isinstance(value, Mapping):
        return _add_mapping(hashed, value, room, depth)
    if isinstance(value, list | tuple):
        _mark(hashed, "list", str(len(value)).encode())
        for item in value:
            room = _add(hashed, item, room, depth + 1)
        return room
    return _add_numbers(hashed, value, room)


def _add_mapping(hashed: _Hash, value: Mapping[Any, Any], room: int, depth: int) -> int:
    if not all(isinstance(key, str) for key in value):
        raise _NoDigest
    _mark(hashed, "mapping", str(len(value)).encode())
    for key in sorted(value):
        _mark(hashed, "key", key.encode("utf-8", "surrogatepass"))
        room = _add(hashed, value[key], room, depth + 1)
    return room


def _add_numbers(hashed: _Hash, value: Any, room: int) -> int:
    """A tensor or an array. torch stays on its side of the line: they are known by what they can do."""
    array = hasattr(value, "__array_interface__") and not value.dtype.hasobject
    tensor = str(getattr(value, "layout", "")) == "torch.strided" and not value.is_meta
    if not (array or tensor) or value.nbytes > room:
        raise _NoDigest
    size = int(value.nbytes)
    _mark(hashed, "numbers", f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}".encode())
    if array:
        hashed.update(value.tobytes())
    elif size:
        # Numpy has no bfloat16 and no 8-bit floats, so the bytes are read where they lie; `held` keeps them there.
        held = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
        hashed.update((ctypes.c_char * size).from_address(held.data_ptr()))
    return room - size


def _mark(hashed: _Hash, kind: str, content: bytes) -> None:
    """Kind and length stand before the content, so that no two values give the same bytes."""
    hashed.update(f"{kind} {len(content)} ".encode())
    hashed.update(content)
