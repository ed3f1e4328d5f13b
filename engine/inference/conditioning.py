"""Conditioning: lists of [tokens (B, T, width), options], in the shape that ComfyUI's nodes hand on."""

from collections.abc import Mapping
from typing import Any

import torch

Conditioning = list[Any]


def set_values(conditioning: Conditioning, values: Mapping[str, Any]) -> Conditioning:
    """The same tokens with these options set in every entry."""
    return [[tokens, {**options, **values}] for tokens, options in conditioning]


def zero_out(conditioning: Conditioning) -> Conditioning:
    """Zeros in place of tokens and pooled vectors; other options stay."""
    return [[torch.zeros_like(tokens), _without_pooled(options)] for tokens, options in conditioning]


def _without_pooled(options: Mapping[str, Any]) -> dict[str, Any]:
    pooled = options.get("pooled_output")
    return dict(options) if pooled is None else {**options, "pooled_output": torch.zeros_like(pooled)}
