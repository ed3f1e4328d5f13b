"""Train the transformer and both text encoders on the written encoder's latents, as a rectified flow."""

from __future__ import annotations

from pathlib import Path
from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor

from graphs.demo.dataset import Dataset
from graphs.demo.pictures import PHRASINGS, Scene, caption
from graphs.demo.sampling import Painter, shifted
from graphs.demo.training import Schedule, Trainer

BATCH = 64
TEXT_LENGTH = 14
EMPTY = 0.1
GUIDANCE_RANGE = (1.0, 6.0)


def random_times(count: int) -> Tensor:
    """Times as dense as the sampler's own, half of them drawn to the middle, evenly spread within the batch."""
    even = (torch.randperm(count) + torch.rand(count)) / count
    middle = torch.sigmoid(torch.randn(count))
    return shifted(torch.where(torch.rand(count) < 0.5, even, middle)).clamp(1e-4, 1)


def _say(scene: Scene, rng: Random) -> str:
    if rng.random() < EMPTY:
        return ""
    return caption(scene, rng.choices(range(PHRASINGS), (6, 2, 2))[0])


def flow_loss(painter: Painter, data: Dataset, rng: Random, batch: int, text_length: int) -> Tensor:
    """Mean squared error of the velocity on one random batch."""
    index = torch.randint(len(data.scenes), (batch,))
    latents = data.latents[index]
    text, pooled, log_counts = painter.encode([_say(data.scenes[i], rng) for i in index.tolist()], text_length)
    noise, time = torch.randn_like(latents), random_times(batch)
    mix = time[:, None, None, None]
    low, high = GUIDANCE_RANGE
    guidance = low + (high - low) * torch.rand(batch)
    velocity = painter.flux((1 - mix) * latents + mix * noise, time, guidance, text, pooled, log_counts)
    return F.mse_loss(velocity, noise - latents)


def train_flow(data: Dataset, folder: Path, steps: int, seed: int, rate: float = 2e-3) -> Trainer[Painter]:
    """Text encoders and transformer together."""
    torch.manual_seed(seed)
    painter = Painter()
    trainer = Trainer("flow", painter, Schedule(steps, rate), folder, seed)
    trainer.resume()
    trainer.run(lambda rng: flow_loss(painter, data, rng, BATCH, TEXT_LENGTH))
    trainer.use_average()
    return trainer
