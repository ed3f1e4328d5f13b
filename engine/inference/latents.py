"""Latents: dicts with "samples" (B, C, H/8, W/8), in the shapes that ComfyUI's nodes hand on."""

from typing import Any

import torch
from torch import Tensor

from engine.errors import GraphInvalid
from schemas.report import Problem

CELL = 8
"""Pixels per latent cell, each way."""

Latent = dict[str, Any]


def empty(width: int, height: int, batch_size: int, channels: int) -> Latent:
    """Zeros for pictures of this size in pixels, rounded down to whole cells."""
    return {"samples": torch.zeros(batch_size, channels, height // CELL, width // CELL)}


def with_noise_mask(latent: Latent, mask: Tensor) -> Latent:
    """The latent with a mask (H, W) or (B, H, W), of any size: 1 where it may change, 0 where it is kept."""
    return {**latent, "noise_mask": mask.reshape(-1, 1, *mask.shape[-2:])}


def fitting(latent: Latent, channels: int) -> Latent:
    """The latent with as many channels as the model has. Only an empty one can be given other channels.

    Raises GraphInvalid for a latent that is not empty and comes from an autoencoder of another model family.
    """
    samples: Tensor = latent["samples"]
    if samples.ndim == 4 and samples.shape[1] == channels:
        return latent
    if samples.ndim != 4 or samples.count_nonzero() > 0:
        said = f"the latent has shape {tuple(samples.shape)}, but the model takes (batch, {channels}, height, width)"
        fix = "Encode the picture with the VAE that belongs to the model."
        raise GraphInvalid([Problem(code="wrong-type", said=said, fix=fix)])
    return {**latent, "samples": samples.new_zeros(samples.shape[0], channels, *samples.shape[2:])}
