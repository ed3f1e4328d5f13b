"""What samplers are given and what they give: the shapes that all of them share."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from torch import Tensor

from engine.inference.sampling.processes import Process


class Denoiser(Protocol):
    """A model with its conditioning and guidance, as samplers see it. Latents are (B, C, H, W) float32."""

    process: Process

    def __call__(self, latent: Tensor, sigma: float) -> Tensor:
        """The estimate of the clean latent, guidance applied."""

    def both(self, latent: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """The same, and the estimate that follows the negative conditioning alone (zeros if there is none)."""


class NoiseSource(Protocol):
    """Where noise comes from that is added on the way."""

    def __call__(self, sigma: float, after: float) -> Tensor:
        """Unit noise shaped like the latent, for the way from one level to another."""


class Step(NamedTuple):
    """The end of one step: the latent at its new level, and the estimate of the clean latent it followed."""

    latent: Tensor
    denoised: Tensor


Sampler = Callable[..., Iterator[Step]]
"""A way from the first of `sigmas` to the last: (denoise, latent, sigmas, noise, **options), yielding after every step.

latent: at level sigmas[0]. sigmas: distinct neighbours, falling for all samplers that add noise; may end in 0.
noise: drawn from by samplers that add noise, in the order and number that ComfyUI's draw. Options have defaults.
"""
