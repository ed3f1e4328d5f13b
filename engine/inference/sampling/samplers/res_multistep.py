"""Restart-free RES (arXiv:2308.02157): a second-order multistep exponential integrator in log sigma."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step
from engine.inference.sampling.samplers.ancestral_steps import split
from engine.inference.sampling.samplers.exponential_steps import phi_1, phi_2


def res_multistep(
    denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource, s_noise: float = 1.0
) -> Iterator[Step]:
    """Without noise."""
    return _walk(denoise, latent, sigmas, noise, eta=0.0, s_noise=s_noise, plus=False)


def res_multistep_ancestral(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """Further down than wanted, then noise, in the variance-exploding form for every process."""
    return _walk(denoise, latent, sigmas, noise, eta=eta, s_noise=s_noise, plus=False)


def res_multistep_cfg_pp(
    denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource, s_noise: float = 1.0
) -> Iterator[Step]:
    """Without noise, the unguided estimates carried along (CFG++)."""
    return _walk(denoise, latent, sigmas, noise, eta=0.0, s_noise=s_noise, plus=True)


def res_multistep_ancestral_cfg_pp(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """Both."""
    return _walk(denoise, latent, sigmas, noise, eta=eta, s_noise=s_noise, plus=True)


def _walk(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float,
    s_noise: float,
    plus: bool,
) -> Iterator[Step]:
    before: tuple[Tensor, float, float] | None = None  # the last estimate, its level, the level stepped down to
    for now, after in pairwise(sigmas):
        denoised, carried = denoise.both(latent, now) if plus else (denoise(latent, now),) * 2
        down, up = split(now, after, eta)
        moved = latent + (denoised - carried) if plus else latent
        target = denoised
        if before is not None and down > 0:
            target = _extrapolated(carried, before, now, down)
        latent = moved * (down / now) + target * (1.0 - down / now)
        if up:
            latent = latent + noise(now, after) * (s_noise * up)
        before = carried, now, down
        yield Step(latent, denoised)


def _extrapolated(estimate: Tensor, before: tuple[Tensor, float, float], now: float, down: float) -> Tensor:
    """The mean estimate over the step, on the line through the last two."""
    last, last_sigma, last_down = before
    if last_down in (0.0, last_sigma):
        return estimate
    length = math.log(now / down)
    reach = math.log(last_down / last_sigma) / length  # where the last one stands, in steps; negative
    share = phi_2(-length) / reach / phi_1(-length)
    return estimate * (1.0 - share) + last * share
