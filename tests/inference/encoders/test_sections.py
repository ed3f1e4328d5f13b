"""Tokens fill sections of 77 as ComfyUI fills them."""

import pytest

from engine.inference.encoders.sections import CLIP_L, T5_FLUX, Layout, arrange, tokenise
from engine.inference.encoders.tokenizers.clip import END, START

TOY = Layout(lambda text: [], start=1, end=2, pad=3, length=10)


def piece(first: int, count: int, weight: float = 1.0) -> list[tuple[int, float]]:
    return [(token, weight) for token in range(first, first + count)]


def ids(sections: list[list[tuple[int, float]]]) -> list[list[int]]:
    return [[token for token, _ in section] for section in sections]


def test_an_empty_prompt_is_marks_and_padding() -> None:
    assert ids(arrange([], TOY)) == [[1, 2, 3, 3, 3, 3, 3, 3, 3, 3]]
    assert TOY.empty(4) == [1, 2, 3, 3]
    assert T5_FLUX.empty(3) == [1, 0, 0]


def test_a_full_section_has_no_padding_and_no_empty_one_behind_it() -> None:
    assert ids(arrange([piece(10, 4), piece(20, 4)], TOY)) == [[1, 10, 11, 12, 13, 20, 21, 22, 23, 2]]


def test_a_short_piece_moves_whole_to_the_next_section() -> None:
    assert ids(arrange([piece(10, 5), piece(20, 5)], TOY)) == [
        [1, 10, 11, 12, 13, 14, 2, 3, 3, 3],
        [1, 20, 21, 22, 23, 24, 2, 3, 3, 3],
    ]


def test_a_piece_of_eight_tokens_is_divided() -> None:
    assert ids(arrange([piece(10, 5), piece(20, 8)], TOY)) == [
        [1, 10, 11, 12, 13, 14, 20, 21, 22, 2],
        [1, 23, 24, 25, 26, 27, 2, 3, 3, 3],
    ]


def test_a_long_piece_runs_through_several_sections_with_its_weight() -> None:
    sections = arrange([piece(100, 20, 1.5)], TOY)
    assert [len(section) for section in sections] == [10, 10, 10]
    assert [weight for section in sections for token, weight in section if token >= 100] == [1.5] * 20
    assert {weight for section in sections for token, weight in section if token < 100} == {1.0}


def test_t5_is_one_section_of_at_least_256() -> None:
    nobody: list[str] = []
    (short,) = tokenise("a cat", T5_FLUX, nobody.append)
    assert (len(short), short[-1]) == (256, (0, 1.0))
    (long,) = tokenise("cat " * 400, T5_FLUX, nobody.append)
    assert (len(long), long[-1]) == (401, (1, 1.0))


@pytest.mark.parametrize("layout", [CLIP_L, T5_FLUX])
def test_half_a_character_is_no_traceback(layout: Layout) -> None:
    assert len(tokenise("a \ud83d cat", layout, lambda said: None)) == 1


def test_clip_sections_have_marks() -> None:
    first, second = tokenise("word " * 80, CLIP_L, lambda said: None)
    assert (first[0][0], first[-1][0], len(first)) == (START, END, 77)
    assert (second[0][0], second[-1][0], len(second)) == (START, END, 77)
