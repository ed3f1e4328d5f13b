import math

import pytest

from engine.inference.sampling.beta_quantile import beta_cumulative, beta_quantile


@pytest.mark.parametrize("share", [1e-6, 0.1, 0.25, 0.6, 0.999])
def test_quantiles_of_the_arcsine_distribution_are_known(share: float) -> None:
    assert beta_quantile(share, 0.5, 0.5) == pytest.approx(math.sin(math.pi * share / 2) ** 2, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("shape", [0.3, 0.6, 1.0, 4.0])
def test_quantile_undoes_the_cumulative_share(shape: float) -> None:
    for x in (0.01, 0.3, 0.7, 0.98):
        assert beta_quantile(beta_cumulative(x, shape, 0.6), shape, 0.6) == pytest.approx(x, rel=1e-9)


def test_the_ends_and_the_middle_are_exact() -> None:
    assert [beta_quantile(share, 0.6, 0.6) for share in (0.0, 0.5, 1.0)] == [0.0, 0.5, 1.0]
