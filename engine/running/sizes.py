"""Sizes: how many bytes a value on a wire holds, by looking at it and without knowing tensors."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from itertools import chain
from typing import Any

OBJECT_BYTES = 64
"""What a small Python object takes, roughly."""

LOOKED_AT = 4096
"""Parts of a value after which no more containers are opened: nodes that hand a vast structure on must not be slow."""

_SMALL = frozenset({int, float, bool, type(None), complex})
_CONTAINERS = (list, tuple, set, frozenset)
_TEXTS = (str, bytes, bytearray)
_NO_DATA = (*_CONTAINERS, type)


def size_of(value: Any) -> int:
    """Estimated bytes of a value and all it holds; things held twice are counted once.

    Arrays and tensors tell their own size (`nbytes`, or `element_size` and `nelement`), text and bytes have a length,
    containers and dataclasses are looked into, the outermost first and LOOKED_AT parts at most; anything else counts as
    one small object.
    """
    total = 0
    seen: set[int] = set()
    parts = [value]
    for item in parts:  # grows as it is walked
        total += OBJECT_BYTES
        if type(item) in _SMALL:
            continue
        if type(item) is str:
            total += len(item)
            continue
        if id(item) in seen:
            continue
        seen.add(id(item))
        total += _told_bytes(item)
        if len(parts) < LOOKED_AT:
            parts.extend(_parts(item))
    return total


def _parts(item: Any) -> Iterable[Any]:
    """What a container or dataclass holds."""
    if isinstance(item, _CONTAINERS):
        return item
    if isinstance(item, Mapping):
        return chain(item.keys(), item.values())
    if is_dataclass(item) and not isinstance(item, type):
        return [getattr(item, part.name, None) for part in fields(item)]
    return ()


def _told_bytes(item: Any) -> int:
    """What bytes, an array or a tensor says of itself; 0 for anything else."""
    if isinstance(item, _NO_DATA):
        return 0
    if isinstance(item, _TEXTS):
        return len(item)
    told = getattr(item, "nbytes", None)
    if isinstance(told, int):
        return told
    element, count = getattr(item, "element_size", None), getattr(item, "nelement", None)
    return int(element()) * int(count()) if callable(element) and callable(count) else 0
