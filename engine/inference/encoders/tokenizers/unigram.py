"""A SentencePiece unigram tokenizer from a GGUF file's metadata, for a T5 whose vocabulary is not the published one.

Keys as llama.cpp writes them ("tokenizer.ggml.…"). Text goes SentencePiece's way: its table of replacements, then runs
of spaces become one, then each space and the beginning become "▁", then the most likely pieces are found.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from tokenizers import Regex, Tokenizer, normalizers
from tokenizers.models import Unigram

from engine.checkpoints.index import TensorIndex
from engine.checkpoints.runnable import TOKENIZER
from engine.errors import ModelFileInvalid
from engine.inference.encoders.tokenizers import metadata
from engine.inference.encoders.tokenizers.metadata import BYTE, CONTROL, UNKNOWN, UNUSED

SPACE = "\u2581"
FIX = "Use the safetensors file of this text encoder, or a GGUF file made by llama.cpp's converter."


class Vocabulary(NamedTuple):
    """A tokenizer. encode: text to ids without marks."""

    encode: Callable[[str], list[int]]
    end: int
    pad: int


@lru_cache(maxsize=4)
def read(index: TensorIndex) -> Vocabulary:
    """The tokenizer in a file's metadata. Raises ModelFileInvalid if there is none, or none that makes sense."""
    tokens, scores, types = (metadata.array(index, name) for name in ("tokens", "scores", "token_type"))
    if not tokens or not len(tokens) == len(scores) == len(types):
        raise _refused(index, f"{len(tokens)} tokens, {len(scores)} scores and {len(types)} types")
    if not all(isinstance(token, str) for token in tokens):
        raise _refused(index, "tokens that are no texts")
    if not all(isinstance(score, float) and math.isfinite(score) for score in scores):
        raise _refused(index, "scores that are no numbers")
    unknown = next((number for number, kind in enumerate(types) if kind == UNKNOWN), None)
    if unknown is None:
        raise _refused(index, "no token for what is unknown")
    reachable = [_reachable(number, *entry) for number, entry in enumerate(zip(tokens, types, strict=True))]
    pairs = list(zip(reachable, scores, strict=True))
    try:
        tokenizer = Tokenizer(Unigram(pairs, unk_id=unknown, byte_fallback=BYTE in types))
        tokenizer.normalizer = normalizers.Sequence(_normalizers(index))
    except Exception as error:  # the library raises no narrower one
        raise _refused(index, f"parts that do not fit together ({error})") from error

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    return Vocabulary(
        encode, _id(index, "eos_token_id", 1, len(tokens)), _id(index, "padding_token_id", 0, len(tokens))
    )


def _reachable(number: int, token: str, kind: int) -> str:
    """A token as text may match it. Marks and unused entries keep their number, but no text is like them."""
    return f"\0{number}\0" if kind in (CONTROL, UNUSED) or not token else token


def _normalizers(index: TensorIndex) -> list[Any]:
    found: list[Any] = []
    replacements = metadata.array(index, "precompiled_charsmap")
    if replacements:
        found.append(normalizers.Precompiled(bytes(value % 256 for value in replacements)))
    if index.metadata.get(f"{TOKENIZER}remove_extra_whitespaces", True):
        found += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    if index.metadata.get(f"{TOKENIZER}add_space_prefix", True):
        found.append(normalizers.Prepend(" "))
    return [*found, normalizers.Replace(" ", SPACE)]


def _id(index: TensorIndex, name: str, default: int, count: int) -> int:
    value = index.metadata.get(TOKENIZER + name, default)
    if type(value) is not int or not 0 <= value < count:
        raise _refused(index, f"{name} {str(value)[:20]}")
    return value


def _refused(index: TensorIndex, held: str) -> ModelFileInvalid:
    return metadata.refused(index, held, FIX)
