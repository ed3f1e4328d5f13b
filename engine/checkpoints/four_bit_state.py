"""bitsandbytes' quantisation state: the JSON beside each 4-bit weight, and the sizes that follow from it.

Format: `QuantState.as_dict(packed=True)` of bitsandbytes. Two values lie in each byte; every `blocksize` values share
one scale (`absmax`). In double quantisation the scales are 8-bit codes, of which 256 share a scale of their own.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

MARK = ".quant_state.bitsandbytes__"
"""Between a weight's name and the kind of its quantisation: the name of the tensor that holds the JSON."""

KINDS = ("nf4", "fp4")
"""Quantisations whose tables of values come with the file and that can be decoded."""

PARTS = ("absmax", "quant_map", "nested_absmax", "nested_quant_map", *(f"{MARK[1:]}{kind}" for kind in KINDS))
"""What may stand behind a weight's name and a dot."""

LARGEST_BLOCK = 1 << 20


class QuantState(NamedTuple):
    """What a state says. shape: of the weight once decoded. nested_blocksize: None for scales kept as float32."""

    kind: str
    shape: tuple[int, ...]
    blocksize: int
    nested_blocksize: int | None

    @property
    def values(self) -> int:
        """How many values the weight has."""
        return math.prod(self.shape)

    @property
    def elements(self) -> Mapping[str, int]:
        """How many elements the codes ("") and each accompanying tensor must have."""
        scales = -(-self.values // self.blocksize)
        found = {"": (self.values + 1) // 2, "absmax": scales, "quant_map": 16}
        if self.nested_blocksize is not None:
            found |= {"nested_absmax": -(-scales // self.nested_blocksize), "nested_quant_map": 256}
        return found

    @property
    def dtypes(self) -> Mapping[str, str]:
        """The type that each of them must have."""
        scale = "fp32" if self.nested_blocksize is None else "uint8"
        return {
            "": "uint8",
            "absmax": scale,
            "quant_map": "fp32",
            "nested_absmax": "fp32",
            "nested_quant_map": "fp32",
        }


def parse(name: str, text: bytes) -> QuantState:
    """The state in the tensor `name`. Raises ValueError that says what is wrong with it."""
    try:
        state = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        state = None
    if not isinstance(state, dict):
        raise ValueError("its text is no JSON object")
    kind = name.partition(MARK)[2]
    if kind not in KINDS or state.get("quant_type") != kind:
        raise ValueError(f"it is of kind {str(state.get('quant_type'))[:20]!r}; known are {' and '.join(KINDS)}")
    nested = state.get("nested_blocksize")
    if nested is not None and not isinstance(state.get("nested_offset"), int | float):
        raise ValueError("it has no nested_offset, which scales in 8 bits need")
    return QuantState(
        kind,
        _shape(state.get("shape")),
        _block(state.get("blocksize"), "blocksize"),
        None if nested is None else _block(nested, "nested_blocksize"),
    )


def _shape(value: Any) -> tuple[int, ...]:
    valid = isinstance(value, list) and 1 <= len(value) <= 8
    if not valid or not all(type(length) is int and 0 < length < 1 << 40 for length in value):
        raise ValueError("it has no valid shape")
    if math.prod(value) >= 1 << 63:
        raise ValueError("it has an impossible shape")
    return tuple(value)


def _block(value: Any, what: str) -> int:
    if type(value) is not int or not 2 <= value <= LARGEST_BLOCK or value & (value - 1):
        raise ValueError(f"it has the {what} {str(value)[:20]}, which is no power of two")
    return value
