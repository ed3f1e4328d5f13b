import torch

from engine.inference.sampling.randomness import BrownianNoise, IndependentNoise

LATENT = torch.zeros(1, 4, 16, 16)
LEVELS = [14.6, 3.0, 0.5, 0.03, 0.0]


def brownian(seed: int = 3) -> BrownianNoise:
    return BrownianNoise(LATENT, LEVELS, seed, "cpu")


def test_independent_noise_begins_as_a_run_on_the_cpu_does() -> None:
    noise = IndependentNoise(LATENT, 7)

    assert torch.equal(noise(1.0, 0.5), torch.randn(LATENT.shape, generator=torch.Generator().manual_seed(7)))
    assert not torch.equal(noise(0.5, 0.2), noise(0.2, 0.1))


def test_brownian_noise_does_not_depend_on_what_was_asked_before() -> None:
    asked = brownian()
    asked(14.6, 9.0)
    asked(9.0, 1.0)

    assert torch.equal(asked(3.0, 0.5), brownian()(3.0, 0.5))


def test_brownian_increments_add_up() -> None:
    noise = brownian()

    parts = noise(3.0, 1.0) * 2.0**0.5 + noise(1.0, 0.5) * 0.5**0.5

    assert torch.allclose(parts, noise(3.0, 0.5) * 2.5**0.5, atol=1e-5)


def test_brownian_noise_has_unit_variance_and_a_seed() -> None:
    noise = brownian()

    assert abs(float(torch.stack([noise(3.0, 2.0), noise(0.4, 0.1)]).std()) - 1.0) < 0.05
    assert not torch.equal(noise(3.0, 2.0), brownian(seed=4)(3.0, 2.0))


def test_levels_outside_the_range_count_as_its_ends() -> None:
    inside, outside = brownian()(14.6, 0.03) * 14.57**0.5, brownian()(15.6, 0.01) * 15.59**0.5

    assert torch.allclose(inside, outside, atol=1e-5)
