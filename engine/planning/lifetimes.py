"""Lifetimes: after which step nobody reads a node's values any more."""

from collections.abc import Iterable, Mapping, Sequence


def drops_of(order: Sequence[str], reads: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """For each step, the nodes whose values have their last reader in it, in the order of its reads.

    order: the steps as they would run. reads: the nodes that each step takes values from; steps without an entry read
    nothing. A node that no step reads appears nowhere: its values are dropped as soon as they are there.
    """
    seen: set[str] = set()
    drops: dict[str, list[str]] = {}
    for step in reversed(order):
        last = [node for node in dict.fromkeys(reads.get(step, ())) if node not in seen]
        if last:
            seen.update(last)
            drops[step] = last
    return drops
