"""CLIP's byte-pair tokenizer.

Text is cleaned as transformers 4 does where ftfy is not installed, which is what ComfyUI's users have: control and
format characters go (the joiner inside emoji among them), CJK characters get spaces around them, then come NFC and
lower case. The vocabulary follows from the merges: 256 bytes, the same at the end of a word, one entry per merge, two
marks.
"""

import unicodedata
from functools import cache, lru_cache

from tokenizers import Regex
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Split

from engine.inference.encoders.tokenizers import data

START, END = 49406, 49407

MARKS = {"<|startoftext|>": START, "<|endoftext|>": END}
"""Texts that stand for a token of their own."""

WORD = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"
END_OF_WORD = "</w>"

CJK = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
"""Blocks of ideographs, each of which counts as a word."""

IOTA_SUBSCRIPT = "\u0345"
"""Separates words: the original's case-insensitive pattern takes it neither for a letter nor for anything else."""


def encode(text: str) -> list[int]:
    """Token ids, without start and end marks."""
    found: list[int] = []
    for part in split_at_marks(text):
        if part in MARKS:
            found.append(MARKS[part])
        else:
            for piece, _ in _splitter().pre_tokenize_str(clean(part)):
                found.extend(_ids_of(piece))
    return found


def split_at_marks(text: str) -> list[str]:
    """The text cut around the marks it contains, which stay as parts."""
    parts = [text]
    for mark in MARKS:
        cut = [piece.split(mark) if piece not in MARKS else [piece] for piece in parts]
        parts = [item for pieces in cut for item in _between(pieces, mark)]
    return [part for part in parts if part]


def _between(pieces: list[str], mark: str) -> list[str]:
    """mark between any two pieces."""
    return [item for piece in pieces for item in (mark, piece)][1:]


def clean(text: str) -> str:
    """Words separated by single spaces; see the module's docstring."""
    kept = "".join(_cleaned(character) for character in text)
    composed = unicodedata.normalize("NFC", kept).replace(IOTA_SUBSCRIPT, " ")
    return " ".join(word.lower() for word in composed.split())


def _cleaned(character: str) -> str:
    category = unicodedata.category(character)
    if character in "\t\n\r" or category == "Zs":
        return " "
    if category.startswith("C") or character == "\ufffd":
        return ""
    code = ord(character)
    return f" {character} " if any(first <= code <= last for first, last in CJK) else character


@lru_cache(maxsize=4096)
def _ids_of(piece: str) -> tuple[int, ...]:
    if piece in MARKS:
        return (MARKS[piece],)
    letters = "".join(byte_letters()[byte] for byte in piece.encode("utf-8"))
    return tuple(token.id for token in _model().tokenize(letters))


@cache
def byte_letters() -> dict[int, str]:
    """A printable letter for each byte: itself where it is printable, else one from U+0100 on (as in GPT-2)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable}
    return letters | {byte: chr(256 + number) for number, byte in enumerate(others)}


@cache
def _splitter() -> Split:
    return Split(Regex(WORD), behavior="removed", invert=True)


@cache
def _model() -> BPE:
    lines = data.read("clip_merges.txt.xz").splitlines()[1:]
    merges = [(first, second) for first, second in (line.split() for line in lines if line)]
    letters = list(byte_letters().values())
    entries = [*letters, *(letter + END_OF_WORD for letter in letters), *("".join(pair) for pair in merges), *MARKS]
    vocabulary = {entry: number for number, entry in enumerate(entries)}
    return BPE(vocab=vocabulary, merges=merges, end_of_word_suffix=END_OF_WORD)
