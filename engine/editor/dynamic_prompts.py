"""Dynamic prompts: `{red|green}` becomes one of its alternatives, comments go; as ComfyUI's editor does when queueing.

Facts: docs.comfy.org on text inputs, and the editor's answers. `/* … */` and `//` to the end of a line are comments, in
URLs too. Braces nest and lose themselves where they hold no `|`. One that never closes reaches to the end of the text;
a `}` or `|` outside of braces is an ordinary letter. A backslash keeps the letter behind it from having a meaning.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.reading.printable import listed

SHOWN_LETTERS = 40
"""How much of a choice or a comment a remark quotes."""
SHOWN_ITEMS = 12
"""How many choices or comments of one text a remark names before they are only counted."""

_COMMENT = re.compile(r"/\*|//")
_LINE_END = re.compile(r"[\n\r\u2028\u2029]")
_MARK = re.compile(r"\\.|[{}|]", re.DOTALL)
_ESCAPED = re.compile(r"\\([{}|])")


def resolve(text: str, chance: random.Random) -> tuple[str, list[str]]:
    """The text as it is queued, and a remark for all choices made, one for comments taken away; linear in time."""
    bare, comments = _without_comments(text)
    choices = Choices(bare, chance)
    chosen = "".join(choices.pieces())
    plain, escapes = _ESCAPED.subn(r"\1", chosen)
    remarks = _told(f"removed {'a comment' if len(comments) == 1 else 'comments'}:", list(map(_quoted, comments)))
    remarks += _told("chose", choices.made)
    if choices.bare:
        remarks.append(f"removed {choices.bare} {'pair' if choices.bare == 1 else 'pairs'} of braces without choices")
    if escapes:
        remarks.append(f"removed {escapes} {'backslash' if escapes == 1 else 'backslashes'} before braces or bars")
    return plain, remarks


@dataclass(slots=True)
class Block:
    """A pair of braces. bars: where its alternatives are parted. end: where it closes, or the text ends."""

    bars: list[int] = field(default_factory=list)
    end: int = -1


class Choices:
    """One reading of a text. made: what is chosen on the way. bare: pairs of braces that hold no choice."""

    def __init__(self, text: str, chance: random.Random) -> None:
        """Find the braces."""
        self._text, self._chance = text, chance
        self._blocks = _blocks(text)
        self.made: list[str] = []
        self.bare = 0

    def pieces(self) -> Iterator[str]:
        """The text without what was not chosen. A stack, not recursion, as braces may nest without limit."""
        going = [(0, len(self._text))]
        while going:
            start, end = going.pop()
            mark = _next_brace(self._text, start, end)
            if mark is None:
                yield self._text[start:end]
                continue
            yield self._text[start:mark]
            block = self._blocks[mark]
            going.append((min(block.end + 1, end), end))
            going.append(self._choose(mark, block))

    def _choose(self, begin: int, block: Block) -> tuple[int, int]:
        """Where the chosen alternative lies."""
        edges = [begin, *block.bars, block.end]
        count = len(edges) - 1
        number = self._chance.randrange(count) if count > 1 else 0
        start, end = edges[number] + 1, edges[number + 1]
        if count == 1:
            self.bare += 1
        else:
            shown = self._text[start : min(end, start + SHOWN_LETTERS + 1)]
            self.made.append(f"{_quoted(shown)} of {count}")
        return start, end


def _next_brace(text: str, start: int, end: int) -> int | None:
    """Where the next opening brace with a meaning is."""
    return next((mark.start() for mark in _MARK.finditer(text, start, end) if mark[0] == "{"), None)


def _blocks(text: str) -> dict[int, Block]:
    """Every pair of braces by where it opens."""
    blocks: dict[int, Block] = {}
    unclosed: list[Block] = []
    for mark in _MARK.finditer(text):
        if mark[0] == "{":
            blocks[mark.start()] = block = Block(end=len(text))
            unclosed.append(block)
        elif mark[0] == "|" and unclosed:
            unclosed[-1].bars.append(mark.start())
        elif mark[0] == "}" and unclosed:
            unclosed.pop().end = mark.start()
    return blocks


def _without_comments(text: str) -> tuple[str, list[str]]:
    """The text without comments, and the comments. `/*` that nothing closes is none."""
    kept, removed, done, at = [], [], 0, 0
    last_close = text.rfind("*/")
    while found := _COMMENT.search(text, at):
        begin = found.start()
        if found[0] == "//":
            line = _LINE_END.search(text, begin)
            end = line.start() if line else len(text)
        elif begin + 2 <= last_close:
            end = text.index("*/", begin + 2) + 2
        else:
            at = begin + 1
            continue
        kept.append(text[done:begin])
        removed.append(text[begin:end])
        done = at = end
    return "".join([*kept, text[done:]]), removed


def _told(what: str, items: list[str]) -> list[str]:
    """A remark that names them all, or the first few and how many more there are; none if there are none."""
    return [f"{what} {listed(items, SHOWN_ITEMS)}"] if items else []


def _quoted(text: str) -> str:
    """A text in quotes on one line, cut if it is long."""
    return repr(text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 1] + "…")
