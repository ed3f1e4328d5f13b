"""Nearest: which known names look like a mistyped one."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher

CLOSE = 0.6
"""Least similarity (difflib's ratio, 0..1) worth suggesting."""
SHORTLIST = 12
LONGEST = 200
"""Characters of a name that are compared; hostile names may be megabytes long."""


def _folded(name: str) -> str:
    return name[:LONGEST].casefold()


def _pairs(folded: str) -> set[str]:
    padded = f"\0{folded}\0"
    return {padded[at : at + 2] for at in range(len(padded) - 1)}


class Nearest:
    """An index of names by their letter pairs, so that asking costs far less than comparing with each of them."""

    def __init__(self, names: Iterable[str]) -> None:
        """names: in the order that decides between equally close ones."""
        self._names = list(dict.fromkeys(names))
        self._folded = [_folded(name) for name in self._names]
        self._sizes = [0] * len(self._names)
        self._holders: dict[str, list[int]] = defaultdict(list)
        for index, folded in enumerate(self._folded):
            pairs = _pairs(folded)
            self._sizes[index] = len(pairs)
            for pair in pairs:
                self._holders[pair].append(index)

    def of(self, name: str, count: int = 3) -> list[str]:
        """At most `count` names that look like this one, best first; empty if none is close."""
        folded = _folded(name)
        pairs = _pairs(folded)
        shared = Counter(index for pair in pairs for index in self._holders.get(pair, ()))
        overlap = [(2 * n / (len(pairs) + self._sizes[index]), index) for index, n in shared.items()]
        overlap.sort(key=lambda entry: (-entry[0], entry[1]))
        ranked = [
            (SequenceMatcher(None, folded, self._folded[index], autojunk=False).ratio(), -position, index)
            for position, (_, index) in enumerate(overlap[:SHORTLIST])
        ]
        ranked.sort(reverse=True)
        return [self._names[index] for ratio, _, index in ranked[:count] if ratio >= CLOSE]
