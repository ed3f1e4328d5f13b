"""The noise that a run starts from: the same on every machine, because it is always drawn on the CPU."""

from typing import Any

import torch
from torch import Tensor

from schemas.sockets import NoiseRef


def initial(noise: NoiseRef, latent: dict[str, Any]) -> Tensor:
    """Noise shaped like latent["samples"], (B, C, H, W); zeros if there is no seed.

    One draw over the whole batch. With "batch_index" (which pictures of a larger batch these are) every picture up to
    the highest index is drawn by itself, in turn, and those named are kept, so that they get the noise they had there.
    """
    samples: Tensor = latent["samples"]
    if noise.seed is None:
        return torch.zeros_like(samples, device="cpu")
    generator = torch.Generator("cpu").manual_seed(noise.seed)
    places = latent.get("batch_index")
    if places is None:
        return torch.randn(samples.shape, dtype=samples.dtype, generator=generator)
    shape = (1, *samples.shape[1:])
    drawn = {}
    for place in range(max(places) + 1):
        one = torch.randn(shape, dtype=samples.dtype, generator=generator)
        if place in places:
            drawn[place] = one
    return torch.cat([drawn[place] for place in places])
