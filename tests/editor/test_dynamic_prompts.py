"""Dynamic prompts come out as ComfyUI's editor queues them, and nothing changes in silence."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.editor.dynamic_prompts import SHOWN_ITEMS, resolve


def plain(text: str, seed: int = 0) -> str:
    return resolve(text, random.Random(seed))[0]


def alternatives(text: str) -> set[str]:
    return {plain(text, seed) for seed in range(64)}


def test_the_editor_s_own_answer_is_met() -> None:
    asked = "a {red|red} cat // comment http://x.y\nline2 /* block */ end \\{esc\\}"
    assert plain(asked) == "a red cat \nline2  end {esc}"


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("{red|green|blue} cat", {"red cat", "green cat", "blue cat"}),
        ("{a|}b", {"ab", "b"}),
        ("{a|{b|c}{d}}", {"a", "bd", "cd"}),
        ("{a|b}{a|b}", {"aa", "ab", "ba", "bb"}),
        ("{a\\|b|c}", {"a|b", "c"}),
        ("{a|b", {"a", "b"}),
        ("{a {b|c}", {"a b", "a c"}),
        ("x {a {b|c", {"x a b", "x a c"}),
    ],
)
def test_one_of_the_alternatives_is_chosen(text: str, possible: set[str]) -> None:
    assert alternatives(text) == possible


@pytest.mark.parametrize(
    ("text", "queued"),
    [
        ("{only}", "only"),
        ("{}", ""),
        ('{"a": {"b": 1}}', '"a": "b": 1'),
        ("a } b | c", "a } b | c"),
        ("\\{a|b\\}", "{a|b}"),
        ("a \\( b \\n c \\", "a \\( b \\n c \\"),
        ("\\\\{a}", "\\\\a"),
        ("see http://x.y/z", "see http:"),
        ("a // b\r\nc", "a \r\nc"),
        ("a /* b\n// c */ d", "a  d"),
        ("a /* b", "a /* b"),
        ("a /*/ b", "a /*/ b"),
        ("/* a */ b /* c", " b /* c"),
        ("/* // {a|b}", "/* "),
        ("", ""),
    ],
)
def test_braces_escapes_and_comments(text: str, queued: str) -> None:
    assert plain(text) == queued


def test_a_text_without_marks_stays_and_has_no_remarks() -> None:
    assert resolve("a (cat:1.2), 50/50 | half", random.Random(0)) == ("a (cat:1.2), 50/50 | half", [])


def test_the_same_seed_chooses_the_same() -> None:
    text = "{a|b|c|d} {a|b|c|d} {a|b|c|d}"
    assert plain(text, 5) == plain(text, 5)
    assert len(alternatives(text)) > 10


def test_every_change_is_told() -> None:
    remarks = resolve("{red|red|red} {x} {a|a} {a|a} \\{ // see", random.Random(0))[1]
    assert remarks == [
        "removed a comment: '// see'",
        "chose 'red' of 3, 'a' of 2, 'a' of 2",
        "removed 1 pair of braces without choices",
        "removed 1 backslash before braces or bars",
    ]


def test_many_or_long_changes_are_told_in_short() -> None:
    comment, choices = resolve("{a|a}" * 50 + "/*" + "c" * 500 + "*/", random.Random(0))[1]
    assert len(comment) < 80
    assert choices == "chose " + ", ".join(["'a' of 2"] * SHOWN_ITEMS) + f" and {50 - SHOWN_ITEMS} more"


@pytest.mark.parametrize("text", ["{" * 100_000, "{a|" * 100_000 + "}" * 100_000, "/*" * 100_000, "{|}" * 50_000])
def test_a_hundred_thousand_marks_are_no_trouble(text: str) -> None:
    assert len(plain(text)) <= len(text)


@given(st.text(alphabet="ab{}|\\/*\n", max_size=60), st.integers(0, 9))
def test_any_text_is_resolved_and_changes_have_remarks(text: str, seed: int) -> None:
    queued, remarks = resolve(text, random.Random(seed))
    assert queued == text or remarks


@given(st.text(alphabet="abc .,:()", max_size=60))
def test_nothing_happens_to_texts_without_braces_slashes_and_escapes(text: str) -> None:
    assert resolve(text, random.Random(0)) == (text, [])
