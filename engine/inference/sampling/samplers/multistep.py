"""Linear multistep samplers: a polynomial through the last slopes, integrated over the step. One evaluation a step."""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step
from engine.inference.sampling.samplers.single_step import slope


def lms(
    denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource, order: int = 4
) -> Iterator[Step]:
    """Adams-Bashforth with uneven steps, in sigma (k-diffusion's LMS)."""
    slopes: deque[Tensor] = deque(maxlen=order)
    for index, (now, after) in enumerate(pairwise(sigmas)):
        denoised = denoise(latent, now)
        slopes.appendleft(slope(latent, denoised, now))
        if after == 0:
            latent = denoised
        else:
            places = [sigmas[index - back] for back in range(len(slopes))]
            weights = [_integral_of_basis(places, place, now, after) for place in range(len(slopes))]
            latent = latent + _weighted(weights, slopes)
        yield Step(latent, denoised)


def ipndm(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """Improved PNDM (arXiv:2204.13902, section 3): Adams-Bashforth's weights for even steps, whatever the steps."""
    slopes: deque[Tensor] = deque(maxlen=4)
    for now, after in pairwise(sigmas):
        denoised = denoise(latent, now)
        slopes.appendleft(slope(latent, denoised, now))
        if after == 0:
            latent = denoised
        else:
            latent = latent + _weighted(EVEN_WEIGHTS[len(slopes)], slopes) * (after - now)
        yield Step(latent, denoised)


EVEN_WEIGHTS = {
    1: (1.0,),
    2: (3 / 2, -1 / 2),
    3: (23 / 12, -16 / 12, 5 / 12),
    4: (55 / 24, -59 / 24, 37 / 24, -9 / 24),
}
"""Adams-Bashforth by order: weights of the slopes, the newest first."""


def ipndm_v(denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource) -> Iterator[Step]:
    """Improved PNDM with uneven steps, as published in zju-pi/diff-sampler (see `_uneven_weights`)."""
    slopes: deque[Tensor] = deque(maxlen=4)
    for index, (now, after) in enumerate(pairwise(sigmas)):
        denoised = denoise(latent, now)
        slopes.appendleft(slope(latent, denoised, now))
        if after == 0:
            latent = denoised
        else:
            strides = [sigmas[index + 1 - back] - sigmas[index - back] for back in range(len(slopes))]
            latent = latent + _weighted(_uneven_weights(strides), slopes) * (after - now)
        yield Step(latent, denoised)


def _uneven_weights(strides: Sequence[float]) -> list[float]:
    """Weights of as many slopes as there are strides, the newest first, the coming stride first.

    Meant as variable-step Adams-Bashforth, but the published third- and fourth-order terms differ from it (a factor
    meant for the bracket stands inside it; the oldest slope is scaled by another ratio). Kept: pictures depend on it.
    """
    weights = [1.0, 0.0, 0.0, 0.0]
    if len(strides) > 1:
        h, h1 = strides[:2]
        weights = [1.0 + h / h1 / 2, -h / h1 / 2, 0.0, 0.0]
    if len(strides) > 2:
        h2 = strides[2]
        second = (1.0 - h * h / (3 * h1 * (h1 + h2))) / 2
        bend = (1.0, -(1.0 + h1 / h2), h1 / h2, 0.0)
        weights = [weight + second * part for weight, part in zip(weights, bend, strict=True)]
    if len(strides) > 3:
        h3 = strides[3]
        near, far = h + h1, h + h1 + h2
        third = ((1.0 - h / (3 * near)) / 2 + (1.0 - h / (2 * near)) * h / (6 * far)) * (
            h * near * far / (h1 * (h1 + h2) * (h1 + h2 + h3))
        )
        ratio = h1 * (h1 + h2) / (h2 * (h2 + h3))
        twist = (1.0, bend[1] - ratio, bend[2] + ratio * (1.0 + h2 / h3), -ratio * h1 / h2)
        weights = [weight + third * part for weight, part in zip(weights, twist, strict=True)]
    return weights[: len(strides)]


def deis(
    denoise: Denoiser, latent: Tensor, sigmas: Sequence[float], noise: NoiseSource, max_order: int = 3
) -> Iterator[Step]:
    """DEIS (arXiv:2204.13902): the polynomial runs in the time of a variance-preserving process."""
    slopes: deque[Tensor] = deque(maxlen=max_order)
    times = [VP_TIME.of(sigma) for sigma in sigmas]
    for index, (now, after) in enumerate(pairwise(sigmas)):
        denoised = denoise(latent, now)
        slopes.appendleft(slope(latent, denoised, now))
        if after <= 0 or len(slopes) == 1:
            latent = latent + slopes[0] * (after - now)
        else:
            places = [times[index - back] for back in range(len(slopes))]
            latent = latent + _weighted(VP_TIME.weights(places, times[index + 1]), slopes)
        yield Step(latent, denoised)


class VpTime:
    """The time of a linear variance-preserving process that reaches sigma 0.002 at time 0.001 and sigma 80 at 1."""

    def __init__(self, low: float = 0.002, high: float = 80.0, first: float = 0.001) -> None:
        """low: the level at time `first`. high: the level at time 1."""
        at_low, at_high = _log1p_square(low), _log1p_square(high)
        self._rise = 2 * (at_low / first - at_high) / (first - 1)
        self._base = at_high - self._rise / 2

    def of(self, sigma: float) -> float:
        """The time of a level."""
        return (math.sqrt(self._base**2 + 2 * self._rise * _log1p_square(sigma)) - self._base) / self._rise

    def weights(self, places: Sequence[float], end: float) -> list[float]:
        """Integrals of the basis through `places` (newest first), from the newest to `end`, in sigma's measure.

        Taken as means over 10,000 even points, ends included, like the reference; exact ones differ by 1e-4.
        """
        times = torch.linspace(places[0], end, 10_000, dtype=torch.float64)
        alpha = torch.exp(-0.5 * times**2 * self._rise - times * self._base)
        speed = 0.5 * (times * self._rise + self._base) / torch.sqrt(alpha * (1.0 - alpha))
        found = []
        for here in places:
            basis = speed
            for other in places:
                if other != here:
                    basis = basis * (times - other) / (here - other)
            found.append(float(basis.mean()) * (end - places[0]))
        return found


def _log1p_square(sigma: float) -> float:
    return math.log1p(sigma * sigma)


VP_TIME = VpTime()


def _integral_of_basis(places: Sequence[float], index: int, start: float, end: float) -> float:
    """The integral from start to end of the polynomial that is 1 at places[index] and 0 at the others."""
    coefficients = [1.0]  # of powers of (sigma - start), so that large levels do not cancel
    for other, place in enumerate(places):
        if other != index:
            root, width = place - start, places[index] - place
            shifted = [0.0, *coefficients]
            lower = [*coefficients, 0.0]
            coefficients = [(high - root * low) / width for high, low in zip(shifted, lower, strict=True)]
    return sum(factor * (end - start) ** (power + 1) / (power + 1) for power, factor in enumerate(coefficients))


def _weighted(weights: Sequence[float], slopes: Sequence[Tensor]) -> Tensor:
    total = weights[0] * slopes[0]
    for weight, direction in zip(weights[1:], list(slopes)[1:], strict=True):
        total = total + weight * direction
    return total
