"""A tokenizer from a GGUF file's metadata divides and merges as Llama 3's does."""

import re
from typing import Any

import pytest

from engine.checkpoints import index
from engine.checkpoints.index import TensorIndex
from engine.errors import ModelFileInvalid
from engine.inference.encoders.tokenizers import byte_pairs, clip
from tests.models.fixture import tiny_models

TEXT, MARK = 1, 3
LETTERS = tuple(clip.byte_letters().values())
WORDS = ("Ġc", "Ġca", "Ġcat", "Ġhorse", "12", "123", "ĊĊ")
MARKS = ("<|begin_of_text|>", "<|eot_id|>")
NUMBERS = {word: 256 + place for place, word in enumerate((*WORDS, *MARKS))}


def metadata(**changes: Any) -> dict[str, Any]:
    given = {
        "tokens": (*LETTERS, *WORDS, *MARKS),
        "merges": ("Ġ c", "Ġc a", "Ġca t", "1 2", "12 3", "Ċ Ċ"),
        "token_type": (*[TEXT] * (256 + len(WORDS)), MARK, MARK),
    }
    return {f"tokenizer.ggml.{name}": value for name, value in (given | changes).items() if value is not None}


def made(**changes: Any) -> byte_pairs.Vocabulary:
    return byte_pairs.read(TensorIndex("llama.gguf", "gguf", {}, metadata(**changes)))


def spelled(text: str) -> list[int]:
    return [LETTERS.index(letter) for letter in text]


def test_pairs_are_merged_in_order_and_a_space_belongs_to_the_word_behind_it() -> None:
    encode = made().encode
    assert encode(" cat") == [NUMBERS["Ġcat"]]
    assert encode("cat cats") == [*spelled("cat"), NUMBERS["Ġcat"], *spelled("s")]
    assert encode("") == []


def test_a_word_of_the_vocabulary_is_one_token_even_if_no_merges_lead_to_it() -> None:
    assert made().encode(" horse") == [NUMBERS["Ġhorse"]]
    assert NUMBERS["Ġhorse"] not in made().encode(" horses")


def test_digits_go_by_threes_and_line_ends_stay_together() -> None:
    assert made().encode("12312\n\n") == [NUMBERS["123"], NUMBERS["12"], NUMBERS["ĊĊ"]]
    assert made().encode("é") == spelled("Ã©")


def test_marks_are_found_in_text() -> None:
    vocabulary = made()
    assert (vocabulary.start, vocabulary.pad) == (NUMBERS["<|begin_of_text|>"], NUMBERS["<|eot_id|>"])
    assert vocabulary.encode(" cat<|eot_id|> cat") == [NUMBERS["Ġcat"], vocabulary.pad, NUMBERS["Ġcat"]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tokens": None}, "0 tokens and 265 types"),
        ({"token_type": (TEXT,)}, "265 tokens and 1 types"),
        ({"merges": (1, 2)}, "tokens or merges that are no texts"),
        ({"merges": ("Ġ  c",)}, "parts that do not fit together"),
        ({"merges": ("c x",)}, "parts that do not fit together"),
        ({"tokens": (*LETTERS, *WORDS, "!", "<|eot_id|>")}, "a token twice"),
        ({"tokens": (*LETTERS, *WORDS, "<s>", "<|eot_id|>")}, re.escape("no token <|begin_of_text|>")),
    ],
)
def test_metadata_that_is_no_tokenizer_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelFileInvalid, match=f"no usable tokenizer in its metadata: it has {said}"):
        made(**changes)


def test_a_files_long_arrays_are_read_when_they_are_needed() -> None:
    name = "text_encoders/Meta-Llama-3.1-8B-Instruct-Q4_K.gguf"
    vocabulary = byte_pairs.read(index.read(tiny_models(name) / name))
    assert (len(vocabulary.encode(" astronaut riding horses")), vocabulary.pad - vocabulary.start) == (3, 4)
