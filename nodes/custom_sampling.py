"""Sampling in parts: noise, guider, sampler and sigmas each from a node of their own."""

from typing import NamedTuple

from schemas.choices import SamplerName, ScheduleName
from schemas.context import Context
from schemas.node import Node
from schemas.sockets import (
    Conditioning,
    Guider,
    GuiderRef,
    Latent,
    Model,
    Noise,
    NoiseRef,
    Sampler,
    SamplerRef,
    Sigmas,
)
from schemas.widgets import Cfg, Fraction, Seed, StepIndex, Steps


class BasicScheduler(Node):
    """How noise falls over the steps, as KSampler would have it."""

    category = "sampling/custom_sampling/schedulers"

    model: Model
    scheduler: ScheduleName
    steps: Steps = 20
    denoise: Fraction = 1.0

    class Outputs(NamedTuple):
        """steps + 1 noise levels, fewer if denoise leaves none."""

        SIGMAS: Sigmas

    def run(self, context: Context) -> Outputs:
        """Compute the noise levels from the model's schedule."""
        from engine.inference import schedules

        return self.Outputs(schedules.basic_scheduler(self.model, self.scheduler, self.steps, self.denoise))


class SplitSigmas(Node):
    """Cut a schedule in two at a step; both halves keep the level at the cut."""

    category = "sampling/custom_sampling/sigmas"

    sigmas: Sigmas
    step: StepIndex = 0

    class Outputs(NamedTuple):
        """Before the cut, after the cut."""

        high_sigmas: Sigmas
        low_sigmas: Sigmas

    def run(self, context: Context) -> Outputs:
        """Cut."""
        from engine.inference import schedules

        return self.Outputs(*schedules.split(self.sigmas, self.step))


class SplitSigmasDenoise(Node):
    """Cut a schedule in two so that the second half holds the given share of the steps."""

    category = "sampling/custom_sampling/sigmas"

    sigmas: Sigmas
    denoise: Fraction = 1.0

    class Outputs(NamedTuple):
        """Before the cut, after the cut."""

        high_sigmas: Sigmas
        low_sigmas: Sigmas

    def run(self, context: Context) -> Outputs:
        """Cut."""
        from engine.inference import schedules

        return self.Outputs(*schedules.split_denoise(self.sigmas, self.denoise))


class FlipSigmas(Node):
    """Turn a schedule round, for adding noise step by step."""

    category = "sampling/custom_sampling/sigmas"

    sigmas: Sigmas

    class Outputs(NamedTuple):
        """Rising noise levels."""

        SIGMAS: Sigmas

    def run(self, context: Context) -> Outputs:
        """Reverse; a level of zero at the start becomes a very small one."""
        from engine.inference import schedules

        return self.Outputs(schedules.flip(self.sigmas))


class KSamplerSelect(Node):
    """A sampler by name."""

    category = "sampling/custom_sampling/samplers"

    sampler_name: SamplerName

    class Outputs(NamedTuple):
        """The sampler."""

        SAMPLER: Sampler

    def run(self, context: Context) -> Outputs:
        """Name it."""
        return self.Outputs(SamplerRef(self.sampler_name))


class BasicGuider(Node):
    """A model drawn by one conditioning, with a single evaluation per step."""

    category = "sampling/custom_sampling/guiders"

    model: Model
    conditioning: Conditioning

    class Outputs(NamedTuple):
        """The guider."""

        GUIDER: Guider

    def run(self, context: Context) -> Outputs:
        """Join both."""
        return self.Outputs(GuiderRef(self.model, self.conditioning))


class CFGGuider(Node):
    """A model drawn towards one conditioning and away from another."""

    category = "sampling/custom_sampling/guiders"

    model: Model
    positive: Conditioning
    negative: Conditioning
    cfg: Cfg = 8.0

    class Outputs(NamedTuple):
        """The guider."""

        GUIDER: Guider

    def run(self, context: Context) -> Outputs:
        """Join all."""
        return self.Outputs(GuiderRef(self.model, self.positive, self.negative, self.cfg))


class RandomNoise(Node):
    """Noise from a seed."""

    category = "sampling/custom_sampling/noise"

    noise_seed: Seed = 0

    class Outputs(NamedTuple):
        """The noise."""

        NOISE: Noise

    def run(self, context: Context) -> Outputs:
        """Name the seed."""
        return self.Outputs(NoiseRef(self.noise_seed))


class DisableNoise(Node):
    """No noise, for latents that still carry theirs."""

    category = "sampling/custom_sampling/noise"

    class Outputs(NamedTuple):
        """Silence."""

        NOISE: Noise

    def run(self, context: Context) -> Outputs:
        """Name no seed."""
        return self.Outputs(NoiseRef(None))


class SamplerCustomAdvanced(Node):
    """Sample with the parts given."""

    category = "sampling/custom_sampling"

    noise: Noise
    guider: Guider
    sampler: Sampler
    sigmas: Sigmas
    latent_image: Latent

    class Outputs(NamedTuple):
        """The latent at the last noise level, and the model's last estimate of the clean one."""

        output: Latent
        denoised_output: Latent

    def run(self, context: Context) -> Outputs:
        """Walk the sigmas from first to last."""
        from engine.inference import ksample

        parts = (self.noise, self.guider, self.sampler, self.sigmas, self.latent_image)
        return self.Outputs(*ksample.custom_advanced(*parts, context))


NODES = (
    BasicScheduler,
    SplitSigmas,
    SplitSigmasDenoise,
    FlipSigmas,
    KSamplerSelect,
    BasicGuider,
    CFGGuider,
    RandomNoise,
    DisableNoise,
    SamplerCustomAdvanced,
)
