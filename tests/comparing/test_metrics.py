"""Distances between pictures, against closed forms, a naive loop, and scikit-image where that is installed."""

import math

import numpy as np
import pytest

from engine.comparing import metrics


def flat(value: float, side: int = 16) -> metrics.Values:
    return np.full((side, side, 3), value)


def noise(seed: int, height: int = 24, width: int = 31) -> metrics.Values:
    return np.random.default_rng(seed).random((height, width, 3))


def test_equal_pictures_are_infinitely_alike() -> None:
    assert metrics.psnr(noise(0), noise(0)) == math.inf
    assert metrics.ssim(noise(0), noise(0)) == pytest.approx(1)
    assert metrics.largest_difference(noise(0), noise(0)) == metrics.mean_difference(noise(0), noise(0)) == 0


@pytest.mark.parametrize(("apart", "decibel"), [(1.0, 0.0), (0.1, 20.0), (0.01, 40.0)])
def test_psnr_of_a_constant_difference_is_minus_20_log10_of_it(apart: float, decibel: float) -> None:
    assert metrics.psnr(flat(0), flat(apart)) == pytest.approx(decibel)


def test_ssim_of_flat_pictures_is_that_of_their_means_alone() -> None:
    one, other = 0.3, 0.5
    expected = (2 * one * other + 1e-4) / (one**2 + other**2 + 1e-4)
    assert metrics.ssim(flat(one), flat(other)) == pytest.approx(expected)


def test_ssim_is_what_a_loop_over_all_windows_gives() -> None:
    a, b = noise(1, 13, 12), noise(2, 13, 12)
    x, y = a @ metrics.LUMA, b @ metrics.LUMA
    steps = np.arange(11) - 5
    window = np.exp(-(steps[:, None] ** 2 + steps**2) / 4.5)
    window /= window.sum()
    found = []
    for row in range(3):
        for column in range(2):
            p, q = x[row : row + 11, column : column + 11], y[row : row + 11, column : column + 11]
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
            both = (window * (p - mp) * (q - mq)).sum()
            above = (2 * mp * mq + 1e-4) * (2 * both + 9e-4)
            found.append(above / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4)))
    assert metrics.ssim(a, b) == pytest.approx(np.mean(found), abs=1e-12)


def test_ssim_falls_as_noise_grows() -> None:
    picture = np.clip(np.linspace(0, 1, 32)[None, :, None] * np.ones((32, 1, 3)), 0, 1)
    found = [metrics.ssim(picture, picture + share * (noise(5, 32, 32) - 0.5)) for share in (0.05, 0.2, 0.8)]
    assert found == sorted(found, reverse=True)


def test_a_picture_smaller_than_a_window_has_no_ssim() -> None:
    with pytest.raises(ValueError, match="at least 11 pixels"):
        metrics.ssim(flat(0, 10), flat(0, 10))


def test_pictures_of_other_shapes_are_refused() -> None:
    for measure in (metrics.psnr, metrics.ssim, metrics.largest_difference, metrics.mean_difference):
        with pytest.raises(ValueError, match="shapes differ"):
            measure(flat(0, 16), flat(0, 17))


def test_latent_error_is_relative_to_the_reference() -> None:
    latent = np.random.default_rng(6).standard_normal((16, 8, 8)).astype(np.float32)
    assert metrics.relative_error(latent, 1.25 * latent) == pytest.approx(0.25)
    assert metrics.relative_error(latent, latent) == 0
    assert metrics.relative_error(0 * latent, latent) == math.inf


def test_a_difference_is_amplified_and_cut() -> None:
    a, b = np.full((1, 1, 3), 10, np.uint8), np.array([[[0, 12, 255]]], np.uint8)
    assert metrics.difference(a, b, 4).tolist() == [[[40, 8, 255]]]
