"""T5's SentencePiece unigram tokenizer."""

from functools import cache

from tokenizers import Tokenizer

from engine.inference.encoders.tokenizers import data

END, PAD = 1, 0


def encode(text: str) -> list[int]:
    """Token ids, without the end mark."""
    ids: list[int] = _tokenizer().encode(text).ids
    return ids[:-1]


@cache
def _tokenizer() -> Tokenizer:
    return Tokenizer.from_str(data.read("t5_tokenizer.json.xz"))
