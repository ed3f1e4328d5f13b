"""Samplers with everything on one node."""

from typing import NamedTuple

from schemas.choices import SamplerName, ScheduleName
from schemas.context import Context
from schemas.node import Node
from schemas.sockets import Conditioning, Latent, Model
from schemas.widgets import Cfg, Disable, Enable, Fraction, Seed, StepIndex, Steps


class KSampler(Node):
    """Turn noise into a latent, drawn towards one conditioning and away from another."""

    category = "sampling"

    model: Model
    seed: Seed = 0
    steps: Steps = 20
    cfg: Cfg = 8.0
    sampler_name: SamplerName
    scheduler: ScheduleName
    positive: Conditioning
    negative: Conditioning
    latent_image: Latent
    denoise: Fraction = 1.0

    class Outputs(NamedTuple):
        """The denoised latent."""

        LATENT: Latent

    def run(self, context: Context) -> Outputs:
        """Sample with the seed's noise, from the first step to the last."""
        from engine.inference import ksample

        return self.Outputs(ksample.ksampler(self, context))


class KSamplerAdvanced(Node):
    """KSampler for a part of the steps, with or without adding noise before and removing all of it after."""

    category = "sampling"
    display_name = "KSampler (Advanced)"

    model: Model
    add_noise: Enable
    noise_seed: Seed = 0
    steps: Steps = 20
    cfg: Cfg = 8.0
    sampler_name: SamplerName
    scheduler: ScheduleName
    positive: Conditioning
    negative: Conditioning
    latent_image: Latent
    start_at_step: StepIndex = 0
    end_at_step: StepIndex = 10000
    return_with_leftover_noise: Disable

    class Outputs(NamedTuple):
        """The latent after end_at_step."""

        LATENT: Latent

    def run(self, context: Context) -> Outputs:
        """Sample from start_at_step to end_at_step of the schedule."""
        from engine.inference import ksample

        return self.Outputs(ksample.ksampler_advanced(self, context))


NODES = (KSampler, KSamplerAdvanced)
