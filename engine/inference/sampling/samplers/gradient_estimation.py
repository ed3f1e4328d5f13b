"""Gradient estimation (arXiv:2306.04848): Euler with a slope extrapolated from the last two."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step
from engine.inference.sampling.samplers.single_step import slope


def gradient_estimation(
    denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource, ge_gamma: float = 2.0
) -> Iterator[Step]:
    """ge_gamma: 1 is Euler; above, how far the slope is extrapolated."""
    before: Tensor | None = None
    for now, after in pairwise(sigmas):
        denoised = denoise(latent, now)
        direction = slope(latent, denoised, now)
        if after == 0:
            latent = denoised
        else:
            latent = latent + _extrapolated(direction, before, ge_gamma) * (after - now)
        before = direction
        yield Step(latent, denoised)


def gradient_estimation_cfg_pp(
    denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource, ge_gamma: float = 2.0
) -> Iterator[Step]:
    """The same with CFG++'s unguided slopes."""
    before: Tensor | None = None
    for now, after in pairwise(sigmas):
        denoised, unguided = denoise.both(latent, now)
        direction = slope(latent, unguided, now)
        latent = denoised + direction * after
        if before is not None and after > 0:
            latent = latent + (direction - before) * ((ge_gamma - 1.0) * (after - now))
        before = direction
        yield Step(latent, denoised)


def _extrapolated(direction: Tensor, before: Tensor | None, gamma: float) -> Tensor:
    return direction if before is None else direction + (direction - before) * (gamma - 1.0)
