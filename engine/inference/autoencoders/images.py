"""Between pictures (B, H, W, C) in 0..1 and latents {"samples": (B, C, H/8, W/8)} in the autoencoder's scale."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor

from engine.checkpoints import index, runnable
from engine.inference.autoencoders.kl import KlAutoencoder
from engine.inference.devices import NAMES, autoencoder_dtype, device_of
from engine.inference.residency import Piece, Setting, borrowed
from schemas.context import Context
from schemas.sockets import VaeRef


@contextmanager
def autoencoder(context: Context, vae: VaeRef) -> Iterator[tuple[KlAutoencoder, Setting]]:
    """The autoencoder of a recipe, resident and pinned inside the block, and what it computes in."""
    device = device_of(context)
    setting = Setting(autoencoder_dtype(context, device), device)
    pieces = {"kl_vae": Piece(vae.file, runnable.require(index.read(vae.file.path), "kl_vae"), KlAutoencoder)}
    with borrowed(context, vae.storage_key, f"{vae.file.name} (VAE)", pieces, setting) as networks:
        context.used_model(vae.file, NAMES[setting.dtype])
        yield cast(KlAutoencoder, networks["kl_vae"]), setting


def decode(context: Context, vae: VaeRef, latent: dict[str, Any]) -> Tensor:
    """Pictures (B, H, W, 3) float32 in 0..1, on the CPU; one at a time, which bounds the memory.

    Raises ValueError for a latent of other channels than the autoencoder's.
    """
    samples: Tensor = latent["samples"]
    with autoencoder(context, vae) as (network, setting):
        channels = network.sizes.latent_channels
        if samples.ndim != 4 or samples.shape[1] != channels:
            raise ValueError(
                f"this VAE decodes latents of {channels} channels, not of shape {list(samples.shape)}; "
                "the latent comes from another family of models"
            )
        pictures = []
        for number in range(len(samples)):
            pixels = network.decode(samples[number : number + 1].to(setting.device, setting.dtype))
            pictures.append(pixels.to("cpu", torch.float32).add_(1.0).div_(2.0).clamp_(0.0, 1.0))
    return torch.cat(pictures).movedim(1, -1)


def encode(context: Context, vae: VaeRef, pixels: Tensor) -> dict[str, Any]:
    """The latents' means, {"samples": (B, C, H/8, W/8) float32}, on the CPU.

    pixels: (B, H, W, 3 or 4) in 0..1; transparency is left out, and sides are cropped around the middle to whole cells.
    """
    with autoencoder(context, vae) as (network, setting):
        cropped = crop(pixels[..., :3], network.reduction).movedim(-1, 1)
        means = []
        for number in range(len(cropped)):
            picture = cropped[number : number + 1].to(setting.device, torch.float32) * 2.0 - 1.0
            means.append(network.encode(picture.to(setting.dtype)).to("cpu", torch.float32))
    return {"samples": torch.cat(means)}


def crop(pixels: Tensor, cell: int) -> Tensor:
    """(B, H, W, C) with sides cut to multiples of `cell`, the same on both ends; an odd rest goes from the far end.

    Raises ValueError for a picture smaller than one cell.
    """
    for axis in (1, 2):
        side = pixels.shape[axis]
        if side < cell:
            raise ValueError(f"a picture of {pixels.shape[2]}×{pixels.shape[1]} pixels is smaller than one latent cell")
        pixels = pixels.narrow(axis, side % cell // 2, side - side % cell)
    return pixels
