"""A walk: a sampler by name, led from the first noise level to the last, step by step."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from engine.errors import GraphInvalid
from engine.inference.sampling.contract import Denoiser, NoiseSource, Sampler
from engine.inference.sampling.randomness import BrownianNoise, IndependentNoise
from engine.inference.sampling.samplers import BROWNIAN, SAMPLERS
from schemas.report import Problem

Progress = Callable[[int, int], None]
"""(steps done, steps in all); may raise to end the walk."""


def walk(
    denoise: Denoiser,
    start: Tensor,
    sigmas: Sequence[float],
    sampler: str,
    seed: int,
    options: Mapping[str, Any],
    progress: Progress,
) -> tuple[Tensor, Tensor | None]:
    """The latent at the last level, and the estimate of the clean one that the last step followed.

    start: the latent at level sigmas[0]. seed: of the noise that is added on the way. The second is None if there is no
    step to take. Raises GraphInvalid for a sampler that there is none of.
    """
    run = find(sampler)
    levels = [*sigmas[:1], *(after for now, after in pairwise(sigmas) if after != now)]
    if len(levels) < 2:
        return start, None
    total = len(levels) - 1
    latent, denoised = start, None
    progress(0, total)
    for index, step in enumerate(run(denoise, start, levels, _noise(sampler, start, levels, seed), **options), start=1):
        latent, denoised = step
        progress(min(index, total), total)
    return latent, denoised


def find(name: str) -> Sampler:
    """A sampler by name. Raises GraphInvalid naming all there are."""
    if name not in SAMPLERS:
        said, fix = f"there is no sampler {name!r}", f"Use one of {', '.join(SAMPLERS)}."
        raise GraphInvalid([Problem(code="unknown-choice", said=said, fix=fix)])
    return SAMPLERS[name]


def _noise(sampler: str, latent: Tensor, sigmas: Sequence[float], seed: int) -> NoiseSource:
    if sampler not in BROWNIAN:
        return IndependentNoise(latent, seed)
    device = latent.device if sampler.endswith("_gpu") else torch.device("cpu")
    return BrownianNoise(latent, sigmas, seed, device)
