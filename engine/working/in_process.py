"""In process: the jobs of a source are run here, one wave after the other, in one session."""

from collections.abc import Iterable

from engine.api import Session
from engine.working.source import Source, Stop
from engine.working.work import carry_out

WAIT = 0.5
"""Seconds that a source may wait for jobs; also how long a wish to stop may go unheard."""

WARM_GROUPS = 16
"""How many groups count as warm, those run last: what a session keeps of models is bounded by memory, not by us."""


def run(source: Source, session: Session, stop: Stop) -> None:
    """Run a source's jobs until no more will come or the user wants to stop.

    session: made with the same `stop`, so that a graph that runs ends with its sampler's step. Raises what the source
    raises.
    """
    warm: dict[str, None] = {}
    while not stop():
        orders = source.take(frozenset(warm), WAIT)
        if orders is None:
            return
        if orders:
            carry_out(session, orders, source.done, source.event)
            _warm(warm, (order.group for order in orders))


def _warm(warm: dict[str, None], groups: Iterable[str]) -> None:
    """Put these groups last, and forget the first ones."""
    for group in filter(None, groups):
        warm.pop(group, None)
        warm[group] = None
    for group in list(warm)[:-WARM_GROUPS]:
        del warm[group]
