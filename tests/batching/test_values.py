"""Lists of values: commas, quotes, ranges, files."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.batching.values import MOST_ROWS, values_of
from engine.errors import GraphInvalid


def said(text: str) -> str:
    with pytest.raises(GraphInvalid) as refused:
        values_of(text, "--grid a.b")
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a,b,c", ["a", "b", "c"]),
        ('a,"b, c", d', ["a", "b, c", "d"]),
        ('"say ""hi"""', ['say "hi"']),
        ("a,,b", ["a", "", "b"]),
        ('"@home"', ["@home"]),
        ("0..3", ["0", "1", "2", "3"]),
        ("3..0", ["3", "2", "1", "0"]),
        ("0..100..50,7", ["0", "50", "100", "7"]),
        ("0..1..0.25", ["0", "0.25", "0.5", "0.75", "1"]),
        ("-1..1", ["-1", "0", "1"]),
        ("5..5", ["5"]),
        ("100..300..100", ["100", "200", "300"]),
        ("a..b", ["a..b"]),
    ],
)
def test_a_text_lists_its_values(text: str, values: list[str]) -> None:
    assert values_of(text, "--grid a.b") == values


@settings(deadline=None)
@given(st.integers(-(10**6), 10**6), st.integers(0, 300), st.integers(1, 1000), st.booleans())
def test_a_range_has_every_number_from_end_to_end(first: int, count: int, step: int, down: bool) -> None:
    last = first + count * step * (-1 if down else 1)
    found = [int(value) for value in values_of(f"{first}..{last}..{step}", "--grid a.b")]
    assert found[0] == first
    assert found[-1] == last
    assert len(found) == count + 1
    assert {abs(after - before) for before, after in zip(found, found[1:], strict=False)} <= {step}


@settings(deadline=None)
@given(st.integers(0, 50), st.decimals("0.01", "2", places=2))
def test_a_range_of_fractions_is_exact(count: int, step: Decimal) -> None:
    found = values_of(f"0..{count * step}..{step}", "--grid a.b")
    assert [Decimal(value) for value in found] == [step * number for number in range(count + 1)]


@settings(deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_characters='",@\r\n. ', exclude_categories=["C"]), min_size=1), min_size=1)
)
def test_quoted_values_come_back_as_they_are(values: list[str]) -> None:
    assert values_of(",".join(f'"{value}"' for value in values), "--grid a.b") == values


def test_a_file_lists_a_value_a_line(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes("\ufeffa cat, sitting\r\n\r\nein Hündchen\n".encode())
    assert values_of(f"@{file}", "--grid a.b") == ["a cat, sitting", "ein Hündchen"]
    file.write_text("\n \n")
    assert "no line with a value" in said(f"@{file}")
    assert "no such file" in said(f"@{tmp_path / 'prompt.txt'}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "lists no values"),
        ("a\nb", "lists no values"),
        ('"a', "cannot be parted"),
        ("@", "names no file"),
        ("0..9..0", "never ends"),
        ("0..99999999999999", f"more than {MOST_ROWS:,} values"),
        ("0..1..0.0000000001", f"more than {MOST_ROWS:,} values"),
    ],
)
def test_what_lists_nothing_or_too_much_is_refused(text: str, why: str) -> None:
    assert why in said(text)
