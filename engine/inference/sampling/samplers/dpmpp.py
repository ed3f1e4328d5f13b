"""DPM-Solver++ (arXiv:2211.01095) and its stochastic forms, which read noise off one Brownian path."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step
from engine.inference.sampling.processes import Process
from engine.inference.sampling.samplers.ancestral import towards
from engine.inference.sampling.samplers.ancestral_steps import split
from engine.inference.sampling.samplers.exponential_steps import Leg, bounded, float32_log_snr, float32_sigma, leg


def dpmpp_2m(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """DPM-Solver++(2M), algorithm 2: the clean estimate extrapolated from the last two, in log sigma."""
    before: Tensor | None = None
    for index, (now, after) in enumerate(pairwise(sigmas)):
        denoised = denoise(latent, now)
        target = denoised
        if before is not None and after > 0:
            ahead = math.log(now / after) / math.log(sigmas[index - 1] / now) / 2
            target = denoised * (1.0 + ahead) - before * ahead
        latent = towards(latent, target, after / now)
        before = denoised
        yield Step(latent, denoised)


def dpmpp_sde(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
    r: float = 0.5,
) -> Iterator[Step]:
    """DPM-Solver++(S) with noise: a trial step to the share r of the way, then the whole from both estimates."""
    process = denoise.process
    for now, after in pairwise(bounded(process, sigmas)):
        denoised = denoise(latent, now)
        if after == 0:
            latent = denoised
        else:
            start, end = float32_log_snr(process, now), float32_log_snr(process, after)
            halfway = start + r * (end - start)
            middle = float32_sigma(process, halfway)
            keep, up = _stochastic(process, (now, start), (middle, halfway), eta)
            trial = latent * keep + denoised * (process.alpha(middle) - keep * process.alpha(now))
            trial = trial + noise(now, middle) * (up * s_noise)
            target = denoised.lerp(denoise(trial, middle), 1 / (2 * r))
            keep, up = _stochastic(process, (now, start), (after, end), eta)
            latent = latent * keep + target * (process.alpha(after) - keep * process.alpha(now))
            latent = latent + noise(now, after) * (up * s_noise)
        yield Step(latent, denoised)


def _stochastic(
    process: Process, now: tuple[float, Tensor], after: tuple[float, Tensor], eta: float
) -> tuple[float, float]:
    """The latent's factor over an ancestral step, and the strength of the noise to add. Levels with their log SNR."""
    alpha = process.alpha(after[0])
    down, up = split(float((-now[1]).exp()), float((-after[1]).exp()), eta)
    return alpha * down / now[0], alpha * up


def dpmpp_2m_sde(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
    solver_type: str = "midpoint",
) -> Iterator[Step]:
    """SDE-DPM-Solver++(2M), algorithm 4. solver_type: "midpoint", or "heun" for the exact second-order weight."""
    process = denoise.process
    before: tuple[Tensor, Leg] | None = None
    for now, after in pairwise(bounded(process, sigmas)):
        denoised = denoise(latent, now)
        if after == 0:
            latent = denoised
        else:
            way = leg(process, now, after, eta)
            latent = latent * way.keep + denoised * (way.alpha * way.pull)
            if before is not None:
                weight = way.pull / 2 if solver_type == "midpoint" else 1.0 - way.pull / way.decay
                ahead = weight * way.length / before[1].length
                latent = latent + (denoised - before[0]) * (way.alpha * ahead)
            latent = latent + noise(now, after) * (way.spread * s_noise)
            before = denoised, way
        yield Step(latent, denoised)


def dpmpp_2m_sde_heun(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """`dpmpp_2m_sde` with solver_type "heun"."""
    return dpmpp_2m_sde(denoise, latent, sigmas, noise, eta, s_noise, "heun")


def dpmpp_3m_sde(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """The same with a parabola through the last three estimates (k-diffusion's 3M SDE)."""
    process = denoise.process
    past: list[tuple[Tensor, float]] = []  # estimates before this one and the lengths of their legs, newest first
    for now, after in pairwise(bounded(process, sigmas)):
        denoised = denoise(latent, now)
        if after == 0:
            latent = denoised
        else:
            way = leg(process, now, after, eta)
            latent = latent * way.keep + denoised * (way.alpha * way.pull) + _bend(way, denoised, past)
            latent = latent + noise(now, after) * (way.spread * s_noise)
            past = [(denoised, way.length), *past[:1]]
        yield Step(latent, denoised)


def _bend(way: Leg, denoised: Tensor, past: Sequence[tuple[Tensor, float]]) -> Tensor | float:
    """What the estimates' first and second differences add to a step."""
    if not past:
        return 0.0
    second = 1.0 - way.pull / way.decay
    near = past[0][1] / way.length
    first_difference = (denoised - past[0][0]) / near
    if len(past) == 1:
        return first_difference * (way.alpha * second)
    far = past[1][1] / way.length
    older_difference = (past[0][0] - past[1][0]) / far
    third = second / way.decay - 0.5
    bend = (first_difference - older_difference) / (near + far)
    return (first_difference + bend * near) * (way.alpha * second) - bend * (way.alpha * third)
