"""The safetensors header: a length, a JSON object, then bytes without holes.

Format: https://huggingface.co/docs/safetensors. Every number in it is checked before it is used, since files come from
strangers and from broken downloads.
"""

import json
from collections.abc import Mapping
from math import prod
from typing import Any, BinaryIO, TypeGuard

from engine.checkpoints.storage import PLAIN_BITS, TensorInfo
from engine.errors import ModelFileInvalid

LARGEST_HEADER = 100_000_000
"""Bytes; the reference implementation's own limit."""

DTYPES: Mapping[str, str] = {
    "BOOL": "bool",
    "I8": "int8",
    "U8": "uint8",
    "I16": "int16",
    "U16": "uint16",
    "I32": "int32",
    "U32": "uint32",
    "I64": "int64",
    "U64": "uint64",
    "F64": "fp64",
    "F32": "fp32",
    "F16": "fp16",
    "BF16": "bf16",
    "F8_E4M3": "fp8_e4m3fn",
    "F8_E5M2": "fp8_e5m2",
    "F8_E4M3FNUZ": "fp8_e4m3fnuz",
    "F8_E5M2FNUZ": "fp8_e5m2fnuz",
    "F8_E8M0": "fp8_e8m0fnu",
    "F6_E2M3": "fp6_e2m3",
    "F6_E3M2": "fp6_e3m2",
    "F4": "fp4_e2m1",
    "C64": "complex64",
}
"""The format's names of types, and ours."""

DAMAGED = "Download it again; a safetensors file cannot look like this."


def read_header(path: str, file: BinaryIO, size: int) -> tuple[dict[str, TensorInfo], dict[str, str]]:
    """Tensors in the header's order, and its `__metadata__`. size: bytes of the file.

    Raises ModelFileInvalid if anything in the header contradicts itself, the format or the file's size.
    """
    length = int.from_bytes(file.read(8), "little")
    if length > LARGEST_HEADER:
        raise ModelFileInvalid(path, f"is no safetensors file: its header would be {length:,} bytes long.", DAMAGED)
    if 8 + length > size:
        raise ModelFileInvalid(
            path, f"is cut off: the header should end at byte {8 + length:,}, but the file has {size:,}.", DAMAGED
        )
    header = parse(path, file.read(length))
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ModelFileInvalid(path, "has `__metadata__` that does not map texts to texts.", DAMAGED)
    tensors = {name: tensor_of(path, name, entry, 8 + length) for name, entry in header.items()}
    check_cover(path, tensors, 8 + length, size)
    return tensors, metadata


def parse(path: str, text: bytes) -> dict[str, Any]:
    """The header's JSON object; a repeated key, wrong UTF-8 or bottomless nesting is an error."""

    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in found if names.count(name) > 1)
            raise ModelFileInvalid(path, f"lists {shorten(twice)} twice in its header.", DAMAGED)
        return found

    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=without_repeats)
        if b"\\ud" in text.lower():  # half of a surrogate pair can be escaped, but is no text
            json.dumps(header, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise ModelFileInvalid(path, f"has a damaged header ({type(error).__name__}: {error}).", DAMAGED) from error
    if not isinstance(header, dict):
        raise ModelFileInvalid(path, "has a header that is no JSON object.", DAMAGED)
    return header


def tensor_of(path: str, name: str, entry: object, data: int) -> TensorInfo:
    """One entry of the header. data: where the bytes of the tensors begin in the file."""

    def refuse(said: str) -> ModelFileInvalid:
        return ModelFileInvalid(path, f"tensor {shorten(name)} {said}.", DAMAGED)

    if not isinstance(entry, dict):
        raise refuse("is not described by a JSON object")
    kind, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    dtype = DTYPES.get(kind) if isinstance(kind, str) else None
    if dtype is None:
        raise refuse(f"has the unknown type {shorten(kind)}")
    if not is_counts(shape):
        raise refuse(f"has no valid shape: {shorten(shape)}")
    if not is_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise refuse(f"has no valid data_offsets: {shorten(offsets)}")
    bits = prod(shape) * PLAIN_BITS[dtype]
    if bits >= 1 << 66:
        raise refuse(f"has an impossible shape: {shorten(shape)}")
    if bits != 8 * (offsets[1] - offsets[0]):
        raise refuse(f"of shape {shorten(shape)} in {kind} takes {bits // 8:,} bytes, not {offsets[1] - offsets[0]:,}")
    return TensorInfo(dtype, tuple(shape), data + offsets[0], data + offsets[1])


def is_counts(value: object) -> TypeGuard[list[int]]:
    """Whether it is a list of at most 32 integers that fit in 63 bits and are not negative."""
    return (
        isinstance(value, list)
        and len(value) <= 32
        and all(type(item) is int and 0 <= item < 1 << 63 for item in value)
    )


def check_cover(path: str, tensors: Mapping[str, TensorInfo], data: int, size: int) -> None:
    """The tensors must cover the rest of the file exactly: no overlap, no hole, nothing missing, nothing behind."""
    at, before = data, "the header"
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if tensor.start != at:
            what = "overlaps" if tensor.start < at else "leaves a hole behind"
            raise ModelFileInvalid(path, f"tensor {shorten(name)} {what} {shorten(before)}.", DAMAGED)
        at, before = tensor.end, name
    if at > size:
        raise ModelFileInvalid(
            path, f"is cut off: {at - size:,} of {at:,} bytes are missing.", "Download it again, to the end."
        )
    if at < size:
        raise ModelFileInvalid(path, f"has {size - at:,} bytes behind its last tensor.", DAMAGED)


def shorten(value: object) -> str:
    """A value for a message, never longer than a line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}…{text[-10:]}"
