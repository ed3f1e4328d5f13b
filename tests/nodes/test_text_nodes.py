"""Nodes on texts give what ComfyUI's give, and refuse what would fill the memory."""

import pytest

from engine.plugins.registry import Registry
from nodes.text import LONGEST
from tests.inference.stand_in import StandInContext

REGEX = {"case_insensitive": True, "multiline": False, "dotall": False}


def ran(class_type, context=None, **values):
    return tuple(Registry.builtin().find(class_type).run(values, context or StandInContext()))


def test_texts_are_joined_with_the_delimiter_between():
    assert ran("StringConcatenate", string_a="a", string_b="b", delimiter=", ") == ("a, b",)


@pytest.mark.parametrize(
    ("start", "end", "wanted"), [(0, 2, "he"), (-2, 99, "lo"), (3, 1, ""), (-99, 99, "hello"), (10**30, 10**31, "")]
)
def test_parts_are_cut_as_python_cuts(start, end, wanted):
    assert ran("StringSubstring", string="hello", start=start, end=end) == (wanted,)


def test_length_counts_characters():
    assert ran("StringLength", string="ä\U0001f600\n") == (3,)


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [("UPPERCASE", "ON THE ROAD"), ("lowercase", "on the road"), ("Capitalize", "On the road")]
    + [("Title Case", "On The Road")],
)
def test_case(mode, wanted):
    assert ran("CaseConverter", string="on The road", mode=mode) == (wanted,)


@pytest.mark.parametrize(("mode", "wanted"), [("Both", "a"), ("Left", "a \n"), ("Right", "\t a")])
def test_blanks_are_cut_from_the_ends(mode, wanted):
    assert ran("StringTrim", string="\t a \n", mode=mode) == (wanted,)


@pytest.mark.parametrize(
    ("find", "replace", "wanted"), [("l", "L", "heLLo"), ("", "-", "-h-e-l-l-o-"), ("x", "y", "hello")]
)
def test_every_occurrence_is_replaced(find, replace, wanted):
    assert ran("StringReplace", string="hello", find=find, replace=replace) == (wanted,)


@pytest.mark.parametrize(("case_sensitive", "wanted"), [(True, False), (False, True)])
def test_case_may_count(case_sensitive, wanted):
    assert ran("StringContains", string="Hello", substring="hell", case_sensitive=case_sensitive) == (wanted,)
    values = {"string_a": "Hello", "string_b": "hell", "case_sensitive": case_sensitive}
    assert ran("StringCompare", mode="Starts With", **values) == (wanted,)


@pytest.mark.parametrize(("mode", "wanted"), [("Starts With", False), ("Ends With", True), ("Equal", False)])
def test_comparisons(mode, wanted):
    assert ran("StringCompare", string_a="hello", string_b="lo", mode=mode, case_sensitive=True) == (wanted,)


def test_a_text_too_long_is_refused():
    long = "a" * (LONGEST // 2 + 1)
    with pytest.raises(ValueError, match="characters"):
        ran("StringConcatenate", string_a=long, string_b=long, delimiter="")
    with pytest.raises(ValueError, match="characters"):
        ran("StringReplace", string="a" * 100_000, find="", replace="b" * 100_000)


@pytest.mark.parametrize(
    ("mode", "group", "wanted"),
    [
        ("First Match", 1, "a1"),
        ("All Matches", 1, "a\nb"),
        ("First Group", 2, "1"),
        ("First Group", 3, ""),
        ("First Group", 0, "a1"),
        ("All Groups", 2, "1\n2"),
        ("All Groups", 0, "a1\nb2"),
        ("All Groups", 3, ""),
    ],
)
def test_patterns_extract_matches_and_groups(mode, group, wanted):
    values = {"string": "a1 b2", "regex_pattern": r"([A-Z])(\d)", "mode": mode, "group_index": group}
    assert ran("RegexExtract", **values, **REGEX) == (wanted,)


def test_patterns_match_or_do_not():
    assert ran("RegexMatch", string="abc", regex_pattern="B.", **REGEX) == (True,)
    assert ran("RegexMatch", string="abc", regex_pattern="b$", **REGEX) == (False,)


def test_patterns_replace_at_most_so_many():
    values = {"string": "aAa", "regex_pattern": "a", "replace": "b"}
    assert ran("RegexReplace", **values, **REGEX, count=2) == ("bba",)
    assert ran("RegexReplace", **values, **REGEX, count=0) == ("bbb",)


def test_a_pattern_that_is_none_matches_nothing_and_says_so():
    context = StandInContext()
    assert ran("RegexMatch", context, string="a", regex_pattern="(", **REGEX) == (False,)
    values = {"string": "a", "regex_pattern": "(", "mode": "First Match", "group_index": 1}
    assert ran("RegexExtract", context, **values, **REGEX) == ("",)
    assert len(context.warned) == 2
    with pytest.raises(ValueError, match="not valid"):
        ran("RegexReplace", string="a", regex_pattern="(", replace="", **REGEX, count=0)
