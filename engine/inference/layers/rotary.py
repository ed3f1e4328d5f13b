"""Rotary position embedding over several axes (Su et al. 2021, arXiv:2104.09864), pairs of neighbouring values."""

from collections.abc import Sequence

import torch
from torch import Tensor

THETA = 10_000.0


def turns(positions: Tensor, axes: Sequence[int]) -> Tensor:
    """One unit complex number per pair of values of a head.

    positions: (T, len(axes)) coordinates. axes: how many values of the head each axis turns, all even.
    Returns (T, sum(axes) / 2) complex64; the angles are computed in float64.
    """
    angles = []
    for axis, width in enumerate(axes):
        speed = THETA ** -(torch.arange(0, width, 2, dtype=torch.float64, device=positions.device) / width)
        angles.append(torch.outer(positions[:, axis].to(torch.float64), speed))
    angle = torch.cat(angles, dim=1)
    return torch.polar(torch.ones_like(angle), angle).to(torch.complex64)


def turn(x: Tensor, by: Tensor) -> Tensor:
    """Turn every pair of neighbouring values of each head; a float32 `x` is changed in place.

    x: (B, T, heads, head_dim). by: (T, head_dim / 2) from `turns`.
    """
    wide = x.float()
    torch.view_as_complex(wide.view(*wide.shape[:-1], -1, 2)).mul_(by[:, None, :])
    return wide.to(x.dtype)
