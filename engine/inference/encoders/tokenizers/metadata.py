"""What a GGUF file's metadata say about its tokenizer, under llama.cpp's keys ("tokenizer.ggml.…")."""

from typing import Any

from engine.checkpoints.gguf_header import ArrayPlace, read_array
from engine.checkpoints.index import TensorIndex
from engine.checkpoints.runnable import TOKENIZER
from engine.errors import ModelFileInvalid

UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 2, 3, 4, 5, 6
"""Types of tokens, as SentencePiece numbers them."""


def array(index: TensorIndex, name: str) -> tuple[Any, ...]:
    """The entries under a key; none if there is no such key. Long ones are read from the file only now."""
    value = index.metadata.get(TOKENIZER + name, ())
    if isinstance(value, ArrayPlace):
        return read_array(index.path, value)
    return value if isinstance(value, tuple) else ()


def refused(index: TensorIndex, held: str, fix: str) -> ModelFileInvalid:
    """The error that says what the metadata hold in place of a tokenizer."""
    return ModelFileInvalid(index.path, f"has no usable tokenizer in its metadata: it has {held}.", fix)
