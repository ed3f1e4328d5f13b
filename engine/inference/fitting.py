"""Fitting: pictures (B, H, W, C) and masks (B, H, W) resized to a size that is told in one of several ways.

As in ComfyUI's node for both. A way is told by its numbers: {"width", "height", "crop"}, {"multiplier"}, and so on.
"""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

from torch import Tensor

from engine.inference import resizing


def fitted(drawn: Tensor, wanted: Mapping[str, Any], method: str) -> Tensor:
    """Pictures or masks of the size that `wanted` tells, by the first of its numbers that FITS knows.

    Raises GraphInvalid if nothing would be left.
    """
    is_mask = drawn.ndim == MASK_DIMENSIONS
    images = drawn.unsqueeze(-1) if is_mask else drawn
    fit = next(fit for name, fit in FITS.items() if name in wanted)
    changed = fit(images, wanted, method)
    return changed.squeeze(-1) if is_mask else changed


def _to_match(images: Tensor, wanted: Mapping[str, Any], method: str) -> Tensor:
    height, width = wanted["match"].shape[1:3]
    return resizing.resized(images, width, height, method, wanted["crop"] == "center")


def _to_side(images: Tensor, size: int, method: str, longer: bool) -> Tensor:
    """The longer or the shorter side becomes `size`."""
    rows, columns = images.shape[1:3]
    if rows == columns:
        return resizing.resized(images, size, size, method)
    if (rows > columns) is longer:
        return resizing.resized(images, round(columns / rows * size), size, method)
    return resizing.resized(images, size, round(rows / columns * size), method)


def _to_sides(images: Tensor, wanted: Mapping[str, Any], method: str) -> Tensor:
    width, height = wanted.get("width", 0), wanted.get("height", 0)
    return resizing.to_sides(images, width, height, method, wanted.get("crop") == "center")


def _to_multiples(images: Tensor, multiple: int, method: str) -> Tensor:
    """The largest multiples that both sides have room for: scaled down to cover them, the rest cut off evenly.

    A picture that is smaller than one multiple stays as it is.
    """
    rows, columns = images.shape[1:3]
    height, width = rows // multiple * multiple, columns // multiple * multiple
    if not height or not width or (height, width) == (rows, columns):
        return images
    across, down = width / columns, height / rows
    tall = max(ceil(rows * across), height) if across >= down else height
    wide = width if across >= down else max(ceil(columns * down), width)
    scaled = resizing.resized(images, wide, tall, method)
    left, top = (wide - width) // 2, (tall - height) // 2
    return scaled[:, top : top + height, left : left + width]


MASK_DIMENSIONS = 3
FITS: Mapping[str, Callable[[Tensor, Mapping[str, Any], str], Tensor]] = {
    "match": _to_match,
    "multiplier": lambda images, wanted, method: resizing.by_factor(images, wanted["multiplier"], method),
    "longer_size": lambda images, wanted, method: _to_side(images, wanted["longer_size"], method, longer=True),
    "shorter_size": lambda images, wanted, method: _to_side(images, wanted["shorter_size"], method, longer=False),
    "megapixels": lambda images, wanted, method: resizing.to_megapixels(images, wanted["megapixels"], method),
    "multiple": lambda images, wanted, method: _to_multiples(images, wanted["multiple"], method),
    "width": _to_sides,
    "height": _to_sides,
}
"""By the number that only this way has."""
