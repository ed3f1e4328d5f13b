"""Samplers where the answer is known: for Gaussian data the perfect estimate and the exact path have closed forms."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from engine.errors import GraphInvalid
from engine.inference.sampling.processes import EpsProcess, FlowProcess, Process
from engine.inference.sampling.samplers import SAMPLERS

VARIANCE = 0.25

ORDERS = {
    "euler": 1,
    "ddim": 1,
    "heun": 2,
    "dpm_2": 2,
    "dpmpp_2m": 2,
    "lms": 2,
    "deis": 2,
    "res_multistep": 2,
    "uni_pc": 2,
    "uni_pc_bh2": 2,
}


@dataclass
class Gaussian:
    """The perfect Denoiser for data of one variance around 0."""

    process: Process

    def spread(self, sigma: float) -> float:
        """Of noisy data at a level; the exact path runs in proportion to it."""
        return math.sqrt(self.process.alpha(sigma) ** 2 * VARIANCE + sigma**2)

    def __call__(self, latent: Tensor, sigma: float) -> Tensor:
        return latent * (self.process.alpha(sigma) * VARIANCE / self.spread(sigma) ** 2)

    def both(self, latent: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        return self(latent, sigma), self(latent, sigma)


def no_noise(sigma: float, after: float) -> Tensor:
    raise AssertionError("a deterministic sampler asked for noise")


def error(name: str, process: Process, steps: int) -> float:
    """How far a walk over levels even in log ends from the exact path."""
    first, last = (0.9, 0.1) if process.flow else (5.0, 0.1)
    sigmas = [first * (last / first) ** (step / steps) for step in range(steps + 1)]
    model, latent = Gaussian(process), torch.ones(1, 1, 1, 1, dtype=torch.float64)
    *_, step = SAMPLERS[name](model, latent, sigmas, no_noise)
    return abs(float(step.latent) - model.spread(last) / model.spread(first))


@pytest.mark.parametrize("process", [EpsProcess(), FlowProcess()], ids=["eps", "flow"])
@pytest.mark.parametrize("name", ORDERS)
def test_twice_the_steps_divide_the_error_by_two_to_the_order(name: str, process: Process) -> None:
    ratio = error(name, process, 40) / error(name, process, 80)

    assert ratio > 0.85 * 2 ** ORDERS[name]


def test_noise_added_on_the_way_leaves_data_of_the_right_variance() -> None:
    names = ["euler_ancestral", "dpmpp_2s_ancestral", "dpmpp_2m_sde", "dpmpp_sde", "seeds_2", "er_sde", "sa_solver"]
    for process in (EpsProcess(), FlowProcess()):
        first = 0.98 if process.flow else 10.0
        sigmas = [first * (0.01 / first) ** (step / 60) for step in range(61)] + [0.0]
        model, generator = Gaussian(process), torch.Generator().manual_seed(1)
        start = torch.randn(20_000, generator=generator) * model.spread(first)
        for name in names:
            fresh = lambda sigma, after: torch.randn(20_000, generator=generator)  # noqa: E731, B023
            *_, step = SAMPLERS[name](model, start, sigmas, fresh)
            assert float(step.latent.var()) == pytest.approx(VARIANCE, rel=0.15), (name, process)


def test_rising_levels_lead_back_along_the_path() -> None:
    model, latent = Gaussian(FlowProcess()), torch.ones(1, 1, 1, 1, dtype=torch.float64)
    rising = [0.01 * 100 ** (step / 400) for step in range(401)]

    *_, step = SAMPLERS["euler"](model, latent, rising, no_noise)

    assert float(step.latent) == pytest.approx(model.spread(1.0) / model.spread(0.01), rel=0.02)
    with pytest.raises(GraphInvalid, match="climb"):
        list(SAMPLERS["dpmpp_2m_sde"](model, latent, rising, no_noise))


def test_levels_too_low_for_float32_end_a_walk_of_unipc_in_numbers() -> None:
    model, latent = Gaussian(FlowProcess()), torch.ones(1, 1, 1, 1)

    *_, step = SAMPLERS["uni_pc"](model, latent, [0.9, 0.5, 0.1, 2e-5, 1e-5], no_noise)

    assert bool(step.latent.isfinite())
