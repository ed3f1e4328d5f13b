"""Stored values: tensors to and from bytes as safetensors files hold them, of every type and layout, bit for bit.

What is written are the elements alone, in the order in which they lie in memory: a view does not carry along what it
does not show, and a picture whose channels came first in memory has them first again, so that what is computed from it
is the same to the last bit.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

NAMES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.uint16: "U16",
    torch.int16: "I16",
    torch.uint32: "U32",
    torch.int32: "I32",
    torch.uint64: "U64",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.complex64: "C64",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.float8_e4m3fnuz: "F8_E4M3FNUZ",
    torch.float8_e5m2fnuz: "F8_E5M2FNUZ",
}
"""What safetensors calls the types it has names for."""

TYPES = {name: kind for kind, name in NAMES.items()}

NAMELESS = {str(kind).partition(".")[2]: kind for kind in (torch.complex128, torch.complex32, torch.float8_e8m0fnu)}
"""Types that it has none for: written as bytes, and told apart by their names in torch."""


class Elements(NamedTuple):
    """The elements of a tensor. type: as safetensors calls it. data: bytes that nobody else changes.

    facts: what else `restored` must be told, as JSON; empty for most tensors.
    """

    type: str
    shape: list[int]
    data: memoryview
    facts: dict[str, Any]


def is_storable(value: Any) -> bool:
    """Whether it is a tensor that comes back as it was: dense, with data, without a history of gradients."""
    return (
        type(value) is Tensor
        and value.layout == torch.strided
        and value.device.type != "meta"
        and not value.requires_grad
        and (value.dtype in NAMES or value.dtype in NAMELESS.values())
    )


def elements(tensor: Tensor) -> Elements:
    """The elements of a storable tensor, copied to the CPU: what happens to it later changes nothing."""
    facts: dict[str, Any] = {}
    laid = tensor.detach()
    order = _memory_order(tensor)
    if order is not None:
        facts["order"] = order
        laid = laid.permute(order)
    copied = laid.cpu().resolve_conj().resolve_neg().contiguous()
    if copied.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr():
        copied = copied.clone()
    data = copied.flatten().view(torch.uint8)
    shape = list(copied.shape)
    if copied.dtype not in NAMES:
        facts |= {"type": str(copied.dtype).partition(".")[2], "shape": shape}
        shape = [len(data)]
    return Elements(NAMES.get(copied.dtype, "U8"), shape, data.numpy().data, facts)


def restored(type: str, shape: list[int], data: memoryview, facts: Mapping[str, Any]) -> Tensor:
    """The tensor that `elements` was given, on the CPU, in memory of its own. data: writable, since torch insists."""
    if "type" in facts:
        kind, shape = NAMELESS[facts["type"]], facts["shape"]
    else:
        kind = TYPES[type]
    copied = torch.frombuffer(data, dtype=torch.uint8).clone() if len(data) else torch.empty(0, dtype=torch.uint8)
    tensor = copied.view(kind).reshape(shape)
    order = facts.get("order")
    return tensor if order is None else tensor.permute([order.index(place) for place in range(len(order))])


def _memory_order(tensor: Tensor) -> list[int] | None:
    """Its dimensions from the one with the longest stride to the one with the shortest; None if they stand so."""
    if tensor.is_contiguous():
        return None
    strides = tensor.stride()
    order = sorted(range(tensor.ndim), key=lambda place: -strides[place])
    return None if order == list(range(tensor.ndim)) else order
