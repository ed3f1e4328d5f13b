"""Resizing of pictures (B, H, W, C) as ComfyUI does it: torch's filters on the values, Pillow's Lanczos on levels."""

import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from engine.errors import GraphInvalid
from engine.inference.pictures import to_levels
from schemas.report import Problem

LANCZOS = "lanczos"
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

    method: "nearest-exact", "bilinear", "area", "bicubic" or "lanczos". centred: cut equal margins off first, so that
    the sides keep their ratio. Raises GraphInvalid for a size without pixels, and if the margins leave none.
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
