"""The prompt syntax is ComfyUI's, its odd corners included."""

import pytest

from engine.inference.encoders import prompts

WEIGHTED = [
    ("", []),
    ("plain", [("plain", 1.0)]),
    ("a (red) ball", [("a ", 1.0), ("red", 1.1), (" ball", 1.0)]),
    ("a (red:1.3) ball", [("a ", 1.0), ("red", 1.3), (" ball", 1.0)]),
    ("((very)) so", [("very", 1.1 * 1.1), (" so", 1.0)]),
    ("(a (b:0.5) c:1.4)", [("a ", 1.4), ("b", 0.5), (" c", 1.4)]),
    ("(12:30 o'clock)", [("12:30 o'clock", 1.1)]),
    ("(a: 1.2 )", [("a", 1.2)]),
    ("(a:1e-1)", [("a", 0.1)]),
    ("(a:-2)", [("a", -2.0)]),
    ("(:1.3)", [(":1.3", 1.1)]),
    ("()", []),
    ("(:)", [(":", 1.1)]),
    (r"\(a\)", [("(a)", 1.0)]),
    (r"(a \(b\):1.2)", [("a (b)", 1.2)]),
    (r"\\(a)", [("\\(a)", 1.0)]),
    ("[a] {b}", [("[a] {b}", 1.0)]),
    ("open (paren", [("open ", 1.0), ("(paren", 1.0)]),
    ("((a)", [("(a", 1.1)]),
    ("a) (b) c", [("a) (b) c", 1.0)]),
    ("a)((b) c", [("a)(", 1.0), ("b", 1.1), (" c", 1.0)]),
]


@pytest.mark.parametrize(("text", "runs"), WEIGHTED)
def test_brackets_weigh(text: str, runs: list[tuple[str, float]]) -> None:
    assert prompts.weighted(text) == [(run, pytest.approx(weight)) for run, weight in runs]


def test_deep_nesting_neither_recurses_nor_hangs() -> None:
    ((run, weight),) = prompts.weighted("(" * 2000 + "a" + ")" * 2000)
    assert run == "a"
    assert weight == pytest.approx(1.1**2000)


WITHOUT_EMBEDDING = [
    ("a embedding:x b", ["a", "b"], ["x"]),
    ("embedding:x", [], ["x"]),
    ("embedding:x, on a table", [", on a table"], ["x,"]),
    ("a\nembedding:x\nb", ["a", "b"], ["x"]),
    ("embedding: ", [], [""]),
    ("an embedding:x embedding:y z", ["an", "z"], ["x", "y"]),
    ("myembedding:x", ["myembedding:x"], []),
]


@pytest.mark.parametrize(("run", "words", "names"), WITHOUT_EMBEDDING)
def test_an_embedding_is_left_out_with_a_warning_and_the_rest_stays(
    run: str, words: list[str], names: list[str]
) -> None:
    warned: list[str] = []
    assert prompts.words(run, warned.append) == words
    assert [said.split(" is left out")[0] for said in warned] == [f"embedding:{name}" for name in names]
