"""SEEDS (arXiv:2305.14267): exponential integrators with noise, of two and three stages, for data prediction."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step
from engine.inference.sampling.processes import Process
from engine.inference.sampling.samplers.exponential_steps import bounded, leg, phi_2


class StageNoise:
    """Noise of one step, carried from stage to stage: what a stage has drawn decays on the way to the next.

    All stages so see one path of the same stochastic process.
    """

    def __init__(self, source: NoiseSource, process: Process, start: float, eta: float) -> None:
        """start: the level that the step begins at."""
        self._source, self._process, self._at, self._eta = source, process, start, eta
        self._unit: Tensor | float = 0.0

    def at(self, sigma: float) -> Tensor | float:
        """The noise at a further level, in units of that level."""
        gain = self._process.half_log_snr(sigma) - self._process.half_log_snr(self._at)
        fresh = math.sqrt(max(0.0, -math.expm1(-2.0 * gain * self._eta)))
        self._unit = self._unit * math.exp(-gain * self._eta) + self._source(self._at, sigma) * fresh
        self._at = sigma
        return self._unit * sigma


def seeds_2(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
    r: float = 0.5,
) -> Iterator[Step]:
    """Two stages; r: the share of the step at which the second stands."""
    process = denoise.process
    for now, after in pairwise(bounded(process, sigmas)):
        denoised = denoise(latent, now)
        if after == 0:
            latent = denoised
        else:
            stage_noise = StageNoise(noise, process, now, eta)
            middle = _between(process, now, after, r)
            way = leg(process, now, middle, eta)
            trial = latent * way.keep + denoised * (way.alpha * way.pull) + stage_noise.at(middle) * s_noise
            target = denoised.lerp(denoise(trial, middle), 1 / (2 * r))
            way = leg(process, now, after, eta)
            latent = latent * way.keep + target * (way.alpha * way.pull) + stage_noise.at(after) * s_noise
        yield Step(latent, denoised)


def seeds_3(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    eta: float = 1.0,
    s_noise: float = 1.0,
    r_1: float = 1 / 3,
    r_2: float = 2 / 3,
) -> Iterator[Step]:
    """Three stages; r_1, r_2: the shares of the step at which the second and third stand."""
    process = denoise.process
    for now, after in pairwise(bounded(process, sigmas)):
        denoised = denoise(latent, now)
        if after == 0:
            latent = denoised
        else:
            stage_noise = StageNoise(noise, process, now, eta)
            first, second = _between(process, now, after, r_1), _between(process, now, after, r_2)
            way = leg(process, now, first, eta)
            trial = latent * way.keep + denoised * (way.alpha * way.pull) + stage_noise.at(first) * s_noise
            bend = denoise(trial, first) - denoised
            way = leg(process, now, second, eta)
            trial = latent * way.keep + denoised * (way.alpha * way.pull) + stage_noise.at(second) * s_noise
            trial = trial + bend * (way.alpha * _second_order(way.decay) * r_2 / r_1)
            bend = denoise(trial, second) - denoised
            way = leg(process, now, after, eta)
            latent = latent * way.keep + denoised * (way.alpha * way.pull) + stage_noise.at(after) * s_noise
            latent = latent + bend * (way.alpha * _second_order(way.decay) / r_2)
        yield Step(latent, denoised)


def _second_order(decay: float) -> float:
    """The weight of a difference of estimates over the whole leg."""
    return phi_2(-decay) * decay


def _between(process: Process, now: float, after: float, share: float) -> float:
    start, end = process.half_log_snr(now), process.half_log_snr(after)
    return process.sigma_at(start + (end - start) * share)
