"""Noise that samplers add on the way: independent draws, or increments of one Brownian path."""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor


class IndependentNoise:
    """A fresh draw at each call, from a generator of its own that starts at the seed, on the latent's device.

    As in ComfyUI the first draw therefore repeats the noise that a run on the CPU began with.
    """

    def __init__(self, latent: Tensor, seed: int) -> None:
        """latent: whose shape, type and device the noise has."""
        self._like = latent
        self._generator = Generator(device=latent.device).manual_seed(seed)

    def __call__(self, sigma: float, after: float) -> Tensor:
        """See NoiseSource; the levels do not matter."""
        like = self._like
        return torch.randn(like.shape, dtype=like.dtype, device=like.device, generator=self._generator)


class BrownianNoise:
    """Increments of one Brownian path over the noise levels, scaled to unit variance.

    The path is torchsde's BrownianTree: a tree of halved intervals, where each interval's midpoint is drawn given its
    ends, by a generator seeded from the interval's place in the tree. So the path depends on seed and range alone, not
    on which levels are asked for, and more steps refine the picture instead of changing it.
    """

    def __init__(self, latent: Tensor, sigmas: Sequence[float], seed: int, device: torch.device | str) -> None:
        """latent: whose shape, type and device the noise has. device: where it is drawn."""
        self._like, self._seed, self._device = latent, seed, torch.device(device)
        self._low = round(min(sigma for sigma in sigmas if sigma > 0), DIGITS)
        self._high = round(max(sigmas), DIGITS)
        self._total = self._draw(_seed_of(seed, ())) * math.sqrt(self._high - self._low)
        self._known: dict[float, Tensor] = {}

    def __call__(self, sigma: float, after: float) -> Tensor:
        """See NoiseSource."""
        noise = (self._path(after) - self._path(sigma)) / math.sqrt(abs(after - sigma))
        return noise.to(self._like)

    def _path(self, level: float) -> Tensor:
        """The path at a level, 0 at the lowest; the last two asked for are kept."""
        place = round(min(max(level, self._low), self._high), DIGITS)
        if place not in self._known:
            self._known = dict([*self._known.items()][-1:])
            self._known[place] = self._descend(place)
        return self._known[place]

    def _descend(self, place: float) -> Tensor:
        """Halve the range until its middle, or an end, is the place."""
        low, high, key, depth = self._low, self._high, 0, 0
        before, across = torch.zeros_like(self._total), self._total
        while place not in (low, high):
            middle = round(0.5 * (high + low), DIGITS)
            left, right = middle - low, high - middle
            spread = math.sqrt(left * right / (high - low))
            first = across * (left / (high - low)) + self._draw(_seed_of(self._seed, (key, depth))) * spread
            if place >= middle:
                before, across, low, key = before + first, across - first, middle, 2 * key + 1
            else:
                across, high, key = first, middle, 2 * key
            depth += 1
        return before if place == low else before + across

    def _draw(self, seed: int) -> Tensor:
        generator = Generator(device=self._device).manual_seed(seed)
        return torch.randn(self._like.shape, dtype=self._like.dtype, device=self._device, generator=generator)


DIGITS = 6
"""Levels are rounded to so many decimals, which ends the halving."""


def _seed_of(entropy: int, place: tuple[int, ...]) -> int:
    """The seed of an interval of the tree, by numpy's splittable seeding; () is the whole range."""
    from numpy.random import SeedSequence  # here: only Brownian samplers need it

    return int(SeedSequence(entropy=entropy, spawn_key=place, pool_size=24).generate_state(1)[0])
