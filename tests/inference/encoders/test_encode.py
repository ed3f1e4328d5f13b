"""Weights move tokens away from the empty prompt; the pooled output is the first end mark's."""

from dataclasses import replace

import torch

from engine.inference.encoders.contract import Vectors
from engine.inference.encoders.encode import answer_of, words_of
from engine.inference.encoders.families import Reading
from engine.inference.encoders.sections import Layout, Token

LAYOUT = Layout(lambda text: [], start=1, end=2, pad=3, length=4)
READING = Reading(LAYOUT)


def encoder(ids: torch.Tensor, ends: torch.Tensor) -> Vectors:
    """Each token's vector is its id and its place; that of a text is the end mark's."""
    tokens = torch.stack((ids.float(), torch.arange(ids.shape[1]).expand(ids.shape).float()), dim=-1)
    return Vectors(tokens, tokens[torch.arange(len(ids)), ends])


def test_a_weighted_token_moves_away_from_what_an_empty_prompt_has_in_its_place() -> None:
    section: list[Token] = [(1, 1.0), (9, 1.5), (2, 1.0), (3, 1.0)]
    (hidden,) = answer_of(encoder, [section], READING).tokens
    assert hidden[:, 0].tolist() == [1.0, (9 - 2) * 1.5 + 2, 2.0, 3.0]


def test_sections_stand_one_behind_the_other() -> None:
    sections: list[list[Token]] = [[(1, 1.0), (7, 1.0)], [(1, 1.0), (8, 2.0)]]
    hidden = answer_of(encoder, sections, READING).tokens
    assert hidden.shape == (1, 4, 2)
    assert hidden[0, :, 0].tolist() == [1.0, 7.0, 1.0, (8 - 2) * 2.0 + 2]


def test_a_prompt_without_weights_is_not_encoded_with_an_empty_one() -> None:
    seen: list[int] = []

    def counting(ids: torch.Tensor, ends: torch.Tensor) -> Vectors:
        seen.append(len(ids))
        return encoder(ids, ends)

    weighted: list[Token] = [(1, 1.0), (2, 0.9)]
    answer_of(counting, [[(1, 1.0), (2, 1.0)]], READING)
    answer_of(counting, [weighted], READING)
    answer_of(counting, [weighted, weighted], replace(READING, only_pooled=True))
    assert seen == [1, 2, 1]


def test_pooled_is_the_first_end_mark_of_the_first_section_whatever_the_weights() -> None:
    sections: list[list[Token]] = [[(1, 1.0), (9, 3.0), (2, 1.0), (2, 1.0)], [(1, 1.0), (2, 1.0), (3, 1.0), (3, 1.0)]]
    pooled = answer_of(encoder, sections, READING).pooled
    assert pooled is not None
    assert pooled.tolist() == [[2.0, 2.0]]
    assert words_of(sections, LAYOUT).tolist() == [[1, 1, 1, 0, 1, 1, 0, 0]]


def test_where_the_empty_prompt_is_bare_weights_move_tokens_away_from_padding() -> None:
    bare = replace(LAYOUT, bare=True)
    section: list[Token] = [(1, 1.0), (9, 2.0), (2, 1.0), (3, 1.0)]
    (hidden,) = answer_of(encoder, [section], Reading(bare)).tokens
    assert hidden[:, 0].tolist() == [1.0, (9 - 3) * 2.0 + 3, 2.0, 3.0]
