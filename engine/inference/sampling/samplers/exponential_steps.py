"""Steps along log(alpha / sigma), where the noise decays exponentially and the linear part is solved exactly.

The ground of DPM-Solver++ (arXiv:2211.01095), SEEDS (arXiv:2305.14267) and SA-Solver (arXiv:2309.05019). Such solvers
cannot begin at a flow's level 1, where that logarithm is infinite: `bounded` moves the beginning a little.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.errors import GraphInvalid
from engine.inference.sampling.processes import Process, rounded
from schemas.report import Problem


@dataclass(frozen=True)
class Leg:
    """The way from one level to another with a share eta of noise.

    length: gain of log(alpha / sigma). keep: factor of the latent. pull: factor of the clean estimate, besides alpha,
    the clean latent's factor at the end. spread: strength of the noise to add.
    """

    length: float
    keep: float
    pull: float
    alpha: float
    spread: float
    eta: float

    @property
    def decay(self) -> float:
        """The exponent of the decay, noise included."""
        return self.length * (1.0 + self.eta)


def leg(process: Process, now: float, after: float, eta: float = 0.0) -> Leg:
    """The leg between two levels, neither 0 nor a flow's 1."""
    length = process.half_log_snr(after) - process.half_log_snr(now)
    return Leg(
        length=length,
        keep=after / now * math.exp(-length * eta),
        pull=-math.expm1(-length * (1.0 + eta)),
        alpha=process.alpha(after),
        spread=after * math.sqrt(max(0.0, -math.expm1(-2.0 * length * eta))),
        eta=eta,
    )


def bounded(process: Process, sigmas: Sequence[float]) -> list[float]:
    """The levels with a first one of a flow's 1 lowered to where log(alpha / sigma) is finite.

    Raises GraphInvalid if a later one is 1: only other samplers can go up there.
    """
    levels = list(sigmas)
    if process.flow and max(levels[1:], default=0.0) >= 1.0:
        said, fix = "the sampler cannot climb to a noise level of 1", "Use euler for rising sigmas."
        raise GraphInvalid([Problem(code="out-of-range", said=said, fix=fix)])
    if process.flow and len(levels) > 1 and levels[0] >= 1.0:
        levels[0] = rounded(process.at_percent(1e-4))
    return levels


def float32_log_snr(process: Process, sigma: float) -> Tensor:
    """The half_log_snr of a level in float32, for `split`, whose result hangs on the last digit."""
    level = torch.tensor(sigma)
    return -(level.logit() if process.flow else level.log())


def float32_sigma(process: Process, half_log_snr: Tensor) -> float:
    """The level of a half_log_snr in float32, for Brownian noise, which rounds levels to a grid."""
    return float((-half_log_snr).sigmoid() if process.flow else (-half_log_snr).exp())


def phi_1(z: float) -> float:
    """(exp(z) - 1) / z."""
    return math.expm1(z) / z if z else 1.0


def phi_2(z: float) -> float:
    """(phi_1(z) - 1) / z."""
    return (phi_1(z) - 1.0) / z if z else 0.5
