"""Noise processes: what a noise level means to the samplers, the schedules and the network.

A process has a table of noise levels (sigma) that the network was trained on, and a rule to mix noise into a latent:

- flow (Flux, SD3; rectified flow, arXiv:2209.03003): sigma * noise + (1 - sigma) * latent, sigma from 1 to 0;
- eps (SD 1.5, SDXL; DDPM in the variance-exploding form of Karras et al., arXiv:2206.00364): latent + sigma * noise.

Levels are Python floats. Those of a schedule are rounded to float32 where ComfyUI's are, so that samplers which compare
levels with bounds decide alike.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

import torch
from torch import Tensor

Share = TypeVar("Share", float, Tensor)

ALL_NOISE = 999999999.9
"""The level that stands for "before the start" in eps processes, whose levels have no upper end."""


class Process(Protocol):
    """What samplers, schedules and guidance ask of a noise process. `flow` tells the two kinds apart."""

    flow: bool

    @property
    def length(self) -> int:
        """Entries of the table of trained levels."""

    def level(self, index: int) -> float:
        """Entry of the table, rising with the index; negative indices count from the end."""

    def timestep(self, sigma: float) -> float:
        """What the network is told instead of sigma."""

    def sigma(self, timestep: float) -> float:
        """The level that a timestep stands for."""

    def at_percent(self, percent: float) -> float:
        """The level after a share (0..1) of the trained range, from all noise at 0 to none at 1."""

    def alpha(self, sigma: float) -> float:
        """The factor of the clean latent at a level."""

    def half_log_snr(self, sigma: float) -> float:
        """log(alpha / sigma), for 0 < sigma, and sigma < 1 in a flow."""

    def sigma_at(self, half_log_snr: float) -> float:
        """The level with this log(alpha / sigma)."""

    def mix(self, sigma: float, noise: Tensor, latent: Tensor) -> Tensor:
        """The latent with noise of this level."""

    def start(self, sigma: float, noise: Tensor, latent: Tensor) -> Tensor:
        """`mix` for the first step of a run."""

    def finish(self, sigma: float, latent: Tensor) -> Tensor:
        """What a run that ends at this level hands on, so that a later run can go on from it without new noise."""

    def model_input(self, sigma: float, latent: Tensor) -> Tensor:
        """What the network is shown instead of the noisy latent."""

    def denoised(self, sigma: float, latent: Tensor, output: Tensor) -> Tensor:
        """The estimate of the clean latent in the network's output."""


@dataclass(frozen=True)
class FlowProcess:
    """A flow whose table is i/length, i = 1..length, bent by a shift: sigma = slope t / (1 + (slope - 1) t).

    multiplier: timesteps are sigma times this.
    """

    slope: float = 1.0
    length: int = 1000
    multiplier: float = 1.0
    flow = True

    def level(self, index: int) -> float:
        """See Process."""
        return float(self.bend(torch.tensor((index % self.length + 1) / self.length)))

    def timestep(self, sigma: float) -> float:
        """See Process."""
        return sigma * self.multiplier

    def sigma(self, timestep: float) -> float:
        """See Process. Not the inverse of `timestep` unless slope is 1: this bends, `timestep` does not bend back."""
        return float(self.bend(torch.tensor(timestep) / self.multiplier))

    def at_percent(self, percent: float) -> float:
        """See Process."""
        if percent <= 0.0:
            return 1.0
        return 0.0 if percent >= 1.0 else self.bend(1.0 - percent)

    def bend(self, share: Share) -> Share:
        """The shift, on a number in float64 or on a tensor in its own type."""
        return self.slope * share / (1.0 + (self.slope - 1.0) * share)

    def alpha(self, sigma: float) -> float:
        """See Process."""
        return 1.0 - sigma

    def half_log_snr(self, sigma: float) -> float:
        """See Process."""
        return math.log((1.0 - sigma) / sigma)

    def sigma_at(self, half_log_snr: float) -> float:
        """See Process."""
        return 1.0 / (1.0 + math.exp(half_log_snr))

    def mix(self, sigma: float, noise: Tensor, latent: Tensor) -> Tensor:
        """See Process."""
        return sigma * noise + (1.0 - sigma) * latent

    def start(self, sigma: float, noise: Tensor, latent: Tensor) -> Tensor:
        """See Process."""
        return self.mix(sigma, noise, latent)

    def finish(self, sigma: float, latent: Tensor) -> Tensor:
        """See Process. The latent loses its factor 1 - sigma, which the next run's start, with zero noise, restores."""
        return latent if sigma == 0 else latent / (1.0 - sigma)

    def model_input(self, sigma: float, latent: Tensor) -> Tensor:
        """See Process."""
        return latent

    def denoised(self, sigma: float, latent: Tensor, output: Tensor) -> Tensor:
        """See Process. output: the velocity, noise - latent."""
        return latent - output * sigma


@dataclass(frozen=True)
class FluxProcess(FlowProcess):
    """The flow of Flux dev: the slope is exp(mu), and the shift is written so that it rounds as ComfyUI's."""

    slope: float = math.exp(1.15)
    length: int = 10_000

    def bend(self, share: Share) -> Share:
        """See FlowProcess."""
        return self.slope / (self.slope + (1.0 / share - 1.0))


@dataclass(frozen=True)
class EpsProcess:
    """Stable Diffusion's process: betas between two bounds, evenly spaced in their square roots."""

    first_beta: float = 0.00085
    last_beta: float = 0.012
    length: int = 1000
    flow = False

    @cached_property
    def table(self) -> tuple[float, ...]:
        """All levels, rising."""
        low, high = math.sqrt(self.first_beta), math.sqrt(self.last_beta)
        levels, kept = [], 1.0
        for index in range(self.length):
            kept *= 1.0 - (low + (high - low) * index / (self.length - 1)) ** 2
            levels.append(rounded(math.sqrt((1.0 - kept) / kept)))
        return tuple(levels)

    def level(self, index: int) -> float:
        """See Process."""
        return self.table[index]

    def timestep(self, sigma: float) -> float:
        """See Process. The index of the table's level nearest in log."""
        above = min(max(bisect_left(self.table, sigma), 1), self.length - 1)
        nearer_below = sigma * sigma <= self.table[above - 1] * self.table[above]
        return float(above - 1 if nearer_below else above)

    def sigma(self, timestep: float) -> float:
        """See Process. Between two entries of the table: linear in log."""
        place = min(max(timestep, 0.0), self.length - 1.0)
        below = int(place)
        low, high = self.table[below], self.table[min(below + 1, self.length - 1)]
        return rounded(math.exp(math.log(low) + (math.log(high) - math.log(low)) * (place - below)))

    def at_percent(self, percent: float) -> float:
        """See Process."""
        if percent <= 0.0:
            return ALL_NOISE
        return 0.0 if percent >= 1.0 else self.sigma(rounded((1.0 - percent) * 999.0))

    def alpha(self, sigma: float) -> float:
        """See Process."""
        return 1.0

    def half_log_snr(self, sigma: float) -> float:
        """See Process."""
        return -math.log(sigma)

    def sigma_at(self, half_log_snr: float) -> float:
        """See Process."""
        return math.exp(-half_log_snr)

    def mix(self, sigma: float, noise: Tensor, latent: Tensor) -> Tensor:
        """See Process."""
        return noise * sigma + latent

    def start(self, sigma: float, noise: Tensor, latent: Tensor) -> Tensor:
        """See Process. At the top of the table the noise is as strong as noise and latent together were in training."""
        top = self.table[-1]
        full = sigma > top or math.isclose(sigma, top, rel_tol=1e-5)
        return self.mix(math.hypot(1.0, sigma) if full else sigma, noise, latent)

    def finish(self, sigma: float, latent: Tensor) -> Tensor:
        """See Process."""
        return latent

    def model_input(self, sigma: float, latent: Tensor) -> Tensor:
        """See Process."""
        return latent / math.hypot(1.0, sigma)

    def denoised(self, sigma: float, latent: Tensor, output: Tensor) -> Tensor:
        """See Process. output: the noise."""
        return latent - output * sigma


def flux_shift(tokens: float, low: float, high: float) -> float:
    """Flux's shift for a picture of `tokens` latent patches (16×16 pixels each).

    A straight line through (256, low) and (4096, high), unbounded outside. Source: black-forest-labs/flux, sampling.
    """
    return low + (high - low) * (tokens - 256) / (4096 - 256)


def rounded(sigma: float) -> float:
    """The nearest float32."""
    return float(torch.tensor(sigma, dtype=torch.float32))
