"""Which values of a prompt an editor changes between two runs, and how: read from the nodes and their primitives."""

from collections.abc import Iterator, Mapping

from engine.editor.resolving import Literal, Source, Wire
from engine.editor.running_node import RunningNode
from engine.editor.virtual_nodes import primitive_mode
from schemas.workflow import FIXED, Control

LARGEST = 2**64 - 1
"""Where numbers end whose class sets no limit."""


def controls_of(at: RunningNode, saved: Mapping[str, str], sources: Mapping[str, Source]) -> Iterator[Control]:
    """The values of a node that change. saved: modes by field, as the node has them. sources: what feeds which field.

    A value that a primitive writes goes by the primitive's mode; what comes over a wire stays.
    """
    modes = dict(saved)
    for field, source in sources.items():
        if isinstance(source, Literal) and source.primitive is not None:
            modes[field] = primitive_mode(source.primitive) or FIXED
        elif isinstance(source, Wire):
            modes.pop(field, None)
    for field, mode in modes.items():
        entry = at.entry(field)
        if mode != FIXED and entry is not None:
            low, high = entry.minimum or 0, LARGEST if entry.maximum is None else entry.maximum
            yield Control(at.name, field, mode, low, high, entry.step or 1, entry.choices)
