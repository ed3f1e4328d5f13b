"""Sections: tokens with weights, laid out in runs of the length that an encoder takes, as ComfyUI lays them out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from engine.inference.encoders import prompts
from engine.inference.encoders.tokenizers import clip, t5

Token = tuple[int, float]
"""A token id and its weight."""

WHOLE_BELOW = 8
"""A piece of fewer tokens than this is not divided between sections, but moved to the next."""


@dataclass(frozen=True)
class Layout:
    """How an encoder takes its tokens.

    start: mark in front of each section, or None. length: of every section; None: one section as long as it must be, at
    least `minimum`. encode: text to ids without marks. end: mark behind each section, or None. bare: an empty prompt is
    padding alone, without marks, where weighted tokens are moved away from it. ragged: a section in front of another
    is not filled up.
    """

    encode: Callable[[str], list[int]]
    end: int | None
    pad: int
    start: int | None = None
    length: int | None = None
    minimum: int = 0
    bare: bool = False
    ragged: bool = False

    @property
    def first(self) -> list[Token]:
        """What a section begins with."""
        return [] if self.start is None else [(self.start, 1.0)]

    @property
    def last(self) -> list[Token]:
        """What a section ends with, in front of the padding."""
        return [] if self.end is None else [(self.end, 1.0)]

    def filled(self, section: Sequence[Token]) -> list[Token]:
        """The section with padding behind it."""
        missing = (self.length or self.minimum) - len(section)
        return [*section, *[(self.pad, 1.0)] * missing]

    def empty(self, length: int) -> list[int]:
        """The ids of an empty prompt in a section of some length."""
        marks = [] if self.bare else [token for token, _ in (*self.first, *self.last)]
        return marks + [self.pad] * (length - len(marks))

    def words_end(self, ids: Sequence[int]) -> int:
        """The place of a section's first end mark, or of the last token in front of the padding if there are no marks.

        The last place where there is neither.
        """
        if self.end is None:
            return ids.index(self.pad) - 1 if self.pad in ids else len(ids) - 1
        return ids.index(self.end) if self.end in ids else len(ids) - 1


CLIP_L = Layout(clip.encode, start=clip.START, end=clip.END, pad=clip.END, length=77)
CLIP_G = replace(CLIP_L, pad=0)
T5_FLUX = Layout(t5.encode, end=t5.END, pad=t5.PAD, minimum=256)
T5_SD3 = replace(T5_FLUX, minimum=77)
T5_LTXV = replace(T5_FLUX, minimum=128)
T5_PIXART = replace(T5_FLUX, minimum=1, bare=True)
T5_HIDREAM = replace(T5_FLUX, length=128, ragged=True)


def unread(text: str) -> list[int]:
    """Stands for a tokenizer that is in the encoder's file."""
    raise RuntimeError("this encoder's tokenizer was not read from its file")


LLAMA_HIDREAM = Layout(unread, start=128_000, end=None, pad=128_009, minimum=128)


def tokenise(text: str, layout: Layout, warn: Callable[[str], None]) -> list[list[Token]]:
    """A prompt in ComfyUI's syntax, in sections. warn: told what is left out."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # JSON may hold half characters
    return arrange(
        (
            [(token, weight) for token in layout.encode(word)]
            for run, weight in prompts.weighted(text)
            for word in prompts.words(run, warn)
        ),
        layout,
    )


def arrange(pieces: Iterable[list[Token]], layout: Layout) -> list[list[Token]]:
    """Fill sections piece by piece; a long piece is divided where a section ends, a short one goes to the next."""
    sections, current = [], layout.first
    for piece in pieces:
        divisible = len(piece) >= WHOLE_BELOW
        while layout.length is not None and len(current) + len(piece) > layout.length - 1:
            room = layout.length - 1 - len(current) if divisible else 0
            section = [*current, *piece[:room], *layout.last]
            sections.append(section if layout.ragged else layout.filled(section))
            current, piece = layout.first, piece[room:]
        current.extend(piece)
    sections.append(layout.filled([*current, *layout.last]))
    return sections
