"""Schedulers: how noise falls over the steps, each a pure function of a noise process and a number of steps.

Every scheduler returns falling levels that end in 0: steps + 1 of them, but for `ddim_uniform` (whole strides through
the table) and `beta` (steps that fall on the same entry of the table count once).
"""

import math
from collections.abc import Callable, Mapping

import torch

from engine.inference.sampling.beta_quantile import beta_quantile
from engine.inference.sampling.processes import Process

Scheduler = Callable[[Process, int], list[float]]

NOUGHT = 1e-5
"""A level this small counts as zero: the schedule then needs no zero of its own."""


def simple(process: Process, steps: int) -> list[float]:
    """Evenly spaced entries of the table, from its end."""
    stride = process.length / steps
    return [process.level(-(1 + int(step * stride))) for step in range(steps)] + [0.0]


def ddim_uniform(process: Process, steps: int) -> list[float]:
    """Whole strides through the table, from its second entry (DDIM, arXiv:2010.02502)."""
    zero = [] if process.level(1) <= NOUGHT else [0.0]
    stride = max(process.length // (steps if zero else steps + 1), 1)
    return [process.level(index) for index in range(1, process.length, stride)][::-1] + zero


def normal(process: Process, steps: int) -> list[float]:
    """Evenly spaced timesteps, both ends included."""
    start, end = process.timestep(process.level(-1)), process.timestep(process.level(0))
    zero = [] if process.sigma(end) <= NOUGHT else [0.0]
    return [process.sigma(timestep) for timestep in _line(start, end, steps if zero else steps + 1)] + zero


def sgm_uniform(process: Process, steps: int) -> list[float]:
    """Evenly spaced timesteps without the last, as in Stability's generative-models."""
    start, end = process.timestep(process.level(-1)), process.timestep(process.level(0))
    return [process.sigma(timestep) for timestep in _line(start, end, steps + 1)[:-1]] + [0.0]


def karras(process: Process, steps: int, rho: float = 7.0) -> list[float]:
    """Evenly spaced in the rho-th root (Karras et al. 2022, arXiv:2206.00364, equation 5)."""
    high, low = process.level(-1) ** (1 / rho), process.level(0) ** (1 / rho)
    return [root**rho for root in _line(high, low, steps)] + [0.0]


def exponential(process: Process, steps: int) -> list[float]:
    """Evenly spaced in log."""
    return [math.exp(log) for log in _line(math.log(process.level(-1)), math.log(process.level(0)), steps)] + [0.0]


def kl_optimal(process: Process, steps: int) -> list[float]:
    """Evenly spaced in arc tangent (Align Your Steps, arXiv:2404.14507). One step starts at the top, not at NaN."""
    high, low = math.atan(process.level(-1)), math.atan(process.level(0))
    return [math.tan(angle) for angle in _line(high, low, steps)] + [0.0]


def linear_quadratic(process: Process, steps: int, knee: float = 0.025) -> list[float]:
    """Half of the steps take the first `knee` of the way in a line, the others the rest in a parabola (Mochi)."""
    top, straight = process.level(-1), steps // 2
    if straight == 0:
        return [top, 0.0]
    curved = steps - straight
    pace = knee / straight  # of the line, and of the parabola where it begins
    bend = (1.0 - knee - pace * curved) / curved**2  # so that the parabola arrives at 1
    line = [pace * step for step in range(straight)]
    parabola = [knee + pace * step + bend * step**2 for step in range(curved)]
    return [top * (1.0 - done) for done in line + parabola] + [0.0]


def beta(process: Process, steps: int, shape: float = 0.6) -> list[float]:
    """Steps at even quantiles of the beta distribution, dense at both ends (arXiv:2407.12173)."""
    last = process.length - 1
    places = [round(beta_quantile(1.0 - step / steps, shape, shape) * last) for step in range(steps)]
    return [process.level(place) for place in dict.fromkeys(places)] + [0.0]


SCHEDULERS: Mapping[str, Scheduler] = {
    "simple": simple,
    "sgm_uniform": sgm_uniform,
    "karras": karras,
    "exponential": exponential,
    "ddim_uniform": ddim_uniform,
    "beta": beta,
    "normal": normal,
    "linear_quadratic": linear_quadratic,
    "kl_optimal": kl_optimal,
}


def _line(start: float, end: float, points: int) -> list[float]:
    """`points` float32 values from start to end, evenly spaced; one point is the start."""
    values: list[float] = torch.linspace(start, end, points, dtype=torch.float32).tolist()
    return values
