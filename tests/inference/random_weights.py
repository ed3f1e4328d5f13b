"""Networks with random weights of a sane size, the same on every run."""

import math
from typing import TypeVar

import torch
from torch import Tensor, nn

from engine.inference.weights.assembly import Terms, assemble, slots
from engine.inference.weights.stored import plain

N = TypeVar("N", bound=nn.Module)


def random_tensors(network: nn.Module, seed: int = 0) -> dict[str, Tensor]:
    """A value for every parameter: matrices scaled by their width, norms around 1, biases small."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, slot in slots(network):
        values = torch.randn(slot.shape, generator=generator)
        if len(slot.shape) == 1:
            found[name] = values * 0.1 + (1.0 if "norm" in name and not name.endswith("bias") else 0.0)
        else:
            found[name] = values / math.sqrt(math.prod(slot.shape[1:]))
    return found


def with_random_weights(network: N, seed: int = 0) -> tuple[N, dict[str, Tensor]]:
    """The network, filled, and what it was filled with."""
    tensors = random_tensors(network, seed)
    assemble(network, plain(tensors), "random", Terms(torch.float32))
    return network, tensors
