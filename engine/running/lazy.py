"""Lazy inputs: what a node asks for before it runs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.running.mapping import blocking, calls
from schemas.node import MISSING, NodeSpec

UNASKED: Final[Sequence[Any]] = (MISSING,)
"""The items of a linked lazy input that nobody asked for. Told from others by identity."""


def asked(spec: NodeSpec, inputs: Mapping[str, Sequence[Any]]) -> list[str]:
    """The inputs not asked for before that at least one call of the node wants, in the order of the inputs.

    A call that is blocked anyway is not asked. A wish for an input that nothing is linked to is void: the node gets on
    without. Raises ValueError for the name of an input that the class does not have.
    """
    if spec.needs is None:
        return []
    names: set[str] = set()
    for values in calls(inputs, spec):
        if blocking(values, spec.input_is_list) is None:
            names.update(spec.needs(values))
    unknown = names - spec.inputs.keys() - inputs.keys()
    if unknown:
        raise ValueError(f"{spec.class_type} asks for {sorted(unknown)[0]!r}, which is none of its inputs")
    return [field for field, items in inputs.items() if items is UNASKED and field in names]
