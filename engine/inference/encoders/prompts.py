r"""ComfyUI's prompt syntax: (words:1.2) and (words), nested; \( and \) for plain brackets; embedding:name.

a (red) ball            red at 1.1; brackets inside brackets multiply
a (red:1.3) ball        red at 1.3, whatever is around it
"""

import re
from collections.abc import Callable, Iterator

BRACKET_WEIGHT = 1.1
ESCAPES = (("\\)", "\0\1", ")"), ("\\(", "\0\2", "("))
"""As written, as kept while brackets are matched, as meant."""

EMBEDDING = "embedding:"
BEFORE_EMBEDDING = re.compile(f" (?={EMBEDDING})|\n(?={EMBEDDING})")


def weighted(text: str) -> list[tuple[str, float]]:
    """The prompt in runs of one weight, escapes resolved."""
    for written, kept, _ in ESCAPES:
        text = text.replace(written, kept)
    runs = []
    for run, weight in _weigh(text):
        for _, kept, meant in ESCAPES:
            run = run.replace(kept, meant)
        runs.append((run, weight))
    return runs


def _weigh(text: str) -> Iterator[tuple[str, float]]:
    """Runs in order. A worklist in place of recursion: prompts come from strangers, and may nest a thousandfold."""
    waiting = [(item, 1.0) for item in reversed(items(text))]
    while waiting:
        item, weight = waiting.pop()
        if len(item) >= 2 and item[0] == "(" and item[-1] == ")":
            inner, new_weight = _unwrap(item[1:-1], weight)
            waiting.extend((part, new_weight) for part in reversed(items(inner)))
        else:
            yield item, weight


def _unwrap(inner: str, weight: float) -> tuple[str, float]:
    """What is between two brackets and its weight: the number behind the last colon, or a bit more than around it."""
    before, colon, number = inner.rpartition(":")
    if colon and before:
        try:
            return before, float(number)
        except ValueError:
            pass  # a colon that belongs to the text
    return inner, weight * BRACKET_WEIGHT


def items(text: str) -> list[str]:
    """Outermost bracketed groups, brackets included, and what is between them.

    A bracket that closes nothing counts below zero, and as many opening ones after it are plain text, as in ComfyUI.
    """
    found, start, depth = [], 0, 0
    for place, character in enumerate(text):
        if character == "(":
            if depth == 0:
                found.append(text[start:place])
                start = place
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                found.append(text[start : place + 1])
                start = place + 1
    return [item for item in (*found, text[start:]) if item]


def words(run: str, warn: Callable[[str], None]) -> list[str]:
    """A run in the pieces that are tokenised each for itself: it is cut in front of every embedding.

    An embedding is left out, with a warning, as ComfyUI leaves out one that it does not find; the text behind it stays.
    """
    pieces = []
    for piece in BEFORE_EMBEDDING.split(run):
        if piece.startswith(EMBEDDING):
            piece = _without_embedding(piece, warn)
        if piece:
            pieces.append(piece)
    return pieces


def _without_embedding(piece: str, warn: Callable[[str], None]) -> str:
    name, *rest = piece.removeprefix(EMBEDDING).split() or [""]
    warn(f"{EMBEDDING}{name} is left out of the prompt: textual-inversion embeddings are not read yet.")
    behind = name[len(name.strip(",")) :]
    return f"{behind} {' '.join(rest)}" if behind else " ".join(rest)
