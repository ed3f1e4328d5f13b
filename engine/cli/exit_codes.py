"""How the program ends."""

from collections.abc import Iterable

DONE = 0
FAILED = 1
"""A node failed while running, or the program did."""
INVALID = 2
"""The graph, the command or the settings cannot be run as given."""
INTERRUPTED = 130
"""The user stopped it: what shells report for Ctrl-C."""

BY_STATUS = {"done": DONE, "failed": FAILED, "invalid": INVALID, "interrupted": INTERRUPTED}
"""By a RunReport's status."""


def worst(codes: Iterable[int]) -> int:
    """The one that a run of several files ends with."""
    return max(codes, default=DONE)
