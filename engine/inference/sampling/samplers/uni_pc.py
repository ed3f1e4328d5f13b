"""UniPC (arXiv:2302.04867): predictor and corrector of one multistep family, in log sigma, for data prediction."""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step
from engine.inference.sampling.samplers.ancestral import towards

LAST_LEVEL = 0.001
"""Where UniPC ends instead of at 0, whose logarithm it would need."""

ORDER = 3


def uni_pc(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """With B(h) = h."""
    return _walk(denoise, latent, sigmas, lambda h: h)


def uni_pc_bh2(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """With B(h) = exp(h) - 1."""
    return _walk(denoise, latent, sigmas, math.expm1)


Scale = Callable[[float], float]


def _walk(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], scale: Scale) -> Iterator[Step]:
    """The last step has no corrector. As in ComfyUI, one single step only rescales the latent."""
    levels = [*sigmas[:-1], sigmas[-1] or LAST_LEVEL]
    counted = [_as_counted(level) for level in levels]
    steps = len(levels) - 1
    order = min(ORDER, steps - 1)
    denoised = denoise(latent, levels[0])
    past = [(counted[0], latent.lerp(denoised, counted[0] / levels[0]))]  # levels and estimates there, newest first
    for index in range(1, steps + 1 if order else 1):
        if counted[index] == past[0][0]:
            break  # too low to be told apart: nothing moves
        terms = Terms(counted[index], past[: min(order, index, steps + 1 - index)], scale)
        plain = towards(latent, past[0][1], counted[index] / past[0][0])
        latent = terms.predicted(plain)
        if index < steps:
            denoised = denoise(latent, levels[index])
            seen = latent.lerp(denoised, counted[index] / levels[index])
            latent = terms.corrected(plain, seen)
            past = [(counted[index], seen), *past[: order - 1]]
        yield Step(latent, past[0][1])
    if order == 0:
        yield Step(latent * (math.hypot(1.0, levels[1]) / math.hypot(1.0, levels[0])), past[0][1])


def _as_counted(sigma: float) -> float:
    """The level as the solver's arithmetic sees it: sigma by way of the variance-preserving alpha, in float32.

    As in ComfyUI, whose pictures show that the way there and back costs low levels their digits (5 % at 0.001). A level
    that loses all of them counts as it is.
    """
    log_alpha = 0.5 * torch.log(1 / (torch.tensor(sigma) ** 2 + 1))
    log_std = 0.5 * torch.log(1.0 - torch.exp(2.0 * log_alpha))
    return math.exp(float(log_std) - float(log_alpha)) or sigma


class Terms:
    """What one step adds to the exponential Euler step: differences of estimates, and their weights."""

    def __init__(self, sigma: float, past: Sequence[tuple[float, Tensor]], scale: Scale) -> None:
        """sigma: the level to step to. past: levels and estimates, newest first, as many as the order."""
        newest_sigma, self._newest = past[0]
        length = math.log(newest_sigma / sigma)
        self._reach = [math.log(newest_sigma / level) / length for level, _ in past[1:]]  # negative: in steps, back
        self._differences = [
            (estimate - self._newest) / reach for (_, estimate), reach in zip(past[1:], self._reach, strict=True)
        ]
        self._scale = scale(-length)
        self._right = _right_side(-length, len(past), self._scale)

    def predicted(self, plain: Tensor) -> Tensor:
        """The step from past estimates alone."""
        weights = [0.5] if len(self._reach) == 1 else _solve(self._reach, self._right[:-1])
        return self._add(plain, weights, self._differences)

    def corrected(self, plain: Tensor, seen: Tensor) -> Tensor:
        """The step with the estimate at the predicted latent."""
        weights = [0.5] if not self._reach else _solve([*self._reach, 1.0], self._right)
        return self._add(plain, weights, [*self._differences, seen - self._newest])

    def _add(self, plain: Tensor, weights: Sequence[float], differences: Sequence[Tensor]) -> Tensor:
        for weight, difference in zip(weights, differences, strict=True):
            plain = plain - difference * (self._scale * weight)
        return plain


def _right_side(h: float, order: int, scale: float) -> list[float]:
    """The right side, k! h phi_(k+1)(h) / B(h) for k = 1..order (equation 5)."""
    found, term = [], math.expm1(h) / h - 1.0
    for k in range(1, order + 1):
        found.append(term * math.factorial(k) / scale)
        term = term / h - 1.0 / math.factorial(k + 1)
    return found


def _solve(reach: Sequence[float], right: Sequence[float]) -> list[float]:
    """Weights whose moments over the places `reach` are the right side."""
    if not reach:
        return []
    system = torch.tensor([[place**power for place in reach] for power in range(len(reach))], dtype=torch.float64)
    weights: list[float] = torch.linalg.solve(system, torch.tensor(right, dtype=torch.float64)).tolist()
    return weights
