"""Extended reverse-time SDE (arXiv:2309.06169): ER-SDE-Solver-3 for data prediction, in lambda = sigma / alpha."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step
from engine.inference.sampling.samplers.exponential_steps import bounded

POINTS = 200
"""Of the rectangle rule for the two integrals without closed form."""


def er_sde(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    s_noise: float = 1.0,
    max_stage: int = 3,
) -> Iterator[Step]:
    """max_stage: 1 is Euler, 2 adds the estimate's first difference, 3 its second."""
    process = denoise.process
    levels = bounded(process, sigmas)
    scales = [level / process.alpha(level) for level in levels]
    estimate: Tensor | None = None
    difference: Tensor | None = None
    for index, (now, after) in enumerate(pairwise(levels)):
        before, estimate = estimate, denoise(latent, now)
        if after == 0:
            latent = estimate
        else:
            here, there, alpha = scales[index], scales[index + 1], process.alpha(after)
            ratio = _strength(there) / _strength(here)
            latent = latent * (alpha * here / now * ratio) + estimate * (alpha * (1.0 - ratio))
            if before is not None and max_stage >= 2:
                first, second = _integrals(here, there)
                older, difference = difference, (estimate - before) / (here - scales[index - 1])
                latent = latent + difference * (alpha * first)
                if older is not None and max_stage >= 3:
                    curve = (difference - older) / ((here - scales[index - 2]) / 2)
                    latent = latent + curve * (alpha * second)
            up = math.sqrt(max(0.0, there**2 - (here * ratio) ** 2))
            latent = latent + noise(now, after) * (alpha * s_noise * up)
        yield Step(latent, estimate)


def _strength(scale: float) -> float:
    """The noise scale function phi of the paper's ER-SDE 5: how strongly noise is replaced at a level."""
    return scale * (math.exp(scale**0.3) + 10.0)


def _integrals(here: float, there: float) -> tuple[float, float]:
    """Weights of the estimate's first and second difference over the step."""
    stride = (here - there) / POINTS
    places = there + stride * torch.arange(POINTS, dtype=torch.float64)
    inverse = 1.0 / (places * (torch.exp(places**0.3) + 10.0))
    length, strength = there - here, _strength(there)
    first = length + strength * stride * float(inverse.sum())
    second = length**2 / 2 + strength * stride * float(((places - here) * inverse).sum())
    return first, second
