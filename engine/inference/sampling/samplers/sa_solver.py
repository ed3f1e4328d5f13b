"""SA-Solver (arXiv:2309.05019): a stochastic Adams method, predictor and corrector, for data prediction."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from engine.inference.sampling.contract import Denoiser, NoiseSource, Step
from engine.inference.sampling.processes import Process
from engine.inference.sampling.samplers.exponential_steps import bounded

NOISY = (0.2, 0.8)
"""The shares of the process between which noise is added; outside, the solver is deterministic."""


def sa_solver(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    s_noise: float = 1.0,
    predictor_order: int = 3,
    corrector_order: int = 4,
) -> Iterator[Step]:
    """PEC: the model sees each predicted latent, whose value corrects the latent but is not asked for again."""
    return _walk(denoise, latent, sigmas, noise, s_noise, (predictor_order, corrector_order), again=False)


def sa_solver_pece(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    s_noise: float = 1.0,
    predictor_order: int = 3,
    corrector_order: int = 4,
) -> Iterator[Step]:
    """PECE: the model is asked again at the corrected latent."""
    return _walk(denoise, latent, sigmas, noise, s_noise, (predictor_order, corrector_order), again=True)


def _walk(
    denoise: Denoiser,
    latent: Tensor,
    sigmas: Sequence[float],
    noise: NoiseSource,
    s_noise: float,
    orders: tuple[int, int],
    again: bool,
) -> Iterator[Step]:
    """Yields corrected latents. As in ComfyUI a walk that does not end in 0 so hands on the last level but one's."""
    process = denoise.process
    levels = bounded(process, sigmas)
    high, low = (process.at_percent(share) for share in NOISY)
    estimates: list[Tensor] = []
    corrected, predicted, tau, drawn = latent, latent, 0.0, None
    for index, now in enumerate(levels[:-1]):
        after = levels[index + 1]
        seen = denoise(predicted, now)
        estimates = [*estimates[1 - max(orders) :], seen] if max(orders) > 1 else [seen]
        predict, correct = _orders(levels, index, orders, len(estimates), again)
        if correct:
            known = levels[index - correct + 1 : index + 1]
            corrected = _advance(process, corrected, estimates[-correct:], known, levels[index - 1], now, tau)
            corrected = corrected if drawn is None else corrected + drawn
            if again:
                estimates[-1] = denoise(corrected, now)
        else:
            corrected = predicted
        if after == 0:
            corrected = estimates[-1]
        else:
            tau = 1.0 if high >= after >= low else 0.0
            known = levels[index - predict + 1 : index + 1]
            predicted = _advance(process, corrected, estimates[-predict:], known, now, after, tau)
            drawn = noise(now, after) * (s_noise * _spread(process, now, after, tau)) if tau else None
            predicted = predicted if drawn is None else predicted + drawn
        yield Step(corrected, seen)


def _orders(levels: Sequence[float], index: int, orders: tuple[int, int], known: int, again: bool) -> tuple[int, int]:
    """Orders of this step's predictor and corrector: as many as estimates are known, fewer towards an end in 0."""
    predict, correct = min(orders[0], known), min(orders[1], known)
    if index == 0 or (levels[index + 1] == 0 and not again):
        correct = 0
    if levels[-1] == 0:
        left = len(levels) - 1 - index
        predict, correct = min(predict, left - 1), min(correct, left)
    return predict, correct


def _advance(
    process: Process,
    latent: Tensor,
    estimates: Sequence[Tensor],
    known: Sequence[float],
    start: float,
    end: float,
    tau: float,
) -> Tensor:
    """The latent moved from start to end by the polynomial through the estimates at the known levels (equation 14)."""
    begin, finish = process.half_log_snr(start), process.half_log_snr(end)
    result = latent * (end / start * math.exp(-(tau**2) * (finish - begin)))
    places = [process.half_log_snr(level) - finish for level in known]
    weights = _adams_weights(places, begin - finish, 1.0 + tau**2)
    for weight, estimate in zip(weights, estimates, strict=True):
        result = result + estimate * (process.alpha(end) * weight)
    return result


def _adams_weights(places: Sequence[float], start: float, rate: float) -> list[float]:
    """Integrals over [start, 0] of rate * exp(rate * x) times each polynomial that is 1 at one place, 0 at the others.

    The moments of the exponential follow by parts; the weights solve the Vandermonde system. Distances are counted from
    the end, so that the system stays well conditioned.
    """
    moments: list[float] = []
    for power in range(len(places)):
        edge = (1.0 if power == 0 else 0.0) - start**power * math.exp(rate * start)
        moments.append(edge - (power / rate * moments[-1] if power else 0.0))
    system = torch.tensor([[place**power for place in places] for power in range(len(places))], dtype=torch.float64)
    weights: list[float] = torch.linalg.solve(system, torch.tensor(moments, dtype=torch.float64)).tolist()
    return weights


def _spread(process: Process, now: float, after: float, tau: float) -> float:
    """The strength of the noise of a step."""
    gain = process.half_log_snr(after) - process.half_log_snr(now)
    return after * math.sqrt(max(0.0, -math.expm1(-2.0 * tau**2 * gain)))
