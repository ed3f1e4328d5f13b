"""Samplers without memory and without noise: each step stands alone."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step


def slope(latent: Tensor, denoised: Tensor, sigma: float) -> Tensor:
    """How the latent changes with sigma along the probability flow (Karras et al. 2022, arXiv:2206.00364, eq. 3)."""
    return (latent - denoised) / sigma


def euler(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """Euler's first-order step; the same as DDIM (arXiv:2010.02502)."""
    for now, after in pairwise(sigmas):
        denoised = denoise(latent, now)
        latent = latent + slope(latent, denoised, now) * (after - now)
        yield Step(latent, denoised)


def heun(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """Heun's second-order step (Karras et al. 2022, arXiv:2206.00364, algorithm 1); to 0 it is Euler's."""
    for now, after in pairwise(sigmas):
        denoised = denoise(latent, now)
        direction = slope(latent, denoised, now)
        guess = latent + direction * (after - now)
        if after > 0:
            direction = (direction + slope(guess, denoise(guess, after), after)) / 2
        latent = latent + direction * (after - now)
        yield Step(latent, denoised)


def dpm_2(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """The slope at the geometric middle of the step (after DPM-Solver-2, arXiv:2206.00927); to 0 it is Euler's."""
    for now, after in pairwise(sigmas):
        denoised = denoise(latent, now)
        direction = slope(latent, denoised, now)
        if after > 0:
            middle = math.sqrt(now * after)
            guess = latent + direction * (middle - now)
            direction = slope(guess, denoise(guess, middle), middle)
        latent = latent + direction * (after - now)
        yield Step(latent, denoised)


def heunpp2(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """Heun++ (github.com/Carzit/sd-webui-samplers-scheduler): slopes of up to two steps ahead, the further the weaker.

    A slope ahead weighs its level over the first level times the number of slopes; the slope here weighs the rest. The
    last step is Euler's, the one before it looks one step ahead.
    """
    end = sigmas[-1]
    for index, (now, after) in enumerate(pairwise(sigmas)):
        denoised = denoise(latent, now)
        here = slope(latent, denoised, now)
        ahead: list[tuple[float, Tensor]] = []
        if after != end:
            ahead_of = [level for level in sigmas[index + 1 : index + 3] if level != end]
            guess, level, direction = latent, now, here
            for further in ahead_of:
                guess = guess + direction * (further - level)
                level, direction = further, slope(guess, denoise(guess, further), further)
                ahead.append((further / ((len(ahead_of) + 1) * sigmas[0]), direction))
        mean = (1.0 - sum(weight for weight, _ in ahead)) * here
        for weight, direction in ahead:
            mean = mean + weight * direction
        latent = latent + mean * (after - now)
        yield Step(latent, denoised)
