"""Entries: a conditioning list read once before sampling, all that does not change from step to step worked out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.errors import GraphInvalid
from engine.inference.sampling.processes import Process, rounded
from schemas.report import Problem

SAMPLING_OPTIONS = frozenset(
    {"strength", "area", "mask", "mask_strength", "set_area_to_bounds", "start_percent", "end_percent"}
)
"""Options of a conditioning that say where, when and how strongly it counts; all others are for the network."""

FOR_HIDREAM = frozenset({"conditioning_llama3"})
"""Options that HiDream alone reads; other networks leave them aside, as in ComfyUI."""

FIXES = {"attention_mask": "Choose another type in the loader of the text encoder."}
"""What to do about options that some networks know and others do not, where it is not to remove a node."""

FADE = 8
"""Latent cells over which an area without a mask fades in from an edge inside the picture."""

SMALLEST = 8
"""Latent cells that the area around a mask has at least, each way."""


class Region(NamedTuple):
    """A rectangle in latent cells."""

    height: int
    width: int
    top: int
    left: int

    def of(self, latent: Tensor) -> Tensor:
        """The view of (…, H, W) inside."""
        return latent[..., self.top : self.top + self.height, self.left : self.left + self.width]

    def holds(self, other: "Region") -> bool:
        """Whether the other one lies inside."""
        return (
            other.top >= self.top
            and other.left >= self.left
            and other.top + other.height <= self.top + self.height
            and other.left + other.width <= self.left + self.width
        )


@dataclass(frozen=True, eq=False)
class Entry:
    """One conditioning. tokens: (B or 1, T, width). options: for the network.

    weight: how much its estimate counts among others', as a number or (B or 1, 1, h, w) inside its region.
    first, last: the highest and lowest noise level at which it counts, rounded as the levels of schedules are.
    """

    tokens: Tensor
    options: Mapping[str, Any] = field(default_factory=dict)
    weight: Tensor | float = 1.0
    region: Region | None = None
    first: float = float("inf")
    last: float = 0.0

    def active(self, sigma: float) -> bool:
        """Whether it counts at a level."""
        return self.last <= sigma <= self.first


def read(conditioning: Sequence[Any], process: Process, latent: Tensor, accepted: frozenset[str]) -> list[Entry]:
    """The entries of a conditioning list for a latent (B, C, H, W).

    accepted: options that the network knows. Raises GraphInvalid for any other that is set.
    """
    return [_read_one(tokens, options, process, latent, accepted) for tokens, options in conditioning]


def facing(entries: Sequence[Entry], others: Sequence[Entry]) -> list[Entry]:
    """The entries, and one more for each of the others' areas in which they have nothing of their own.

    So guidance compares like with like. The new one has the tokens of the smallest area around it, or of an entry for
    the whole picture, but place, time and weight of the other.
    """
    found = list(entries)
    for other in others:
        if other.region is None:
            continue
        around = [entry for entry in found if entry.region and entry.region.holds(other.region)]
        around = sorted(around, key=_cells) or [entry for entry in found if entry.region is None][:1]
        if around and around[0].region != other.region:
            found.append(replace(other, tokens=around[0].tokens, options=around[0].options))
    return found


def _cells(entry: Entry) -> int:
    return entry.region.height * entry.region.width if entry.region else 0


def _read_one(
    tokens: Tensor, options: Mapping[str, Any], process: Process, latent: Tensor, accepted: frozenset[str]
) -> Entry:
    for name, value in options.items():
        if name not in SAMPLING_OPTIONS | FOR_HIDREAM | accepted and value is not None:
            said = f"the conditioning carries {name!r}, which this version cannot act on"
            raise GraphInvalid(
                [Problem(code="unavailable", said=said, fix=FIXES.get(name, "Remove the node that adds it."))]
            )
    mask = _mask(options, latent)
    region = _region(options, mask, latent)
    start, end = options.get("start_percent"), options.get("end_percent")
    return Entry(
        tokens=tokens.to(latent.device),
        options={name: _on(value, latent.device) for name, value in options.items() if name in accepted},
        weight=_weight(options, mask, region, latent),
        region=region,
        first=float("inf") if start is None else rounded(process.at_percent(start)),
        last=0.0 if end is None else rounded(process.at_percent(end)),
    )


def _on(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value


def _mask(options: Mapping[str, Any], latent: Tensor) -> Tensor | None:
    """The mask as (B or 1, 1, H, W) in latent cells."""
    mask = options.get("mask")
    if mask is None:
        return None
    mask = mask.to(latent.device, latent.dtype).reshape(-1, 1, *mask.shape[-2:])
    return mask if mask.shape[-2:] == latent.shape[-2:] else interpolate(mask, size=latent.shape[-2:], mode="bilinear")


def _region(options: Mapping[str, Any], mask: Tensor | None, latent: Tensor) -> Region | None:
    """The area, given in latent cells or in shares of the picture, or the mask's bounds; cut at the picture's edge."""
    height, width = latent.shape[-2:]
    area = options.get("area")
    if mask is not None and options.get("set_area_to_bounds"):
        area = _bounds(mask)
    elif area is not None and area[0] == "percentage":
        shares = [share * side for share, side in zip(area[1:], (height, width) * 2, strict=True)]
        area = (*(max(1, round(size)) for size in shares[:2]), *(round(place) for place in shares[2:]))
    if area is None:
        return None
    tall, wide, top, left = area
    region = Region(min(height - top, tall), min(width - left, wide), top, left)
    if min(region) < 0 or 0 in region[:2]:
        said = (
            f"a conditioning's area (height {tall}, width {wide} at y {top}, x {left}; in cells of 8 pixels) is outside"
        )
        fix = f"Keep it within the picture's {height} by {width} cells."
        raise GraphInvalid([Problem(code="out-of-range", said=f"{said} the picture", fix=fix)])
    return region


def _bounds(mask: Tensor) -> tuple[int, int, int, int]:
    """The smallest area around all of a mask; without anything in it, the smallest area at all."""
    rows, columns = torch.where(mask.abs().amax(dim=(0, 1)) > 0)
    if len(rows) == 0:
        return SMALLEST, SMALLEST, 0, 0
    top, left = int(rows.min()), int(columns.min())
    return max(SMALLEST, int(rows.max()) - top + 1), max(SMALLEST, int(columns.max()) - left + 1), top, left


def _weight(options: Mapping[str, Any], mask: Tensor | None, region: Region | None, latent: Tensor) -> Tensor | float:
    strength: float = options.get("strength", 1.0)
    if mask is not None:
        inside = region.of(mask) if region else mask
        factor: float = options.get("mask_strength", 1.0) * strength
        return inside[: latent.shape[0]] * factor
    if region is None:
        return strength
    down = _fade(region.height, region.top, latent.shape[-2]).to(latent)
    across = _fade(region.width, region.left, latent.shape[-1]).to(latent)
    return (down[:, None] * across[None, :] * strength)[None, None]


def _fade(size: int, start: int, whole: int) -> Tensor:
    """Ones, but rising from an end that is not the picture's edge."""
    steps = min(FADE, size // 4)
    ramp = torch.arange(1, steps + 1) / max(steps, 1)
    weights = torch.ones(size)
    if start != 0:
        weights[:steps] *= ramp
    if start + size < whole:
        weights[size - steps :] *= ramp.flip(0)
    return weights
