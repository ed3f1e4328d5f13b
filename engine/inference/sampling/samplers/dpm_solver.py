"""DPM-Solver (arXiv:2206.00927) with a fixed number of evaluations, and with steps chosen by the error they make.

Both run from the first level to the last that is above 0, in t = -log(sigma), and stop there.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step
from engine.inference.sampling.samplers.ancestral_steps import split


class Stage:
    """One start of a step: its slope is evaluated once, whatever order is asked for, and so are the slopes between."""

    def __init__(self, denoise: Denoiser, latent: Tensor, start: float) -> None:
        """start: t at which the latent stands."""
        self._denoise, self._latent, self._start = denoise, latent, start
        self.denoised = denoise(latent, math.exp(-start))
        self._slope = (latent - self.denoised) / math.exp(-start)
        self._first: tuple[float, Tensor] | None = None

    def order_1(self, end: float) -> Tensor:
        """The exponential Euler step."""
        return self._latent - self._slope * _growth(self._start, end)

    def order_2(self, end: float, share: float = 0.5) -> Tensor:
        """With the slope at a share of the step."""
        bend = self._slope_at(end, share) - self._slope
        return self.order_1(end) - bend * (_growth(self._start, end) / (2 * share))

    def order_3(self, end: float, first: float = 1 / 3, second: float = 2 / 3) -> Tensor:
        """With the slopes at two shares of the step."""
        length = end - self._start
        bend = self._slope_at(end, first) - self._slope
        between = self._start + second * length
        weight = math.exp(-between) * (math.expm1(second * length) / (second * length) - 1.0) * second / first
        guess = self.order_1(between) - bend * weight
        bend = self._evaluate(guess, between) - self._slope
        weight = math.exp(-end) * (math.expm1(length) / length - 1.0) / second
        return self.order_1(end) - bend * weight

    def _slope_at(self, end: float, share: float) -> Tensor:
        place = self._start + share * (end - self._start)
        if self._first is None or self._first[0] != place:
            self._first = place, self._evaluate(self.order_1(place), place)
        return self._first[1]

    def _evaluate(self, latent: Tensor, place: float) -> Tensor:
        return (latent - self._denoise(latent, math.exp(-place))) / math.exp(-place)


def dpm_fast(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """DPM-Solver-fast: as many evaluations as steps, in steps of order 3 as long as they last."""
    start, end = _ends(sigmas)
    evaluations = len(sigmas) - 1
    count = evaluations // 3 + 1
    orders = [3] * (count - 2) + [2, 1] if evaluations % 3 == 0 else [3] * (count - 1) + [evaluations % 3]
    for index, order in enumerate(orders):
        here, there = (start + (end - start) * place / count for place in (index, index + 1))
        stage = Stage(denoise, latent, here)
        steps: dict[int, Callable[[float], Tensor]] = {1: stage.order_1, 2: stage.order_2, 3: stage.order_3}
        latent = steps[order](there)
        yield Step(latent, stage.denoised)


def dpm_adaptive(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    order: int = 3,
    rtol: float = 0.05,
    atol: float = 0.0078,
    h_init: float = 0.05,
    pcoeff: float = 0.0,
    icoeff: float = 1.0,
    dcoeff: float = 0.0,
    accept_safety: float = 0.81,
    eta: float = 0.0,
    s_noise: float = 1.0,
) -> Iterator[Step]:
    """DPM-Solver-12 or -23: each step twice, one order apart; their distance chooses the next step's length."""
    place, end = _ends(sigmas)
    control = StepControl(h_init, (pcoeff, icoeff, dcoeff), 1.5 if eta else order, accept_safety)
    lower = latent
    while place < end - 1e-5:
        goal = min(end, place + control.length)
        down, up = _division(place, goal, end, eta)
        stage = Stage(denoise, latent, place)
        low = stage.order_1(down) if order == 2 else stage.order_2(down, 1 / 3)
        high = stage.order_2(down) if order == 2 else stage.order_3(down)
        allowed = torch.clamp(rtol * torch.maximum(low.abs(), lower.abs()), min=atol)
        error = float(torch.linalg.norm((low - high) / allowed)) / math.sqrt(latent.numel())
        if control.accepts(error):
            lower, latent = low, high
            if up:
                latent = latent + noise(math.exp(-place), math.exp(-goal)) * (up * s_noise)
            place = goal
        yield Step(latent, stage.denoised)


class StepControl:
    """A PID controller of the step's length."""

    def __init__(self, length: float, gains: tuple[float, float, float], order: float, safety: float) -> None:
        """length: of the first step. gains: proportional, integral, differential. safety: least factor to accept."""
        proportional, integral, differential = gains
        self.length, self._safety = length, safety
        self._powers = (
            (proportional + integral + differential) / order,
            -(proportional + 2 * differential) / order,
            differential / order,
        )
        self._past: list[float] = []

    def accepts(self, error: float) -> bool:
        """Whether a step with this error stands; sets the length to try next."""
        inverse = 1.0 / (error + 1e-8)
        past = self._past or [inverse, inverse]
        factor = math.prod(value**power for value, power in zip((inverse, *past), self._powers, strict=True))
        factor = 1.0 + math.atan(factor - 1.0)
        accepted = factor >= self._safety
        self._past = [inverse, past[0]] if accepted else past
        self.length *= factor
        return accepted


def _growth(start: float, end: float) -> float:
    """The exponential integral that a slope is multiplied by."""
    return math.exp(-end) * math.expm1(end - start)


def _ends(sigmas: Sequence[float]) -> tuple[float, float]:
    last = sigmas[-1] or sigmas[-2]
    return -math.log(sigmas[0]), -math.log(last)


def _division(place: float, goal: float, end: float, eta: float) -> tuple[float, float]:
    """The t to step down to, and the noise that leads back to the goal."""
    if not eta:
        return goal, 0.0
    down = split(math.exp(-place), math.exp(-goal), eta).down
    lowest = min(end, -math.log(down)) if down > 0 else end
    return lowest, math.sqrt(max(0.0, math.exp(-2 * goal) - math.exp(-2 * lowest)))
