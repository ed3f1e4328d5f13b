"""A tokenizer from a GGUF file's metadata gives the ids of the SentencePiece model that it was written from."""

import base64
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from engine.checkpoints import index
from engine.checkpoints.index import TensorIndex
from engine.errors import ModelFileInvalid
from engine.inference.encoders.tokenizers import data, unigram
from tests.checkpoints.tables import gguf_bytes, gguf_text

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "transformers_ids.json").read_text())
NORMAL, UNKNOWN, CONTROL = 1, 2, 3
SMALL = ("<pad>", "</s>", "<unk>", "▁a", "▁cat", "▁", "c", "a", "t", "s")


def metadata(**changes: Any) -> dict[str, Any]:
    given = {
        "tokens": SMALL,
        "scores": (0.0, 0.0, 0.0, -2.0, -3.0, -4.0, -5.0, -5.0, -5.0, -5.0),
        "token_type": (CONTROL, CONTROL, UNKNOWN, *[NORMAL] * 7),
        "eos_token_id": 1,
        "padding_token_id": 0,
    }
    return {f"tokenizer.ggml.{name}": value for name, value in (given | changes).items() if value is not None}


def made(**changes: Any) -> unigram.Vocabulary:
    return unigram.read(TensorIndex("t5.gguf", "gguf", {}, metadata(**changes)))


def test_t5s_own_vocabulary_from_metadata_gives_t5s_ids() -> None:
    published = json.loads(data.read("t5_tokenizer.json.xz"))
    pieces = published["model"]["vocab"]
    marks = {entry["id"] for entry in published["added_tokens"]}
    types = tuple(UNKNOWN if number == 2 else CONTROL if number in marks else NORMAL for number in range(len(pieces)))
    (table,) = (each for each in _normalizers(published["normalizer"]) if each["type"] == "Precompiled")
    vocabulary = made(
        tokens=tuple(piece for piece, _ in pieces),
        scores=tuple(float(score) for _, score in pieces),
        token_type=types,
        precompiled_charsmap=tuple(base64.b64decode(table["precompiled_charsmap"])),
    )
    # transformers also finds marks in text, and divides it at U+0085, which SentencePiece takes for a character
    texts = [case for case in CASES if not set("<\x85") & set(case["text"])]
    assert len(texts) > 20
    assert [case["text"] for case in texts if vocabulary.encode(case["text"]) != case["t5"]] == []


def _normalizers(given: dict[str, Any]) -> list[dict[str, Any]]:
    return given["normalizers"] if given["type"] == "Sequence" else [given]


def test_spaces_become_marks_and_the_likeliest_pieces_win() -> None:
    vocabulary = made()
    assert vocabulary.encode("  a   cats ") == [3, 4, 9]
    assert vocabulary.encode("") == []
    assert (vocabulary.end, vocabulary.pad) == (1, 0)
    assert made(add_space_prefix=False).encode("cat") == [6, 7, 8]
    assert made(remove_extra_whitespaces=False).encode("a  cat") == [3, 5, 4]


def test_what_is_unknown_is_one_token_and_marks_are_no_text() -> None:
    assert made().encode("a zzz") == [3, 5, 2]
    assert 1 not in made().encode("</s>")
    assert made().encode("</s>")[-1] == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tokens": None}, "0 tokens, 10 scores and 10 types"),
        ({"scores": (0.0,)}, "10 tokens, 1 scores"),
        ({"scores": (float("nan"),) * 10}, "scores that are no numbers"),
        ({"token_type": (NORMAL,) * 10}, "no token for what is unknown"),
        ({"eos_token_id": 10}, "eos_token_id 10"),
        ({"padding_token_id": "x"}, "padding_token_id x"),
        ({"precompiled_charsmap": (1, 2, 3)}, "parts that do not fit together"),
        ({"tokens": tuple(range(10))}, "tokens that are no texts"),
    ],
)
def test_metadata_that_is_no_tokenizer_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelFileInvalid, match=f"no usable tokenizer in its metadata: it has {said}"):
        made(**changes)


def test_long_arrays_are_read_from_the_file_when_they_are_needed(tmp_path: Path) -> None:
    tokens = [*SMALL, *(f"▁word{number}" for number in range(100))]
    scores = [-float(number) for number in range(len(tokens))]
    types = [CONTROL, CONTROL, UNKNOWN] + [NORMAL] * (len(tokens) - 3)
    path = tmp_path / "t5.gguf"
    head = {
        "tokenizer.ggml.tokens": struct.pack("<IIQ", 9, 8, len(tokens)) + b"".join(map(gguf_text, tokens)),
        "tokenizer.ggml.scores": struct.pack(f"<IIQ{len(tokens)}f", 9, 6, len(tokens), *scores),
        "tokenizer.ggml.token_type": struct.pack(f"<IIQ{len(tokens)}i", 9, 5, len(tokens), *types),
    }
    path.write_bytes(gguf_bytes({"a": ("fp32", (2,))}, head))
    assert unigram.read(index.read(path)).encode("a cat word7") == [3, 4, 17]
    cut = path.read_bytes()
    known = index.read(path)
    path.write_bytes(cut[:400])
    unigram.read.cache_clear()
    with pytest.raises(ModelFileInvalid, match="lost a part of its metadata"):
        unigram.read(known)
