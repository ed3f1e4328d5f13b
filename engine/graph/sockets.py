"""Sockets: which output fits which input. ComfyUI's rules, as its server applies them."""

from engine.graph.literals import types_of
from schemas.sockets import ANY


def fits(given: str, taken: str) -> bool:
    """Whether an output of type `given` may feed an input of type `taken`.

    "*" fits everything; unions ("INT,FLOAT") fit if they share a type. Nothing is converted on a wire: an INT does
    not feed a FLOAT, nor a STRING a COMBO.
    """
    if given == taken or ANY in (given, taken):
        return True
    given_types, taken_types = types_of(given), types_of(taken)
    return ANY in given_types | taken_types or not given_types.isdisjoint(taken_types)
