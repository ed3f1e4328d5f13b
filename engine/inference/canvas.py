"""Pictures (B, H, W, C) in 0..1 made, cut, joined, widened, blurred and laid over one another, as ComfyUI does it."""

import torch
from torch import Tensor
from torch.nn import functional

from engine.errors import GraphInvalid
from engine.inference.resizing import resized
from schemas.report import Problem

GREY = 0.5
"""What ComfyUI fills new margins with."""


def filled(width: int, height: int, batch_size: int, colour: int) -> Tensor:
    """Pictures of one colour, 0xRRGGBB: (batch_size, height, width, 3)."""
    channels = torch.tensor([(colour >> shift & 0xFF) / 0xFF for shift in (16, 8, 0)])
    return channels.repeat(batch_size, height, width, 1)


def cropped(images: Tensor, left: int, top: int, width: int, height: int) -> Tensor:
    """A part of the pictures, smaller where they end before it does; it begins on their last pixel at the latest."""
    left, top = min(left, images.shape[2] - 1), min(top, images.shape[1] - 1)
    return images[:, top : top + height, left : left + width]


def taken(images: Tensor, first: int, length: int) -> Tensor:
    """Some pictures of the batch, fewer where it ends, and at least its last one."""
    first = min(first, images.shape[0] - 1)
    return images[first : first + length].clone()


def joined(images: Tensor, more: Tensor) -> Tensor:
    """One batch of both, the second resized to the first's sides; if only one has an alpha, the other is opaque."""
    channels = max(images.shape[-1], more.shape[-1])
    if images.shape[1:3] != more.shape[1:3]:
        more = resized(more, images.shape[2], images.shape[1], "bilinear", centred=True)
    return torch.cat((_opaque(images, channels), _opaque(more, channels)))


def _opaque(images: Tensor, channels: int) -> Tensor:
    """Pictures with this many channels, those they lack full of ones."""
    return functional.pad(images, (0, max(0, channels - images.shape[-1])), value=1.0)


def widened(images: Tensor, left: int, top: int, right: int, bottom: int, feathering: int) -> tuple[Tensor, Tensor]:
    """Pictures with grey margins, and a mask (1, H, W): 1 on the margins, fading towards the picture's middle.

    feathering: how far it fades, in pixels; not at all if the picture has no room for twice that.
    """
    batch, height, width, channels = images.shape
    inside = (slice(top, top + height), slice(left, left + width))
    wide = torch.full((batch, height + top + bottom, width + left + right, channels), GREY)
    wide[:, inside[0], inside[1]] = images
    mask = torch.ones(wide.shape[1:3])
    mask[inside] = 0.0
    if 0 < feathering * 2 < min(height, width):
        near = torch.minimum(_distances(height, top, bottom)[:, None], _distances(width, left, right)[None])
        mask[inside] = (((feathering - near) / feathering).clamp(min=0) ** 2).float()
    return wide, mask[None]


def _distances(length: int, before: int, after: int) -> Tensor:
    """How far each of so many pixels is from the ends that have a margin; `length` where none has. Float64."""
    steps = torch.arange(length, dtype=torch.float64)
    far = torch.full_like(steps, length)
    return torch.minimum(steps if before else far, length - steps if after else far)


def blurred(images: Tensor, radius: int, sigma: float) -> Tensor:
    """Pictures blurred by a Gaussian that is cut off at `radius` pixels; sigma: in radii, not in pixels.

    Edges are mirrored. Raises GraphInvalid for pictures that are not larger than the radius.
    """
    if radius >= min(images.shape[1:3]):
        said = f"a picture of {images.shape[2]} × {images.shape[1]} pixels is too small for a blur radius of {radius}"
        raise GraphInvalid([Problem(code="out-of-range", said=said, fix="Choose a smaller blur_radius.")])
    weights = torch.exp(-(torch.linspace(-1, 1, 2 * radius + 1) ** 2) / (2 * sigma * sigma))
    weights = (weights / weights.sum()).to(images)
    channels = images.shape[-1]
    planes = functional.pad(images.movedim(-1, 1), (radius,) * 4, mode="reflect")
    for shape in ((1, 1, -1, 1), (1, 1, 1, -1)):
        planes = functional.conv2d(planes, weights.reshape(shape).repeat(channels, 1, 1, 1), groups=channels)
    return planes.movedim(1, -1)


def laid_over(
    below: Tensor, above: Tensor, left: int, top: int, stretched: bool = False, mask: Tensor | None = None
) -> Tensor:
    """Pictures with others laid over them at a place in pixels, which may be partly or wholly outside.

    stretched: first resize those above to the sides of those below. mask: (B, H, W) or (H, W) of any size, stretched
    over those above, which show where it is 1. Both repeat until there is one for each picture below.
    """
    above = _opaque(above, below.shape[-1])[..., : below.shape[-1]]
    if stretched:
        above = resized(above, below.shape[2], below.shape[1], "bilinear")
    rows, columns = above.shape[1:3]
    shown = torch.ones(1, rows, columns, 1) if mask is None else resized(_as_picture(mask), columns, rows, "bilinear")
    result = below.clone()
    part = result[:, max(0, top) : max(0, top + rows), max(0, left) : max(0, left + columns)]
    down, across = max(0, -top), max(0, -left)
    window = (slice(None), slice(down, down + part.shape[1]), slice(across, across + part.shape[2]))
    source, weight = (_repeated(each, below.shape[0])[window] for each in (above, shown.to(below)))
    part.copy_(weight * source + (1 - weight) * part)
    return result


def _as_picture(mask: Tensor) -> Tensor:
    return mask.reshape(-1, *mask.shape[-2:], 1)


def _repeated(images: Tensor, count: int) -> Tensor:
    """The batch over and over until it has so many pictures; or its first ones."""
    return images[torch.arange(count) % images.shape[0]]
