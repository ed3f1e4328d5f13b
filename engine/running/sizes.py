"""Sizes: how many bytes a value on a wire holds, by looking at it and without knowing tensors."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

OBJECT_BYTES = 64
"""What a small Python object takes, roughly."""

_SMALL = frozenset({int, float, bool, type(None), complex})
_CONTAINERS = (list, tuple, set, frozenset)
_TEXTS = (str, bytes, bytearray)


def size_of(value: Any) -> int:
    """Estimated bytes of a value and all it holds; things held twice are counted once.

    Arrays and tensors tell their own size (`nbytes`, or `element_size` and `nelement`), text and bytes have a length,
    containers and dataclasses are looked into; anything else counts as one small object.
    """
    total = 0
    seen: set[int] = set()
    stack = [value]
    while stack:
        item = stack.pop()
        total += OBJECT_BYTES
        if type(item) in _SMALL:
            continue
        if type(item) is str:
            total += len(item)
            continue
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, _CONTAINERS):
            stack.extend(item)
        elif isinstance(item, _TEXTS):
            total += len(item)
        elif isinstance(item, Mapping):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif is_dataclass(item) and not isinstance(item, type):
            stack.extend(getattr(item, part.name, None) for part in fields(item))
        else:
            total += _told_bytes(item)
    return total


def _told_bytes(item: Any) -> int:
    """What an array or tensor says of itself; 0 for anything else."""
    if isinstance(item, type):
        return 0
    told = getattr(item, "nbytes", None)
    if isinstance(told, int):
        return told
    element, count = getattr(item, "element_size", None), getattr(item, "nelement", None)
    return int(element()) * int(count()) if callable(element) and callable(count) else 0
