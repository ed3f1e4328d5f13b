"""Sinusoidal embedding of a number, as diffusion networks are told their noise level."""

import math

import torch
from torch import Tensor

LONGEST_PERIOD = 10_000.0


def embed_number(value: Tensor, width: int, factor: float = 1000.0) -> Tensor:
    """(B,) → (B, width) float32: cosines, then sines, of value × factor at falling speeds.

    In float32 whatever the network computes in: bfloat16 would round 1000 × 0.123 to whole numbers.
    """
    half = width // 2
    speeds = torch.exp(-math.log(LONGEST_PERIOD) / half * torch.arange(half, dtype=torch.float32, device=value.device))
    angles = value.float()[:, None] * factor * speeds
    return torch.cat((angles.cos(), angles.sin()), dim=-1)
