"""Literals: a raw value from a file becomes the value a node runs with, or a fault that says why not."""

import math
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from engine.reading.printable import shown
from schemas.node import InputSpec
from schemas.prompt import literal_of
from schemas.report import ProblemCode
from schemas.sockets import ANY

WRITABLE = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", ANY})
"""Socket types whose values can stand in a file."""
_WANTED = {
    "INT": "a whole number",
    "FLOAT": "a number",
    "STRING": "a text",
    "BOOLEAN": "true or false",
    "COMBO": "one of its choices",
    "COMFY_DYNAMICCOMBO_V3": "one of its choices",
}
_BOUNDS = frozenset({"greater_than_equal", "less_than_equal", "greater_than", "less_than"})


@dataclass(eq=False)
class Fault(Exception):
    """Why a literal cannot stand where it does. said, fix: sentences, as in Problem."""

    code: ProblemCode
    said: str
    fix: str


def types_of(socket: str) -> frozenset[str]:
    """The types that a socket names: "INT,FLOAT" is two."""
    return frozenset(part.strip() for part in socket.split(","))


def writable(spec: InputSpec) -> bool:
    """Whether an input takes a value from the file, and not only a wire."""
    return spec.widget is not None or not WRITABLE.isdisjoint(types_of(spec.socket))


def coerce(spec: InputSpec, raw: Any) -> Any:
    """The value that a literal stands for, converted and bounded as ComfyUI does. Raises Fault."""
    value = literal_of(raw)
    if not writable(spec):
        if value is None and not spec.required:
            return None
        raise _no_wire(spec, raw)
    if spec.annotation is None:
        return value
    try:
        coerced = spec.adapter.validate_python(value)
    except ValidationError as error:
        raise _fault(spec, value, error.errors(include_url=False, include_input=False)[0]["type"]) from None
    if isinstance(coerced, float) and not math.isfinite(coerced):
        raise _fault(spec, value, "not_finite")
    return coerced


def wanted(spec: InputSpec) -> str:
    """What an input takes, in words."""
    return _WANTED.get(spec.socket, f"a value of type {spec.socket}")


def example(spec: InputSpec) -> Any:
    """A value that could stand there: the default, the first choice, or None if nothing is known."""
    if spec.default is not None and isinstance(spec.default, str | int | float | bool):
        return spec.default
    if spec.choices:
        return spec.choices[0]
    return None


def bounds(spec: InputSpec) -> str:
    """The bounds in words: "from 1 to 10000"; empty if there are none."""
    low, high = _number(spec.minimum), _number(spec.maximum)
    if low and high:
        return f"from {low} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else ""


def _number(bound: float | None) -> str:
    return "" if bound is None else str(bound)


def _is_nan(value: Any) -> bool:
    """Whether a literal that failed a bound is no number at all, also as text."""
    return isinstance(value, str | float) and math.isnan(float(value))


def _no_wire(spec: InputSpec, raw: Any) -> Fault:
    if isinstance(raw, list):
        said = f"{shown(raw)} is no link; a link is [node id, output number]."
        return Fault("wrong-type", said, f"Write the link to a node that gives {spec.socket}.")
    said = f"{shown(raw)} stands where a wire of type {spec.socket} belongs."
    return Fault("wrong-type", said, f"Link it to a node that gives {spec.socket}: [node id, output number].")


def _fault(spec: InputSpec, value: Any, kind: str) -> Fault:
    if kind in _BOUNDS and not _is_nan(value):
        return Fault("out-of-range", f"{shown(value)} is out of range.", f"Choose a value {bounds(spec)}.")
    if kind == "literal_error":
        return Fault("unknown-choice", f"there is no choice {shown(value)}.", "")
    said = f"{shown(value)} is not {wanted(spec)}."
    allowed = bounds(spec)
    fix = f"Write {wanted(spec)}{f' {allowed}' if allowed else ''}."
    if isinstance(value, list):
        fix = f'{fix} A link is [node id, output number]; a list that is none is written {{"__value__": [...]}}.'
    return Fault("wrong-type", said, fix)
