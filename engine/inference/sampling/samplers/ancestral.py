"""Samplers that take noise away and add fresh noise in every step."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step
from engine.inference.sampling.processes import Process
from engine.inference.sampling.samplers.ancestral_steps import FlowSplit, split, split_flow
from engine.inference.sampling.samplers.single_step import slope


def divide(process: Process, now: float, after: float, eta: float) -> FlowSplit:
    """The step's way down and up again, as the process wants it."""
    if process.flow:
        return split_flow(now, after, eta)
    down, up = split(now, after, eta)
    return FlowSplit(down, 1.0, up)


def euler_ancestral(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """Euler's step further down than wanted, then noise (k-diffusion; for a flow as in arXiv:2406.14539)."""
    for now, after in pairwise(sigmas):
        denoised = denoise(latent, now)
        way = divide(denoise.process, now, after, eta)
        if way.down == 0:
            latent = denoised
        else:
            latent = latent + slope(latent, denoised, now) * (way.down - now)
            latent = latent * way.keep + noise(now, after) * (s_noise * way.up)
        yield Step(latent, denoised)


def dpm_2_ancestral(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """`dpm_2` further down than wanted, then noise."""
    for now, after in pairwise(sigmas):
        denoised = denoise(latent, now)
        way = divide(denoise.process, now, after, eta)
        direction = slope(latent, denoised, now)
        if way.down == 0:
            latent = latent + direction * (way.down - now)
        else:
            middle = math.sqrt(now * way.down)
            guess = latent + direction * (middle - now)
            latent = latent + slope(guess, denoise(guess, middle), middle) * (way.down - now)
            latent = latent * way.keep + noise(now, after) * (s_noise * way.up)
        yield Step(latent, denoised)


def dpmpp_2s_ancestral(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """DPM-Solver++(2S) (arXiv:2211.01095, algorithm 1) further down than wanted, then noise.

    From a flow's level 1, which has no logarithm, the middle of the step is 0.9999.
    """
    process = denoise.process
    for now, after in pairwise(sigmas):
        denoised = denoise(latent, now)
        way = divide(process, now, after, eta)
        target = denoised
        if way.down > 0:
            middle = 0.9999
            if not process.flow or now < 1.0:
                middle = process.sigma_at((process.half_log_snr(now) + process.half_log_snr(way.down)) / 2)
            target = denoise(towards(latent, denoised, middle / now), middle)
        latent = towards(latent, target, way.down / now)
        if after > 0 and eta > 0:
            latent = latent * way.keep + noise(now, after) * (s_noise * way.up)
        yield Step(latent, denoised)


def towards(latent: Tensor, clean: Tensor, share: float) -> Tensor:
    """The latent with only a share of its distance to the clean one left."""
    return latent * share + clean * (1.0 - share)


def ddpm(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """DDPM's posterior (arXiv:2006.11239, equation 7) for every process, flows too, as if it were its own."""
    for now, after in pairwise(sigmas):
        denoised = denoise(latent, now)
        keep, share, up = _posterior(now, after)
        latent = (latent / math.hypot(1.0, now) - slope(latent, denoised, now) * share) * keep
        if after > 0:
            latent = (latent + noise(now, after) * up) * math.hypot(1.0, after)
        yield Step(latent, denoised)


def _posterior(now: float, after: float) -> tuple[float, float, float]:
    """Factor of the mean, share of the noise to remove, and noise to add, for the variance-preserving latent.

    In float32 like `split`, and for the same reason: 1 - alpha has few digits at low levels.
    """
    alpha_now, alpha_after = (1 / (torch.tensor(level) ** 2 + 1) for level in (now, after))
    alpha = alpha_now / alpha_after
    up = ((1 - alpha) * (1 - alpha_after) / (1 - alpha_now)).sqrt()
    return float((1 / alpha).sqrt()), float((1 - alpha) / (1 - alpha_now).sqrt()), float(up)


def lcm(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """Latent consistency (arXiv:2310.04378, algorithm 1): straight to the clean estimate, then all noise anew."""
    for now, after in pairwise(sigmas):
        denoised = denoise(latent, now)
        latent = denoise.process.mix(after, noise(now, after), denoised) if after > 0 else denoised
        yield Step(latent, denoised)
