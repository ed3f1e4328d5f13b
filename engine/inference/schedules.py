"""Noise levels for a model: which process it was trained on, and how a run walks down its levels.

SIGMAS on a wire are float32 tensors (steps + 1,).
"""

import math

import torch
from torch import Tensor

from engine.errors import GraphInvalid
from engine.inference import network
from engine.inference.sampling.processes import FlowProcess, FluxProcess, Process, flux_shift
from engine.inference.sampling.schedulers import SCHEDULERS
from schemas.report import Problem
from schemas.sockets import FlowShift, FluxShift, ModelRef

PATCH = 16
"""Pixels per Flux token, each way."""

DROPS_ONE = frozenset({"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"})
"""Samplers for which KSampler computes one level more and leaves out the last but one, which is too small for them."""


def process_of(model: ModelRef) -> Process:
    """The noise process of a model, read from its file's header, with the last shift that was laid on it."""
    for patch in reversed(model.patches):
        if isinstance(patch, FluxShift):
            tokens = patch.width * patch.height / PATCH**2
            return FluxProcess(math.exp(flux_shift(tokens, patch.base_shift, patch.max_shift)))
        if isinstance(patch, FlowShift):
            return FlowProcess(patch.shift, multiplier=patch.multiplier)
    facts = network.facts(model)
    return FluxProcess(math.exp(facts.shift)) if facts.schedule == "flux" else FlowProcess(facts.shift)


def basic_scheduler(model: ModelRef, scheduler: str, steps: int, denoise: float) -> Tensor:
    """The last `steps` of as many steps as it would take to denoise all; empty if denoise is 0."""
    if denoise <= 0.0:
        return torch.empty(0)
    total = steps if denoise >= 1.0 else int(steps / denoise)
    return torch.tensor(_levels(process_of(model), scheduler, total)[-(steps + 1) :])


def for_ksampler(process: Process, sampler: str, scheduler: str, steps: int, denoise: float) -> list[float]:
    """As KSampler would have it: like `basic_scheduler`, but for the samplers that drop a level."""
    if denoise <= 0.0:
        return []
    total = steps if denoise > 0.9999 else int(steps / denoise)
    if sampler in DROPS_ONE:
        levels = _levels(process, scheduler, total + 1)
        levels = levels[:-2] + levels[-1:]
    else:
        levels = _levels(process, scheduler, total)
    return levels if denoise > 0.9999 else levels[-(steps + 1) :]


def split(sigmas: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """The levels up to a step and those from it on; both hold the step's own."""
    return sigmas[: step + 1], sigmas[step:]


def split_denoise(sigmas: Tensor, denoise: float) -> tuple[Tensor, Tensor]:
    """As `split`, at the step from which the share `denoise` of the steps is left.

    If that is none, there is, as in ComfyUI, no first part either.
    """
    left = round(max(len(sigmas) - 1, 0) * denoise)
    return sigmas[: len(sigmas) - left if left else 0], sigmas[-(left + 1) :]


def flip(sigmas: Tensor) -> Tensor:
    """The levels reversed; a first level of 0 becomes 0.0001, which samplers can start from."""
    flipped = sigmas.flip(0)
    if len(flipped) and flipped[0] == 0:
        flipped[0] = 0.0001
    return flipped


def _levels(process: Process, scheduler: str, steps: int) -> list[float]:
    """A schedule by name, rounded to float32. Raises GraphInvalid for a name that is none."""
    if scheduler not in SCHEDULERS:
        said, fix = f"there is no scheduler {scheduler!r}", f"Use one of {', '.join(SCHEDULERS)}."
        raise GraphInvalid([Problem(code="unknown-choice", said=said, fix=fix)])
    levels: list[float] = torch.tensor(SCHEDULERS[scheduler](process, steps), dtype=torch.float32).tolist()
    return levels
