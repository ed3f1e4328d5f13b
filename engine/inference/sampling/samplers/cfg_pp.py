"""CFG++ (arXiv:2406.08070): the clean part of a step follows the guidance, its noise the unguided estimate."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step
from engine.inference.sampling.samplers.ancestral import towards
from engine.inference.sampling.samplers.ancestral_steps import split
from engine.inference.sampling.samplers.single_step import slope


def euler_ancestral_cfg_pp(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """Ancestral Euler in sigma / alpha."""
    process = denoise.process
    for now, after in pairwise(sigmas):
        denoised, unguided = denoise.both(latent, now)
        if after == 0:
            latent = denoised
        else:
            alpha_now, alpha = process.alpha(now), process.alpha(after)
            down, up = split(now / alpha_now if alpha_now else math.inf, after / alpha, eta)
            direction = slope(latent, unguided * alpha_now, now)
            latent = (denoised + direction * down) * alpha
            if eta > 0 and s_noise > 0:
                latent = latent + noise(now, after) * (alpha * s_noise * up)
        yield Step(latent, denoised)


def euler_cfg_pp(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """Euler."""
    return euler_ancestral_cfg_pp(denoise, latent, sigmas, noise, eta=0.0)


def dpmpp_2s_ancestral_cfg_pp(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """DPM-Solver++(2S), ancestral in the variance-exploding form for every process.

    The first estimate is compared with the unguided one of the latest evaluation, which is the second's at the end.
    """
    for now, after in pairwise(sigmas):
        denoised, unguided = denoise.both(latent, now)
        down, up = split(now, after, eta)
        if down == 0:
            latent = denoised
        else:
            middle = math.sqrt(now * down)
            trial = towards(latent + (denoised - unguided), denoised, middle / now)
            target, unguided = denoise.both(trial, middle)
            latent = towards(latent + (denoised - unguided), target, down / now)
        if after > 0:
            latent = latent + noise(now, after) * (s_noise * up)
        yield Step(latent, denoised)


def dpmpp_2m_cfg_pp(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """DPM-Solver++(2M)."""
    before: Tensor | None = None
    for index, (now, after) in enumerate(pairwise(sigmas)):
        denoised, unguided = denoise.both(latent, now)
        share = after / now
        latent = denoised + (latent - unguided) * share
        if before is not None and after > 0:
            ahead = math.log(now / after) / math.log(sigmas[index - 1] / now) / 2
            latent = latent + (denoised - before) * ((1.0 - share) * ahead)
        before = unguided
        yield Step(latent, denoised)
