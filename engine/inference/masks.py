"""Masks (B, H, W) in 0..1, made, changed and joined as ComfyUI does it. A mask (H, W) is a batch of one."""

import torch
from torch import Tensor
from torch.nn import functional

from engine.errors import GraphInvalid
from schemas.report import Problem

CHANNELS = ("red", "green", "blue", "alpha")


def batch_of(mask: Tensor) -> Tensor:
    """The mask as (B, H, W)."""
    return mask.reshape(-1, *mask.shape[-2:])


def solid(value: float, width: int, height: int) -> Tensor:
    """One mask of one value, (1, height, width)."""
    return torch.full((1, height, width), value)


def as_images(mask: Tensor) -> Tensor:
    """Grey pictures (B, H, W, 3)."""
    return batch_of(mask)[..., None].expand(-1, -1, -1, 3)


def of_channel(images: Tensor, channel: str) -> Tensor:
    """One channel of pictures (B, H, W, C). Raises GraphInvalid for the alpha of pictures that have none."""
    index = CHANNELS.index(channel)
    if index >= images.shape[-1]:
        said = f"the picture has {images.shape[-1]} channels, none of them {channel}"
        raise GraphInvalid([Problem(code="unavailable", said=said, fix="Choose another channel.")])
    return images[..., index]


def cropped(mask: Tensor, left: int, top: int, width: int, height: int) -> Tensor:
    """A part of the mask, smaller where it ends before the part does."""
    return batch_of(mask)[:, top : top + height, left : left + width]


def grown(mask: Tensor, pixels: int, tapered: bool) -> Tensor:
    """The bright parts grown by so many pixels, or shrunk if negative. tapered: corners grow as diamonds, not squares.

    Once a step changes nothing, none will, so that no more are taken than the mask has rows and columns.
    """
    sign = 1.0 if pixels >= 0 else -1.0
    planes = sign * batch_of(mask)
    for _ in range(abs(pixels)):
        before, planes = planes, _dilated(planes, tapered)
        if torch.equal(before, planes):
            break
    return sign * planes


def _dilated(planes: Tensor, tapered: bool) -> Tensor:
    """The largest value of each pixel and its neighbours: of four if tapered, else of eight."""
    if not tapered:
        return functional.max_pool2d(planes, 3, stride=1, padding=1)
    down = functional.max_pool2d(planes, (3, 1), stride=1, padding=(1, 0))
    return torch.maximum(down, functional.max_pool2d(planes, (1, 3), stride=1, padding=(0, 1)))


def feathered(mask: Tensor, left: int, top: int, right: int, bottom: int) -> Tensor:
    """The mask fading out towards its edges, over so many pixels each.

    As in ComfyUI the ramps at the right and the bottom are one pixel further out: their darkest column or row, which
    has the weight 1 / right or 1 / bottom, is the first one of the mask, not the last.
    """
    result = batch_of(mask).clone()
    height, width = result.shape[1:]
    result *= _ramp(width, left, from_end=False)
    result *= _ramp(width, right, from_end=True)
    result *= _ramp(height, top, from_end=False)[:, None]
    result *= _ramp(height, bottom, from_end=True)[:, None]
    return result


def _ramp(length: int, steps: int, from_end: bool) -> Tensor:
    """Weights for the pixels of a side, 1 beyond the steps; from the end the pixels counted are 0, -1, -2, ..."""
    steps = min(steps, length)
    counted = torch.arange(steps)
    weights = torch.ones(length)
    weights[-counted % length if from_end else counted] = ((counted + 1).double() / max(steps, 1)).float()
    return weights


def joined(below: Tensor, above: Tensor, left: int, top: int, operation: str) -> Tensor:
    """A mask with another one joined to it at a place in pixels, clipped to 0..1; what reaches beyond it is cut off.

    operation: "multiply", "add", "subtract", or "and", "or", "xor" of both rounded to 0 or 1.
    """
    result, above = batch_of(below).clone(), batch_of(above)
    part = result[:, top : top + above.shape[1], left : left + above.shape[2]]
    part.copy_(_operated(part, above[:, : part.shape[1], : part.shape[2]], operation))
    return result.clamp(0.0, 1.0)


def _operated(one: Tensor, other: Tensor, operation: str) -> Tensor:
    match operation:
        case "multiply":
            return one * other
        case "add":
            return one + other
        case "subtract":
            return one - other
    one, other = one.round().bool(), other.round().bool()
    match operation:
        case "and":
            return one & other
        case "or":
            return one | other
        case "xor":
            return one ^ other
    raise ValueError(f"no operation on masks is called {operation!r}")
