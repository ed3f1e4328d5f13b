"""Flux of any size, on random weights: what its parts promise."""

import pytest
import torch

from engine.checkpoints.families.flux import FluxSizes
from engine.inference.layers.rotary import turn, turns
from engine.inference.models.flux import Flux, places, rotary_axes
from engine.inference.weights.assembly import Terms, assemble
from engine.inference.weights.stored import plain
from tests.inference.random_weights import random_tensors, with_random_weights

TINY = FluxSizes(
    hidden=64, head_dim=32, heads=2, double_blocks=2, single_blocks=2, in_channels=16, out_channels=16, text_width=24,
    pooled_width=12, mlp_width=96, guided=True,
)  # fmt: skip


@pytest.fixture(scope="module")
def flux() -> Flux:
    return with_random_weights(Flux(TINY))[0]


def inputs(batch: int = 1, height: int = 4, width: int = 6) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    shapes = ((batch, 4, height, width), (batch, 7, TINY.text_width), (batch, TINY.pooled_width))
    x, tokens, pooled = (torch.randn(shape, generator=generator) for shape in shapes)
    return [x, torch.rand(batch, generator=generator), tokens, pooled, torch.full((batch,), 3.5)]


def test_the_answer_has_the_latents_shape_and_the_inputs_stay_as_they_were(flux: Flux) -> None:
    given = inputs(2)
    copies = [tensor.clone() for tensor in given]
    answer = flux(*given)
    assert answer.shape == given[0].shape
    assert answer.isfinite().all()
    assert all(torch.equal(now, before) for now, before in zip(given, copies, strict=True))


@pytest.mark.parametrize(("height", "width"), [(5, 6), (4, 7), (5, 7), (1, 2)])
def test_odd_sides_are_padded_with_the_opposite_edge(flux: Flux, height: int, width: int) -> None:
    given = inputs(1, height, width)
    whole = list(given)
    whole[0] = torch.cat((given[0], given[0][..., :1]), -1) if width % 2 else given[0]
    whole[0] = torch.cat((whole[0], whole[0][..., :1, :]), -2) if height % 2 else whole[0]
    torch.testing.assert_close(flux(*given), flux(*whole)[..., :height, :width])


def test_each_of_a_batch_is_answered_as_if_alone(flux: Flux) -> None:
    given = inputs(3)
    alone = torch.cat([flux(*(tensor[number : number + 1] for tensor in given)) for number in range(3)])
    torch.testing.assert_close(flux(*given), alone, rtol=1e-4, atol=1e-5)


def test_timestep_text_pooled_text_and_guidance_all_matter(flux: Flux) -> None:
    given = inputs()
    answer = flux(*given)
    for place in range(1, 5):
        changed = [tensor + 0.5 if number == place else tensor for number, tensor in enumerate(given)]
        assert not torch.allclose(flux(*changed), answer, atol=1e-3), place
    assert not torch.allclose(flux(*given[:4], None), answer, atol=1e-3)


def test_an_unguided_network_has_no_guidance_weights_and_ignores_the_number() -> None:
    schnell, tensors = with_random_weights(Flux(FluxSizes(**{**vars(TINY), "guided": False})))
    assert not any(name.startswith("guidance_in") for name in tensors)
    given = inputs()
    assert torch.equal(schnell(*given), schnell(*given[:4], None))


def test_bfloat16_stays_near_float32(flux: Flux) -> None:
    given = inputs()
    narrow = Flux(TINY)
    tensors = {name: tensor.bfloat16() for name, tensor in random_tensors(Flux(TINY)).items()}
    assemble(narrow, plain(tensors), "random", Terms(torch.bfloat16))
    x, timestep, tokens, pooled, guidance = given
    answer = narrow(x.bfloat16(), timestep, tokens.bfloat16(), pooled.bfloat16(), guidance)
    assert answer.dtype == torch.bfloat16
    wanted = flux(*given)
    assert (answer - wanted).pow(2).mean().sqrt() < 0.03 * wanted.pow(2).mean().sqrt()


@pytest.mark.parametrize(("head_dim", "axes"), [(128, (16, 56, 56)), (64, (8, 28, 28)), (32, (4, 14, 14))])
def test_rotary_axes_follow_from_the_width_of_a_head(head_dim: int, axes: tuple[int, int, int]) -> None:
    assert rotary_axes(head_dim) == axes


def test_words_stand_at_zero_and_patches_at_row_and_column() -> None:
    found = places(2, 2, 3, torch.device("cpu")).tolist()
    grid = [[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 1, 0], [0, 1, 1], [0, 1, 2]]
    assert found == [[0, 0, 0], [0, 0, 0], *grid]


def test_turning_keeps_lengths_and_depends_on_differences_of_places_only() -> None:
    axes = (4, 6, 6)
    x = torch.randn(1, 2, 1, 16, generator=torch.Generator().manual_seed(2))

    def product(*at: list[int]) -> torch.Tensor:
        turned = turn(x.clone(), turns(torch.tensor(at, dtype=torch.float32), axes))
        torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
        return (turned[0, 0, 0] * turned[0, 1, 0]).sum()

    torch.testing.assert_close(product([0, 3, 4], [0, 5, 1]), product([0, 13, 24], [0, 15, 21]), rtol=1e-4, atol=1e-4)
