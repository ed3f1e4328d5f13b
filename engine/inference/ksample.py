"""Sampling with a loaded model: what KSampler, KSamplerAdvanced and SamplerCustomAdvanced do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Generator, Tensor

from engine.inference import latents, network, noise, schedules
from engine.inference.network import DiffusionNetwork
from engine.inference.sampling import entries, inpainting
from engine.inference.sampling.contract import Denoiser
from engine.inference.sampling.guidance import Guidance
from engine.inference.sampling.processes import Process
from engine.inference.sampling.samplers.uni_pc import LAST_LEVEL
from engine.inference.sampling.walk import find, walk
from schemas.context import Context
from schemas.sockets import GuiderRef, ModelRef, NoiseRef, SamplerRef

Latent = dict[str, Any]

NETWORK_OPTIONS = frozenset({"pooled_output", "guidance"})
"""Options of a conditioning that networks know."""

ENDS_AT = {"uni_pc": LAST_LEVEL, "uni_pc_bh2": LAST_LEVEL}
"""Samplers that stop at a low level instead of 0."""

FRESH_NOISE_WHERE_KEPT = frozenset({"ddim"})
"""Samplers that show the kept part of an inpainted picture with noise of its own (the seed's successor)."""


class KSampler(Protocol):
    """The fields of the KSampler node."""

    model: ModelRef
    seed: int
    steps: int
    cfg: float
    sampler_name: Any
    scheduler: Any
    positive: Any
    negative: Any
    latent_image: Latent
    denoise: float


class KSamplerAdvanced(Protocol):
    """The fields of the KSamplerAdvanced node."""

    model: ModelRef
    add_noise: Any
    noise_seed: int
    steps: int
    cfg: float
    sampler_name: Any
    scheduler: Any
    positive: Any
    negative: Any
    latent_image: Latent
    start_at_step: int
    end_at_step: int
    return_with_leftover_noise: Any


@dataclass(frozen=True)
class Job:
    """All that one run is made of. seed: of the noise on the way, and of the start's unless that is given as zeros."""

    guider: GuiderRef
    sampler: SamplerRef
    sigmas: Sequence[float]
    noise: NoiseRef
    seed: int
    latent: Latent


def ksampler(node: KSampler, context: Context) -> Latent:
    """Sample with the seed's noise, over all steps of the schedule, or its last ones if denoise is below 1."""
    process = schedules.process_of(node.model)
    sigmas = schedules.for_ksampler(process, node.sampler_name, node.scheduler, node.steps, node.denoise)
    guider = GuiderRef(node.model, node.positive, node.negative, node.cfg)
    job = Job(guider, SamplerRef(node.sampler_name), sigmas, NoiseRef(node.seed), node.seed, node.latent_image)
    return run(job, context)[0]


def ksampler_advanced(node: KSamplerAdvanced, context: Context) -> Latent:
    """Sample from one step of the schedule to another.

    Ending early leaves noise, or jumps to 0 in the last step if the rest is not to be returned. Starting after the last
    step changes nothing.
    """
    process = schedules.process_of(node.model)
    sigmas = schedules.for_ksampler(process, node.sampler_name, node.scheduler, node.steps, denoise=1.0)
    if node.end_at_step < len(sigmas) - 1:
        sigmas = sigmas[: node.end_at_step + 1]
        if node.return_with_leftover_noise == "disable":
            sigmas[-1] = 0.0
    sigmas = sigmas[node.start_at_step :] if node.start_at_step < len(sigmas) - 1 else []
    guider = GuiderRef(node.model, node.positive, node.negative, node.cfg)
    start = NoiseRef(None if node.add_noise == "disable" else node.noise_seed)
    job = Job(guider, SamplerRef(node.sampler_name), sigmas, start, node.noise_seed, node.latent_image)
    return run(job, context)[0]


def custom_advanced(
    noise: NoiseRef, guider: GuiderRef, sampler: SamplerRef, sigmas: Tensor, latent_image: Latent, context: Context
) -> tuple[Latent, Latent]:
    """Sample over the given levels: the latent at the last one, and the model's last estimate of the clean latent."""
    return run(Job(guider, sampler, sigmas.tolist(), noise, noise.seed or 0, latent_image), context)


def run(job: Job, context: Context) -> tuple[Latent, Latent]:
    """The latent at the last level and the last estimate; the latent as it came if there are no levels.

    Both keep all other keys of the given latent; samples are float32 on the CPU. Raises GraphInvalid for what cannot be
    sampled, and what the context's progress raises.
    """
    find(job.sampler.name)
    latent = latents.fitting(job.latent, network.facts(job.guider.model).latent.channels)
    if not job.sigmas:
        return latent, latent
    with torch.inference_mode():
        start_noise = noise.initial(job.noise, latent)
        with network.borrow(context, job.guider.model) as net:
            samples, estimate = _sampled(job, latent, start_noise, net, context)
    # Out of inference mode, copies are ordinary tensors, which other people's nodes may change in place.
    result = {**latent, "samples": samples.clone()}
    return result, result if estimate is None else {**latent, "samples": estimate.clone()}


def _sampled(
    job: Job, latent: Latent, start_noise: Tensor, net: DiffusionNetwork, context: Context
) -> tuple[Tensor, Tensor | None]:
    process = schedules.process_of(job.guider.model)
    levels = [*job.sigmas[:-1], job.sigmas[-1] or ENDS_AT.get(job.sampler.name, 0.0)]
    start_noise = start_noise.to(net.device, torch.float32)
    clean = latent["samples"].to(net.device, torch.float32)
    if clean.count_nonzero() > 0:  # an empty latent stays zero: it stands for no picture, not for a grey one
        clean = net.latent.process_in(clean)
    denoise = _denoiser(job, process, net, clean, context)
    if latent.get("noise_mask") is not None:
        kept_noise = start_noise
        if job.sampler.name in FRESH_NOISE_WHERE_KEPT:
            generator = Generator().manual_seed((job.seed + 1) % 2**64)
            kept_noise = torch.randn(clean.shape, generator=generator).to(clean)
        denoise = inpainting.Masked(denoise, inpainting.mask_for(latent["noise_mask"], clean), clean, kept_noise)
    start = process.start(levels[0], start_noise, clean)
    end, estimate = walk(
        denoise, start, levels, job.sampler.name, job.seed, dict(job.sampler.options), context.progress
    )
    samples = net.latent.process_out(process.finish(levels[-1], end)).cpu()
    return samples, None if estimate is None else net.latent.process_out(estimate).cpu()


def _denoiser(job: Job, process: Process, net: DiffusionNetwork, clean: Tensor, context: Context) -> Denoiser:
    """The network under the guider's conditionings."""

    def predict(latent: Tensor, sigma: float, tokens: Tensor, options: Mapping[str, Any]) -> Tensor:
        context.count("model_calls")
        timestep = torch.full((latent.shape[0],), process.timestep(sigma), device=latent.device)
        output = net.velocity(process.model_input(sigma, latent), timestep, tokens, options)
        return process.denoised(sigma, latent, output)

    guider = job.guider
    positive = entries.read(guider.positive, process, clean, NETWORK_OPTIONS)
    if guider.negative is None:
        return Guidance(process, predict, positive, None, 1.0)
    negative = entries.read(guider.negative, process, clean, NETWORK_OPTIONS)
    negative = entries.facing(negative, positive)
    positive = entries.facing(positive, negative)
    return Guidance(process, predict, positive, negative, guider.cfg)
