"""Values: what a node gave becomes the bytes of a safetensors file, and those bytes the same value again.

Tensors lie in the file as tensors; the tree that holds them is JSON in its header. There lists, texts, whole numbers,
truth values and None stand for themselves, and all else is an object with one key that names what it is. Torch is
imported when the first tensor is met.
"""

import json
import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.inference.stored_values import Elements

DEEPEST = 100
"""Levels of a tree that is written; deeper ones, and circles, are not."""

MOST_PARTS = 100_000
"""Of a tree that is written; a header is JSON, and read whole."""

WIDEST = 2**63
"""From here on whole numbers are written in hexadecimal, which has no limit of digits."""


ALIGNMENT = 8
"""Bytes: as safetensors has it, tensors begin at a multiple of it."""


class NotStorable(Exception):
    """A value that holds something which is neither plain data nor a tensor."""


def pack(value: Any) -> list[bytes | memoryview]:
    """The bytes of a file that `unpack` makes an equal value of, in types and bits. Raises NotStorable.

    Storable are trees of dict (with texts as keys), list, tuple, None, bool, int, float, str and tensors; of each the
    class itself, none derived from it. A tensor that stands in several places is written once, and comes back as one.
    The bytes are a copy, in parts, so that large tensors are copied once.
    """
    writing = _Writing()
    metadata = {"value": json.dumps(writing.tree(value), allow_nan=False)}
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for index, tensor in enumerate(writing.tensors):
        start, end = end, end + len(tensor.data)
        header[str(index)] = {"dtype": tensor.type, "shape": tensor.shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return [len(text).to_bytes(8, "little"), text, *(tensor.data for tensor in writing.tensors)]


def unpack(data: bytearray) -> Any:
    """The value that `pack` was given, from bytes that are known to be whole; tensors are copies, on the CPU."""
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    return _Reading(header, memoryview(data)[begin:]).value(json.loads(header["__metadata__"]["value"]))


class _Writing:
    """One value on its way into JSON. tensors: copies of those met, each once."""

    def __init__(self) -> None:
        self.tensors: list[Elements] = []
        self._places: dict[int, int] = {}
        self._parts = 0

    def tree(self, value: Any, depth: int = 0) -> Any:
        """The value as JSON."""
        self._parts += 1
        if depth > DEEPEST or self._parts > MOST_PARTS:
            raise NotStorable("too deep or too large a tree")
        kind = type(value)
        if value is None or kind in (bool, str):
            return value
        if kind is int:
            return value if -WIDEST < value < WIDEST else {"int": hex(value)}
        if kind is float:
            # Not a number has many forms, and JSON has no infinity.
            return value if value - value == 0 else {"float": struct.pack(">d", value).hex()}
        if kind in (list, tuple):
            parts = [self.tree(part, depth + 1) for part in value]
            return parts if kind is list else {"tuple": parts}
        if kind is dict and all(type(key) is str for key in value):
            return {"dict": {key: self.tree(part, depth + 1) for key, part in value.items()}}
        return {"tensor": self._tensor(value)}

    def _tensor(self, value: Any) -> dict[str, Any]:
        # Its module tells without an import what cannot be a tensor.
        if type(value).__module__.partition(".")[0] != "torch":
            raise NotStorable(type(value).__qualname__)
        from engine.inference import stored_values

        if not stored_values.is_storable(value):
            raise NotStorable(type(value).__qualname__)
        place = self._places.get(id(value))
        if place is None:
            place = self._places[id(value)] = len(self.tensors)
            self.tensors.append(stored_values.elements(value))
        return {"name": str(place), **self.tensors[place].facts}


class _Reading:
    """One value on its way out of JSON. header: of its file; data: what follows it."""

    def __init__(self, header: Mapping[str, Any], data: memoryview) -> None:
        self._header, self._data = header, data
        self._restored: dict[str, Any] = {}
        self._kinds: dict[str, Callable[[Any], Any]] = {
            "int": lambda text: int(text, 16),
            "float": lambda text: struct.unpack(">d", bytes.fromhex(text))[0],
            "tuple": lambda parts: tuple(map(self.value, parts)),
            "dict": lambda parts: {key: self.value(part) for key, part in parts.items()},
            "tensor": self._tensor,
        }

    def value(self, tree: Any) -> Any:
        """What the JSON stands for."""
        if isinstance(tree, list):
            return [self.value(part) for part in tree]
        if isinstance(tree, dict):
            ((kind, inner),) = tree.items()
            return self._kinds[kind](inner)
        return tree

    def _tensor(self, facts: Mapping[str, Any]) -> Any:
        from engine.inference import stored_values

        name = facts["name"]
        if name not in self._restored:
            told = self._header[name]
            data = self._data[slice(*told["data_offsets"])]
            self._restored[name] = stored_values.restored(told["dtype"], told["shape"], data, facts)
        return self._restored[name]
