"""Token ids are those of transformers 4.57.1 without ftfy; transformers_ids.json has what it gave for hard texts."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.inference.encoders.tokenizers import clip, t5

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "transformers_ids.json").read_text())


def test_clip_ids_are_those_of_transformers_4() -> None:
    assert [case["text"] for case in CASES if clip.encode(case["text"]) != case["clip"]] == []


def test_t5_ids_are_those_of_transformers_4() -> None:
    assert [case["text"] for case in CASES if t5.encode(case["text"]) != case["t5"]] == []


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  A\tcat\u3000and\na DOG ", "a cat and a dog"),
        ("中文字cat", "中 文 字 cat"),
        ("a\u200db\x00c\ufffdd", "abcd"),
        ("e\u0301", "é"),
        ("a\u0345b", "a b"),
        ("", ""),
    ],
)
def test_text_is_cleaned_as_without_ftfy(text: str, cleaned: str) -> None:
    assert clip.clean(text) == cleaned


def test_marks_are_found_wherever_they_stand() -> None:
    start, end = "<|startoftext|>", "<|endoftext|>"
    assert clip.split_at_marks(f"a{start}{end}b") == ["a", start, end, "b"]
    assert clip.encode(f"{end}{start}") == [clip.END, clip.START]
    assert clip.encode(end.upper()) == [clip.END]


def test_the_vocabulary_that_follows_from_the_merges_is_clips() -> None:
    assert clip.encode("a photo of a cat") == [320, 1125, 539, 320, 2368]


def test_data_of_others_ships_with_its_licence() -> None:
    folder = Path(clip.__file__).parents[1] / "data"
    notice = (folder / "NOTICE.txt").read_text()
    assert all(file.name in notice for file in folder.glob("*.xz"))
    assert sum(file.stat().st_size for file in folder.glob("*.xz")) < 600_000
