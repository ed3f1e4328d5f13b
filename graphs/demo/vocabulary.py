"""The few words of the demo model's captions as token ids of the published CLIP and T5 vocabularies.

Training needs no tokenizer: both split these words the same way wherever they stand.
"""

from __future__ import annotations

CLIP_START, CLIP_END = 49406, 49407
T5_PAD, T5_END = 0, 1

CLIP_WORDS: dict[str, int] = {
    "a": 320,
    "an": 550,
    "on": 525,
    "background": 5994,
    "red": 736,
    "green": 1901,
    "blue": 1746,
    "yellow": 4481,
    "purple": 5496,
    "orange": 4287,
    "black": 1449,
    "white": 1579,
    "circle": 7117,
    "square": 3999,
    "triangle": 14615,
    "cross": 3417,
    ",": 267,
}
T5_WORDS: dict[str, tuple[int, ...]] = {
    "a": (3, 9),
    "an": (46,),
    "on": (30,),
    "background": (2458,),
    "red": (1131,),
    "green": (1442,),
    "blue": (1692,),
    "yellow": (4459,),
    "purple": (11094,),
    "orange": (5470,),
    "black": (1001,),
    "white": (872,),
    "circle": (8196,),
    "square": (2812,),
    "triangle": (19938,),
    "cross": (2269,),
    ",": (6,),
}


def split_words(caption: str) -> list[str]:
    """Words and commas of a caption."""
    return caption.replace(",", " ,").split()


def clip_ids(caption: str) -> list[int]:
    """Start, words, end."""
    return [CLIP_START, *(CLIP_WORDS[word] for word in split_words(caption)), CLIP_END]


def t5_ids(caption: str) -> list[int]:
    """Word pieces, end."""
    return [piece for word in split_words(caption) for piece in T5_WORDS[word]] + [T5_END]


USED_CLIP_IDS = (CLIP_START, CLIP_END, *sorted(set(CLIP_WORDS.values())))
USED_T5_IDS = (T5_PAD, T5_END, *sorted({piece for pieces in T5_WORDS.values() for piece in pieces}))
