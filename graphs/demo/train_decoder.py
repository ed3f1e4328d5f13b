"""Train the decoder against the written encoder."""

from __future__ import annotations

from pathlib import Path
from random import Random

import torch
from torch import Tensor

from graphs.demo.autoencoder import SCALE, SHIFT, Decoder, quiet_residuals
from graphs.demo.dataset import Dataset, to_signal
from graphs.demo.training import Schedule, Trainer

BATCH = 8
NOISE = 0.2


def train_decoder(data: Dataset, folder: Path, steps: int, seed: int) -> Trainer[Decoder]:
    """A decoder that also forgives what the transformer gets slightly wrong: its latents are shaken while training."""
    torch.manual_seed(seed)
    decoder = Decoder()
    quiet_residuals(decoder)
    decoder.to(memory_format=torch.channels_last)
    trainer = Trainer("decoder", decoder, Schedule(steps, rate=2e-3, warmup=50), folder, seed, decay=0.99)
    trainer.resume()

    def loss(rng: Random) -> Tensor:
        index = torch.tensor(rng.sample(range(len(data.scenes)), BATCH))
        wanted, latents = to_signal(data.pictures[index]), data.latents[index]
        strength = NOISE * torch.rand(BATCH, 1, 1, 1)
        made = decoder((latents + strength * torch.randn_like(latents)) / SCALE + SHIFT)
        return (made - wanted).abs().mean() + (made - wanted).square().mean()

    trainer.run(loss)
    trainer.use_average()
    return trainer
