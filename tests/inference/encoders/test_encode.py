"""Weights move tokens away from the empty prompt; the pooled output is the first end mark's."""

import torch

from engine.inference.encoders.encode import hidden_of, pooled_of
from engine.inference.encoders.sections import Layout, Token

LAYOUT = Layout(lambda text: [], start=1, end=2, pad=3, length=4)


def encoder(ids: torch.Tensor) -> torch.Tensor:
    """Each token's vector is its id and its place."""
    return torch.stack((ids.float(), torch.arange(ids.shape[1]).expand(ids.shape).float()), dim=-1)


def test_a_weighted_token_moves_away_from_what_an_empty_prompt_has_in_its_place() -> None:
    section: list[Token] = [(1, 1.0), (9, 1.5), (2, 1.0), (3, 1.0)]
    (hidden,) = hidden_of(encoder, [section], LAYOUT)
    assert hidden[:, 0].tolist() == [1.0, (9 - 2) * 1.5 + 2, 2.0, 3.0]


def test_sections_stand_one_behind_the_other() -> None:
    sections: list[list[Token]] = [[(1, 1.0), (7, 1.0)], [(1, 1.0), (8, 2.0)]]
    hidden = hidden_of(encoder, sections, LAYOUT)
    assert hidden.shape == (1, 4, 2)
    assert hidden[0, :, 0].tolist() == [1.0, 7.0, 1.0, (8 - 2) * 2.0 + 2]


def test_a_prompt_without_weights_is_not_encoded_with_an_empty_one() -> None:
    seen: list[int] = []

    def counting(ids: torch.Tensor) -> torch.Tensor:
        seen.append(len(ids))
        return encoder(ids)

    hidden_of(counting, [[(1, 1.0), (2, 1.0)]], LAYOUT)
    hidden_of(counting, [[(1, 1.0), (2, 0.9)]], LAYOUT)
    assert seen == [1, 2]


def test_pooled_is_the_first_end_mark_whatever_the_weights() -> None:
    section: list[Token] = [(1, 1.0), (9, 3.0), (2, 1.0), (2, 1.0)]
    assert pooled_of(encoder, section, LAYOUT).tolist() == [[2.0, 2.0]]
