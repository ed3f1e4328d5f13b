"""A model without weights: an estimate of the clean latent in closed form, for guidance and without."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.inference.sampling.processes import EpsProcess, FluxProcess, Process
from engine.inference.sampling.schedulers import SCHEDULERS

PROCESSES: tuple[Process, ...] = (FluxProcess(), EpsProcess())
WALKS = (
    ("simple", 6, 0, None),
    ("normal", 5, 0, None),
    ("karras", 7, 0, None),
    ("normal", 9, 3, None),
    ("simple", 9, 0, -1),
)
"""Scheduler, steps, and the slice of its levels: three whole walks, one that starts late, one that ends early."""
SEED = 11


def levels(process: Process, walk: tuple[str, int, int, int | None]) -> list[float]:
    scheduler, steps, start, end = walk
    values: list[float] = torch.tensor(SCHEDULERS[scheduler](process, steps)).tolist()
    return values[start:end]


def start(first: float) -> Tensor:
    return torch.randn(2, 2, 3, 3, generator=torch.Generator().manual_seed(SEED)) * first


@dataclass
class ClosedForm:
    """A Denoiser that is smooth, bounded and nowhere linear."""

    process: Process

    def __call__(self, latent: Tensor, sigma: float) -> Tensor:
        return self._estimate(latent, sigma, 1)

    def both(self, latent: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        return self._estimate(latent, sigma, 1), self._estimate(latent, sigma, 2)

    def _estimate(self, latent: Tensor, sigma: float, kind: int) -> Tensor:
        wave = 0.2 * kind * torch.sin(3 * latent) / (1 + sigma * sigma)
        return torch.tanh(latent * (0.4 + 0.1 * kind)) / (1 + sigma) + wave
