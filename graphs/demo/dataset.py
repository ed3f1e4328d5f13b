"""The drawn pictures as tensors: made once from a seed, then drawn from by index."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from torch import Tensor

from graphs.demo.pictures import Scene, draw, random_scene
from graphs.demo.written_encoder import Components, find_components, project

COMPONENT_PICTURES = 3000


@dataclass(frozen=True)
class Dataset:
    """Scenes, their pictures (uint8, channels first), latents in the transformer's units, and the encoder's map."""

    scenes: list[Scene]
    pictures: Tensor
    latents: Tensor
    components: Components


def to_signal(pictures: Tensor) -> Tensor:
    """uint8 levels to -1..1."""
    return pictures.float() / 127.5 - 1


def make_dataset(count: int, seed: int) -> Dataset:
    """`count` pictures of random scenes; everything follows from the seed."""
    rng = Random(seed)
    scenes = [random_scene(rng) for _ in range(count)]
    pictures = torch.from_numpy(np.stack([draw(s) for s in scenes])).permute(0, 3, 1, 2).contiguous()
    components = find_components(to_signal(pictures[:COMPONENT_PICTURES]))
    latents = torch.cat([project(to_signal(part), components) for part in pictures.split(500)])
    return Dataset(scenes, pictures, latents, components)
