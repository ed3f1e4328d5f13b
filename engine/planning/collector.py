"""Collector: Python's search for circles of garbage, put off while much is made and nothing thrown away."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """No collection in here; as before afterwards.

    Making the books of a run allocates some twenty objects a node, all of which stay: looking through them again and
    again costs a third of the time. Not for code that runs nodes, whose garbage may be large.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
