"""Guidance: estimates under one or several conditionings, joined to the one that a sampler follows."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from engine.inference.sampling.entries import Entry
from engine.inference.sampling.processes import Process

Predict = Callable[[Tensor, float, Tensor, Mapping[str, Any]], Tensor]
"""(latent, sigma, tokens, options) to the estimate of the clean latent: the network, seen without any family."""

TOGETHER = 4
"""Conditionings evaluated in one batch at most: weights are decoded once for all, activations are held for each."""

NOTHING = 1e-37
"""The weight that a place without any conditioning has, so that its estimate is 0 and not 0/0."""


class Guidance:
    """Classifier-free guidance (arXiv:2207.12598) over lists of conditionings. A Denoiser."""

    def __init__(
        self,
        process: Process,
        predict: Predict,
        positive: Sequence[Entry],
        negative: Sequence[Entry] | None,
        cfg: float,
    ) -> None:
        """negative None: there is none, and cfg does not matter. cfg 1 needs no negative estimate either."""
        self.process, self._predict, self._cfg = process, predict, cfg
        self._positive, self._negative = positive, negative
        self._batches: dict[tuple[int, ...], tuple[Tensor, Mapping[str, Any]]] = {}

    def __call__(self, latent: Tensor, sigma: float) -> Tensor:
        """See Denoiser."""
        if self._negative is None or math.isclose(self._cfg, 1.0):
            return self._estimates(latent, sigma, [self._positive])[0]
        return self.both(latent, sigma)[0]

    def both(self, latent: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """See Denoiser."""
        if self._negative is None:
            return self(latent, sigma), torch.zeros_like(latent)
        towards, away = self._estimates(latent, sigma, [self._positive, self._negative])
        return away + (towards - away) * self._cfg, away

    def _estimates(self, latent: Tensor, sigma: float, sides: Sequence[Sequence[Entry]]) -> list[Tensor]:
        """One estimate for each list of entries, from as few evaluations as fit."""
        active = [[entry for entry in side if entry.active(sigma)] for side in sides]
        seen = self._evaluate(latent, sigma, [entry for side in active for entry in side])
        return [_join(latent, side, seen) for side in active]

    def _evaluate(self, latent: Tensor, sigma: float, entries: Sequence[Entry]) -> dict[Entry, Tensor]:
        groups: dict[tuple[Any, ...], list[Entry]] = {}
        for entry in entries:
            groups.setdefault(_kind(entry), []).append(entry)
        seen: dict[Entry, Tensor] = {}
        for group in groups.values():
            for start in range(0, len(group), TOGETHER):
                batch = group[start : start + TOGETHER]
                inputs = [entry.region.of(latent) if entry.region else latent for entry in batch]
                tokens, options = self._stacked(batch, latent.shape[0])
                stacked = torch.cat(inputs) if len(inputs) > 1 else inputs[0]
                estimates = self._predict(stacked, sigma, tokens, options)
                seen.update(zip(batch, estimates.chunk(len(batch)), strict=True))
        return seen

    def _stacked(self, batch: Sequence[Entry], size: int) -> tuple[Tensor, Mapping[str, Any]]:
        """Tokens and options of a batch, for `size` latents each; kept from step to step."""
        key = (size, *(id(entry) for entry in batch))
        if key not in self._batches:
            tokens = torch.cat([_repeated(entry.tokens, size) for entry in batch])
            options = {
                name: torch.cat([_repeated(entry.options[name], size) for entry in batch])
                if isinstance(value, Tensor)
                else value
                for name, value in batch[0].options.items()
            }
            self._batches[key] = tokens, options
        return self._batches[key]


def _kind(entry: Entry) -> tuple[Any, ...]:
    """Equal for entries that one batch can hold."""
    options = [
        (name, tuple(value.shape[1:]) if isinstance(value, Tensor) else repr(value))
        for name, value in sorted(entry.options.items())
    ]
    return (entry.region[:2] if entry.region else None, tuple(entry.tokens.shape[1:]), *options)


def _repeated(tensor: Tensor, size: int) -> Tensor:
    """The first `size` of the batch, begun again from the front if it is shorter."""
    if tensor.shape[0] < size:
        tensor = tensor.repeat(math.ceil(size / tensor.shape[0]), *[1] * (tensor.ndim - 1))
    return tensor[:size]


def _join(latent: Tensor, entries: Sequence[Entry], seen: Mapping[Entry, Tensor]) -> Tensor:
    """The mean of estimates by their weights; 0 where there is none."""
    if len(entries) == 1 and entries[0].region is None and isinstance(entries[0].weight, float):
        return seen[entries[0]] if entries[0].weight else torch.zeros_like(latent)
    total = torch.zeros_like(latent)
    weights = torch.full_like(latent[:, :1], NOTHING)
    for entry in entries:
        part, counted = (entry.region.of(whole) if entry.region else whole for whole in (total, weights))
        part += seen[entry] * entry.weight
        counted += entry.weight
    return total / weights
