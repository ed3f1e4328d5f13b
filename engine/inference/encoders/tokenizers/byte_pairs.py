"""Llama 3's byte-pair tokenizer from a GGUF file's metadata, since its vocabulary is not ours to ship.

Marks that stand in the text are found first. The rest is divided into words, a space belonging to the word behind it,
whose bytes are written as letters (as in GPT-2); a word that is in the vocabulary is one token, of any other the pairs
are merged in the order of the merges.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from tokenizers import AddedToken, Regex, Tokenizer, pre_tokenizers
from tokenizers.models import BPE

from engine.checkpoints.index import TensorIndex
from engine.checkpoints.runnable import LLAMA_TOKENIZER
from engine.errors import ModelFileInvalid
from engine.inference.encoders.tokenizers import metadata
from engine.inference.encoders.tokenizers.metadata import CONTROL, USER_DEFINED

WORD = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
START, PAD = "<|begin_of_text|>", "<|eot_id|>"
"""The mark in front of each text, and the one that stands behind it as padding."""


class Vocabulary(NamedTuple):
    """A tokenizer. encode: text to ids without marks but those that stand in it."""

    encode: Callable[[str], list[int]]
    start: int
    pad: int


@lru_cache(maxsize=2)
def read(index: TensorIndex) -> Vocabulary:
    """The tokenizer in a file's metadata. Raises ModelFileInvalid if there is none, or none that makes sense."""
    tokens, merges, types = (metadata.array(index, name) for name in ("tokens", "merges", "token_type"))
    if not tokens or len(tokens) != len(types):
        raise _refused(index, f"{len(tokens)} tokens and {len(types)} types")
    if not all(isinstance(entry, str) for entry in (*tokens, *merges)):
        raise _refused(index, "tokens or merges that are no texts")
    vocabulary = {token: number for number, token in enumerate(tokens)}
    if len(vocabulary) != len(tokens):
        raise _refused(index, "a token twice")
    for mark in (START, PAD):
        if mark not in vocabulary:
            raise _refused(index, f"no token {mark}")
    marks = [token for token, kind in zip(tokens, types, strict=True) if kind in (CONTROL, USER_DEFINED)]
    tokenizer = _tokenizer(index, vocabulary, merges, marks)

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    return Vocabulary(encode, vocabulary[START], vocabulary[PAD])


def _tokenizer(index: TensorIndex, vocabulary: dict[str, int], merges: Sequence[Any], marks: list[str]) -> Tokenizer:
    pairs = [tuple(merge.split(" ")) for merge in merges]
    try:
        tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=pairs, ignore_merges=True))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(WORD), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        tokenizer.add_special_tokens([AddedToken(mark, normalized=False, special=True) for mark in marks])
    except Exception as error:  # the library raises no narrower one
        raise _refused(index, f"parts that do not fit together ({error})") from error
    return tokenizer


def _refused(index: TensorIndex, held: str) -> ModelFileInvalid:
    return metadata.refused(index, held, LLAMA_TOKENIZER)
