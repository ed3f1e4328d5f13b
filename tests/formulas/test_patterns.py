"""Patterns over texts: Python's own answers, and an end for those that would have none."""

import sys

import pytest

from engine.formulas import patterns
from engine.formulas.patterns import PatternInvalid, each, first, flags_of, replaced


def test_the_first_match_and_its_groups():
    assert first(r"b(\d)(x)?", "a b1 b2", 0) == "b1"
    assert first(r"b(\d)(x)?", "a b1 b2", 0, group=1) == "1"
    assert first(r"b(\d)(x)?", "a b1 b2", 0, group=2) == ""
    assert first(r"b(\d)(x)?", "a b1 b2", 0, group=3) is None
    assert first("z", "a b1 b2", 0) is None


def test_every_match_and_its_groups():
    assert each(r"b\d", "b1 b2", 0) == ["b1", "b2"]
    assert each(r"b(\d)", "b1 b2", 0) == ["1", "2"]
    assert each(r"b(\d)", "b1 b2", 0, group=0) == ["b1", "b2"]
    assert each(r"b\d", "b1 b2", 0, group=0) == []
    assert each(r"b(\d)", "b1 b2", 0, group=1) == ["1", "2"]
    assert each(r"b(\d)", "b1 b2", 0, group=2) == []


def test_replacing_counts_and_knows_groups():
    assert replaced(r"b(\d)", "b1 b2", 0, r"\1!") == "1! 2!"
    assert replaced(r"b(\d)", "b1 b2", 0, "é", count=1) == "é b2"


def test_flags_are_pythons():
    assert first("^B.c", "a\nb\nc", flags_of(True, True, True)) == "b\nc"
    assert first("^B.c", "a\nb\nc", flags_of(True, True, False)) is None
    assert first("B", "b", flags_of(False, False, False)) is None


@pytest.mark.parametrize("pattern", ["(", "[", "*", "(?P<a", "a{99999999999999}", "(?<=a+)b", "\\"])
def test_a_pattern_that_is_none_is_told(pattern):
    with pytest.raises(PatternInvalid, match="is not valid"):
        first(pattern, "a", 0)


def test_a_replacement_that_names_no_group_is_told():
    with pytest.raises(PatternInvalid, match="is not valid"):
        replaced("a", "a", 0, r"\7")


def test_a_search_without_an_end_is_ended(monkeypatch):
    monkeypatch.setattr(patterns, "SECONDS", 0.3)
    with pytest.raises(TimeoutError, match="given up"):
        first("(a+)+b", "a" * 60, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds it")
def test_an_answer_too_large_for_memory_is_refused():
    with pytest.raises(ValueError, match="could not be applied"):
        replaced("", "a" * 40_000, 0, "b" * 40_000)


def test_any_text_goes_there_and_back():
    text = "\ud800\0\u2028 \U0001f600"
    assert replaced("a", text, 0, "") == text
