"""Pictures as files, and as tensors of (B, H, W, C) in 0..1."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError
from torch import Tensor

from engine.errors import ModelFileInvalid
from schemas.context import Context

T = TypeVar("T")

NO_MASK_SIDE = 64
"""Side of the all-zero mask that ComfyUI hands out for a picture without transparency."""


def load(path: Path) -> tuple[Tensor, Tensor]:
    """Every frame of a picture file as (B, H, W, 3) in 0..1, and 1 where it is transparent as (B, H, W).

    Frames of another size than the first are left out, and of a multi-picture JPEG only the first counts, as in
    ComfyUI. Raises ModelFileInvalid for a file that is no picture or is cut off.
    """
    return _opened(path, _read_frames)


def load_channel(path: Path, channel: str) -> Tensor:
    """One channel of a picture file's first frame as a mask (1, H, W) in 0..1.

    channel: "red", "green", "blue", or "alpha", which gives 1 where the picture is transparent. Raises ModelFileInvalid
    for a file that is no picture or is cut off.
    """
    level = _opened(path, lambda file: _unit(_upright(file).convert("RGBA").getchannel(channel[0].upper())))
    return (1.0 - level if channel == "alpha" else level)[None]


def _opened(path: Path, read: Callable[[Image.Image], T]) -> T:
    try:
        with Image.open(path) as file:
            return read(file)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ModelFileInvalid(str(path), f"is no readable picture ({error}).", "Replace the file.") from error


def _upright(frame: Image.Image) -> Image.Image:
    """The frame turned as its camera says, wide integer levels brought near 0..255."""
    turned = ImageOps.exif_transpose(frame)
    return turned.point(lambda level: level * (1 / 255)) if turned.mode == "I" else turned


def _read_frames(file: Image.Image) -> tuple[Tensor, Tensor]:
    colours: list[Tensor] = []
    masks: list[Tensor] = []
    size: tuple[int, int] | None = None
    for raw in ImageSequence.Iterator(file):
        frame = _upright(raw)
        rgb = frame.convert("RGB")
        size = size or rgb.size
        if rgb.size == size:
            colours.append(_unit(rgb)[None])
            masks.append(_transparency(frame)[None])
    if file.format == "MPO":
        return colours[0], masks[0]
    return torch.cat(colours), torch.cat(masks)


def _unit(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.asarray(image).astype(np.float32) / 255.0)


def _transparency(frame: Image.Image) -> Tensor:
    """1 where the frame is transparent, (H, W); the small all-zero mask if it cannot be."""
    if "A" in frame.getbands():
        return 1.0 - _unit(frame.getchannel("A"))
    if frame.mode == "P" and "transparency" in frame.info:
        return 1.0 - _unit(frame.convert("RGBA").getchannel("A"))
    return torch.zeros(NO_MASK_SIDE, NO_MASK_SIDE)


def to_levels(image: Tensor) -> NDArray[np.uint8]:
    """One picture (H, W, C) in 0..1 as levels 0..255, truncated and not rounded, as ComfyUI saves it."""
    scaled = 255.0 * image.detach().cpu().float().numpy()
    return np.clip(np.nan_to_num(scaled), 0, 255).astype(np.uint8)


def save(context: Context, images: Tensor, prefix: str, kind: Literal["output", "temp"]) -> list[Path]:
    """Write each picture of (B, H, W, C) as PNG; the paths written, in order."""
    return [context.save_picture(to_levels(image), prefix, kind, index) for index, image in enumerate(images)]
