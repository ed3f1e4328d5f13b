"""Estimates under several conditionings, one model evaluation at a time and together."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import GraphInvalid
from engine.inference.sampling import entries
from engine.inference.sampling.entries import Entry, Region
from engine.inference.sampling.guidance import Guidance
from engine.inference.sampling.processes import EpsProcess, FlowProcess

FLOW = FlowProcess()
LATENT = torch.randn(2, 4, 8, 12, generator=torch.Generator().manual_seed(0))
ACCEPTED = frozenset({"pooled_output", "guidance"})


class Model:
    """An estimate that depends on all it is given; keeps the shapes of its inputs."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []

    def __call__(self, latent: Tensor, sigma: float, tokens: Tensor, options: Mapping[str, Any]) -> Tensor:
        self.calls.append(tuple(latent.shape))
        push = tokens.mean(dim=(1, 2)) + options["pooled_output"].mean(dim=1) + (options.get("guidance") or 0.0)
        return latent * (1 - sigma) + push.expand(latent.shape[0])[:, None, None, None]


def conditioning(level: float, tokens: int = 3, batch: int = 1, **options: Any) -> list[Any]:
    return [[torch.full((batch, tokens, 5), level), {"pooled_output": torch.full((batch, 2), level / 10), **options}]]


def read(*conditionings: list[Any]) -> list[Entry]:
    return entries.read([entry for one in conditionings for entry in one], FLOW, LATENT, ACCEPTED)


def estimate(*conditionings: list[Any], sigma: float = 0.5) -> Tensor:
    return Guidance(FLOW, Model(), read(*conditionings), None, 1.0)(LATENT, sigma)


def test_both_sides_in_one_batch_give_what_each_gives_alone() -> None:
    model = Model()
    guidance = Guidance(FLOW, model, read(conditioning(1.0)), read(conditioning(2.0)), 3.0)

    guided, unguided = guidance.both(LATENT, 0.5)

    towards, away = estimate(conditioning(1.0)), estimate(conditioning(2.0))
    assert model.calls == [(4, 4, 8, 12)]
    assert torch.allclose(guided, away + 3.0 * (towards - away), atol=1e-5)
    assert torch.allclose(unguided, away, atol=1e-5)


@pytest.mark.parametrize("other", [conditioning(2.0, tokens=6), conditioning(2.0, guidance=4.0)])
def test_sides_that_do_not_fit_together_are_evaluated_one_after_another(other: list[Any]) -> None:
    model = Model()

    Guidance(FLOW, model, read(conditioning(1.0)), read(other), 3.0)(LATENT, 0.5)

    assert model.calls == [(2, 4, 8, 12)] * 2


def test_scale_one_leaves_out_the_negative_side_unless_a_sampler_asks_for_it() -> None:
    model = Model()
    guidance = Guidance(FLOW, model, read(conditioning(1.0)), read(conditioning(2.0)), 1.0)

    alone = guidance(LATENT, 0.5)
    guided, unguided = guidance.both(LATENT, 0.5)

    assert model.calls == [(2, 4, 8, 12), (4, 4, 8, 12)]
    assert torch.allclose(alone, guided, atol=1e-6)
    assert not torch.allclose(guided, unguided)


def test_without_a_negative_side_the_unguided_estimate_is_zero() -> None:
    guidance = Guidance(FLOW, Model(), read(conditioning(1.0)), None, 7.0)

    guided, unguided = guidance.both(LATENT, 0.5)

    assert torch.equal(guided, estimate(conditioning(1.0)))
    assert not unguided.any()


def test_a_batch_of_prompts_begins_again_for_a_larger_batch_of_latents() -> None:
    two = [[torch.tensor([1.0, 3.0]).view(2, 1, 1), {"pooled_output": torch.zeros(2, 1)}]]
    latent = torch.zeros(3, 4, 2, 2)

    found = Guidance(FLOW, Model(), entries.read(two, FLOW, latent, ACCEPTED), None, 1.0)(latent, 0.5)

    assert found[:, 0, 0, 0].tolist() == [1.0, 3.0, 1.0]


def test_several_entries_are_averaged_by_their_strengths() -> None:
    mixed = estimate(conditioning(1.0, strength=3.0), conditioning(2.0))

    expected = (3 * estimate(conditioning(1.0)) + estimate(conditioning(2.0))) / 4
    assert torch.allclose(mixed, expected, atol=1e-5)


def test_an_entry_counts_only_in_its_share_of_the_steps() -> None:
    early, late = (
        conditioning(1.0, start_percent=0.0, end_percent=0.4),
        conditioning(2.0, start_percent=0.4, end_percent=1.0),
    )

    assert torch.equal(estimate(early, late, sigma=0.8), estimate(conditioning(1.0), sigma=0.8))
    assert torch.equal(estimate(early, late, sigma=0.3), estimate(conditioning(2.0), sigma=0.3))
    assert not estimate(early, sigma=0.3).any()


def test_a_mask_of_another_size_decides_which_entry_counts_where() -> None:
    mask = torch.zeros(16, 24)
    mask[:, :12] = 1.0

    mixed = estimate(conditioning(1.0, mask=mask, mask_strength=1.0), conditioning(2.0, mask=1.0 - mask))

    assert torch.allclose(mixed[..., :6], estimate(conditioning(1.0))[..., :6], atol=1e-5)
    assert torch.allclose(mixed[..., 6:], estimate(conditioning(2.0))[..., 6:], atol=1e-5)


def test_the_area_around_a_mask_is_evaluated_alone() -> None:
    mask = torch.zeros(8, 12)
    mask[:, 2:11] = 1.0

    (entry,) = read(conditioning(1.0, mask=mask, set_area_to_bounds=True))

    assert entry.region == Region(8, 9, 0, 2)


def test_an_area_fades_in_where_it_does_not_touch_the_edge() -> None:
    (entry,) = read(conditioning(1.0, area=(8, 8, 0, 4), strength=2.0))

    assert isinstance(entry.weight, Tensor)
    assert entry.weight[0, 0, 3].tolist() == [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]


def test_an_area_in_shares_of_the_picture_is_rounded_to_cells_and_cut_at_the_edge() -> None:
    (entry,) = read(conditioning(1.0, area=("percentage", 0.5, 0.5, 0.25, 0.75)))

    assert entry.region == Region(4, 3, 2, 9)


def test_an_area_outside_the_picture_is_an_error() -> None:
    with pytest.raises(GraphInvalid, match="outside the picture"):
        read(conditioning(1.0, area=(4, 4, 9, 0)))


def test_options_that_nothing_acts_on_are_an_error() -> None:
    with pytest.raises(GraphInvalid, match="'control'"):
        read(conditioning(1.0, control=object()))


def test_an_area_of_one_side_is_faced_by_the_other_side_in_the_same_place() -> None:
    positive, negative = read(conditioning(1.0, area=(8, 8, 0, 4))), read(conditioning(2.0))

    faced = entries.facing(negative, positive)

    assert [entry.region for entry in faced] == [None, Region(8, 8, 0, 4)]
    assert faced[1].tokens is faced[0].tokens
    assert faced[1].weight is positive[0].weight
    assert entries.facing(positive, faced) == positive


def test_before_the_start_of_an_eps_process_every_level_counts() -> None:
    (entry,) = entries.read(conditioning(1.0, start_percent=0.0), EpsProcess(), LATENT, ACCEPTED)

    assert entry.active(14.7)
