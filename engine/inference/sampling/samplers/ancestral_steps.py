"""How a step that adds noise divides: down to a lower level without noise, then up with fresh noise."""

import math
from typing import NamedTuple

import torch


class Split(NamedTuple):
    """down: the level to step to. up: the strength of the noise that leads back to the level wanted."""

    down: float
    up: float


class FlowSplit(NamedTuple):
    """As Split; keep: what the latent is multiplied by before the noise is added, for a flow has alpha + sigma = 1."""

    down: float
    keep: float
    up: float


def split(now: float, after: float, eta: float) -> Split:
    """Divide the variance-exploding step from `now` to `after` (ancestral sampling; DDPM at eta 1, DDIM at eta 0).

    From an infinite level (a flow's alpha is 0 there) all of the next level is new noise, whatever eta, as in ComfyUI.
    A rising step adds none. In float32, because ComfyUI's is: where the levels are far apart `down` is the root of a
    difference that has lost most of its digits, and pictures show what is left.
    """
    if not eta:
        return Split(after, 0.0)
    if math.isinf(now):
        return Split(0.0, after)
    start, end = torch.tensor(now), torch.tensor(after)
    up = torch.minimum(end, eta * (end**2 * (start**2 - end**2) / start**2).clamp(min=0.0).sqrt())
    return Split(float((end**2 - up**2).clamp(min=0.0).sqrt()), float(up))


def split_flow(now: float, after: float, eta: float) -> FlowSplit:
    """Divide a flow's step from `now` to `after`, so that alpha and sigma are right after the noise is added.

    In float32 like `split`.
    """
    start, end = torch.tensor(now), torch.tensor(after)
    down = end * (1.0 + (end / start - 1.0) * eta)
    keep = (1.0 - end) / (1.0 - down)
    up = (end**2 - (down * keep) ** 2).clamp(min=0.0).sqrt()
    return FlowSplit(float(down), float(keep), float(up))
