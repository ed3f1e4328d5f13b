"""Resizing of pictures (B, H, W, C) and latents as ComfyUI does it.

Torch's filters and "bislerp" work on the values, Pillow's Lanczos on 8-bit levels.
"""

import math
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from engine.errors import GraphInvalid
from engine.inference.latents import CELL
from engine.inference.pictures import to_levels
from schemas.report import Problem

LANCZOS = "lanczos"
BISLERP = "bislerp"
NEAR = 1e-5
"""How far a cosine is from 1 or -1 if there is no telling which way round to turn."""
SMALLEST = 64
"""Least side that ComfyUI resizes latents to, in pixels."""
MEGAPIXEL = 1024 * 1024

KONTEXT_LANDSCAPES = (
    (1104, 944),
    (1184, 880),
    (1248, 832),
    (1328, 800),
    (1392, 752),
    (1456, 720),
    (1504, 688),
    (1568, 672),
)
KONTEXT_SIZES = ((1024, 1024), *KONTEXT_LANDSCAPES, *((height, width) for width, height in KONTEXT_LANDSCAPES))
"""The (width, height) that Flux Kontext was trained on."""


def resized(images: Tensor, width: int, height: int, method: str, centred: bool = False) -> Tensor:
    """Pictures (B, H, W, C) of another size in pixels.

    method: "nearest-exact", "bilinear", "area", "bicubic", "lanczos" or "bislerp". centred: cut equal margins off
    first, so that the sides keep their ratio. Raises GraphInvalid for a size without pixels, and if the margins leave
    none.
    """
    if width < 1 or height < 1:
        said = f"the resized picture would have {width} × {height} pixels"
        raise GraphInvalid([Problem(code="out-of-range", said=said, fix="Scale it down less.")])
    kept = _centre(images, width / height) if centred else images
    if not kept.numel():
        had = f"a picture of {images.shape[2]} × {images.shape[1]} pixels"
        said = f"nothing is left of {had} once it is cut to the shape of {width} × {height}"
        raise GraphInvalid([Problem(code="out-of-range", said=said, fix="Choose a shape nearer to the picture's.")])
    if method == LANCZOS:
        return torch.stack([_lanczos(image, width, height) for image in kept]).to(images)
    if method == BISLERP:
        return _turned_to(_turned_to(kept, 2, width), 1, height)
    return functional.interpolate(kept.movedim(-1, 1), size=(height, width), mode=method).movedim(1, -1)


def _centre(images: Tensor, wanted: float) -> Tensor:
    """The middle of pictures (B, H, W, C), as near to the wanted width / height as whole margins allow."""
    height, width = images.shape[1:3]
    ratio = width / height
    across = round((width - width * (wanted / ratio)) / 2) if ratio > wanted else 0
    down = round((height - height * (ratio / wanted)) / 2) if ratio < wanted else 0
    return images[:, down : height - down, across : width - across]


def _lanczos(image: Tensor, width: int, height: int) -> Tensor:
    """One picture (H, W, C) through 8-bit levels; in 0..1."""
    levels = to_levels(image)
    drawn = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    scaled = np.asarray(drawn.resize((width, height), Image.Resampling.LANCZOS)).astype(np.float32) / 255.0
    return torch.from_numpy(scaled).reshape(height, width, levels.shape[-1])


def _turned_to(values: Tensor, axis: int, length: int) -> Tensor:
    """Bilinear along one axis, but that vectors over the last axis turn into one another; lengths mix linearly."""
    steps = torch.arange(values.shape[axis], dtype=torch.float32)
    places = _spread(steps, length)
    # ComfyUI spreads the next places too and cuts both: with rounding they can lie two steps apart.
    following = _spread((steps + 1).clamp(max=len(steps) - 1), length)
    one, other = (values.index_select(axis, index.long()) for index in (places, following))
    part = (places - places.floor()).reshape([-1 if each == axis else 1 for each in range(values.ndim)])
    return _turned(one, other, part.to(values))


def _spread(steps: Tensor, length: int) -> Tensor:
    return functional.interpolate(steps[None, None, None], size=(1, length), mode="bilinear").flatten()


def _turned(one: Tensor, other: Tensor, part: Tensor) -> Tensor:
    """Vectors (..., C) a part of the way from one to the other; nearly opposite ones go straight."""
    cosine = (functional.normalize(one, dim=-1) * functional.normalize(other, dim=-1)).sum(-1, keepdim=True)
    angle = torch.acos(cosine)
    weights = [torch.sin(share * angle) / torch.sin(angle) for share in (1 - part, part)]
    turned = weights[0] * functional.normalize(one, dim=-1) + weights[1] * functional.normalize(other, dim=-1)
    turned = turned * (one.norm(dim=-1, keepdim=True) * (1 - part) + other.norm(dim=-1, keepdim=True) * part)
    turned = torch.where(cosine > 1 - NEAR, one, turned)
    return torch.where(cosine < NEAR - 1, one * (1 - part) + other * part, turned)


def latent_to_sides(latent: dict[str, Any], width: int, height: int, method: str, centred: bool) -> dict[str, Any]:
    """A latent for pictures of this size in pixels, at least 64 each way; a side of 0 follows from the other one.

    With both 0 nothing changes.
    """
    if not width and not height:
        return latent
    rows, columns = latent["samples"].shape[-2:]
    given = (max(SMALLEST, width), max(SMALLEST, height))
    width = given[0] if width else max(SMALLEST, round(columns * given[1] / rows))
    height = given[1] if height else max(SMALLEST, round(rows * given[0] / columns))
    return _latent_resized(latent, width // CELL, height // CELL, method, centred)


def latent_by_factor(latent: dict[str, Any], factor: float, method: str) -> dict[str, Any]:
    """A latent with both sides times the factor."""
    rows, columns = latent["samples"].shape[-2:]
    return _latent_resized(latent, round(columns * factor), round(rows * factor), method, centred=False)


def _latent_resized(latent: dict[str, Any], width: int, height: int, method: str, centred: bool) -> dict[str, Any]:
    """width, height: in cells."""
    samples = latent["samples"].movedim(1, -1)
    return {**latent, "samples": resized(samples, width, height, method, centred).movedim(-1, 1)}


def to_sides(images: Tensor, width: int, height: int, method: str, centred: bool) -> Tensor:
    """Pictures (B, H, W, C) of this size; a side of 0 follows from the other one, and with both 0 nothing changes."""
    if not width and not height:
        return images
    rows, columns = images.shape[1:3]
    width = width or max(1, round(columns * height / rows))
    height = height or max(1, round(rows * width / columns))
    return resized(images, width, height, method, centred)


def by_factor(images: Tensor, factor: float, method: str) -> Tensor:
    """Pictures (B, H, W, C) with both sides times the factor."""
    rows, columns = images.shape[1:3]
    return resized(images, round(columns * factor), round(rows * factor), method)


def to_megapixels(images: Tensor, megapixels: float, method: str, multiple: int = 1) -> Tensor:
    """Pictures (B, H, W, C) of about so many times 1024² pixels, their sides multiples of `multiple`."""
    rows, columns = images.shape[1:3]
    factor = math.sqrt(int(megapixels * MEGAPIXEL) / (columns * rows))
    width, height = (round(side * factor / multiple) * multiple for side in (columns, rows))
    return resized(images, width, height, method)


def for_kontext(images: Tensor) -> Tensor:
    """Pictures (B, H, W, C) cut and resized to the size nearest in shape that Flux Kontext was trained on."""
    ratio = images.shape[2] / images.shape[1]
    width, height = min(KONTEXT_SIZES, key=lambda size: (abs(ratio - size[0] / size[1]), size))
    return resized(images, width, height, LANCZOS, centred=True)
