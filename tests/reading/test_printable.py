"""Text that can always be printed."""

from engine.reading.printable import listed, shown, unquoted


def test_lists_name_the_first_few_and_count_the_rest():
    assert listed([], 3) == ""
    assert listed(["a", "b", "c"], 3) == "a, b, c"
    assert listed(["a", "b", "c"], 2, shown) == "'a', 'b' and 1 more"


def test_names_stand_without_quotes_but_cut_and_escaped_all_the_same():
    assert unquoted("5 KSampler") == "5 KSampler"
    assert unquoted("a\n") == "a\\n"
    assert len(unquoted("x" * 1000)) < 100
