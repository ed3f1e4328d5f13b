"""A small reference pipeline: what `euler`, `simple`, cfg 1 and guidance 3.5 do with the demo model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from graphs.demo.autoencoder import LATENT_CHANNELS, SCALE, SHIFT
from graphs.demo.flux import Flux
from graphs.demo.text_encoders import CLIP_WIDTH, T5_LENGTH, T5_WIDTH, ClipEncoder, T5Encoder, pad_tokens
from graphs.demo.vocabulary import CLIP_END, clip_ids, t5_ids

TIME_SHIFT = 1.15
TABLE = 10_000
GUIDANCE = 3.5


class Painter(nn.Module):
    """Text encoders and transformer, trained as one."""

    def __init__(self) -> None:
        super().__init__()
        self.clip, self.t5, self.flux = ClipEncoder(), T5Encoder(), Flux(T5_WIDTH, CLIP_WIDTH)

    def encode(self, captions: list[str], text_length: int = T5_LENGTH) -> tuple[Tensor, Tensor, Tensor | None]:
        """Text vectors, pooled vectors, and how much each text token counts (nothing at full length)."""
        clip = [clip_ids(c) for c in captions]
        longest = max(map(len, clip))
        ids = torch.tensor([c + [CLIP_END] * (longest - len(c)) for c in clip])
        pooled = self.clip(ids, torch.tensor([len(c) - 1 for c in clip]))
        padded = pad_tokens([t5_ids(c) for c in captions], text_length)
        return self.t5(padded), pooled, padded.log_counts if text_length < T5_LENGTH else None


def shifted(time: Tensor) -> Tensor:
    """Flux's time shift of 1.15, towards noise."""
    factor = math.exp(TIME_SHIFT)
    return factor * time / (1 + (factor - 1) * time)


def simple_sigmas(steps: int) -> Tensor:
    """The `simple` schedule: every n-th of ten thousand shifted times, then zero."""
    table = shifted(torch.arange(1, TABLE + 1, dtype=torch.float64) / TABLE)
    picked = [table[-(1 + int(i * TABLE / steps))].item() for i in range(steps)]
    return torch.tensor([*picked, 0.0], dtype=torch.float32)


@dataclass(frozen=True)
class Job:
    """What to paint: one caption and one seed per picture."""

    captions: list[str]
    seeds: list[int]
    steps: int = 20
    side: int = 8
    text_length: int = T5_LENGTH


@torch.no_grad()
def sample_latents(painter: Painter, job: Job) -> Tensor:
    """Euler from pure noise; the noise of each picture is that of its seed alone."""
    shape = (1, LATENT_CHANNELS, job.side, job.side)
    x = torch.cat([torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in job.seeds])
    text, pooled, log_counts = painter.encode(job.captions, job.text_length)
    guidance = torch.full((len(x),), GUIDANCE)
    sigmas = simple_sigmas(job.steps)
    for now, then in zip(sigmas, sigmas[1:], strict=False):
        x = x + (then - now) * painter.flux(x, now.expand(len(x)), guidance, text, pooled, log_counts)
    return x


def to_levels(signal: Tensor) -> np.ndarray:
    """(B, 3, H, W) in -1..1 to (B, H, W, 3) uint8, truncated as the PNG of the reference is."""
    return (255 * ((signal + 1) / 2).clamp(0, 1)).permute(0, 2, 3, 1).byte().numpy()


@torch.no_grad()
def decode(decoder: nn.Module, latents: Tensor) -> np.ndarray:
    """Pictures of latents in the transformer's units. The decoder sees what the file's units make of them."""
    return to_levels(decoder(latents / SCALE + SHIFT))
