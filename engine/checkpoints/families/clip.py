"""CLIP text encoders: L (Flux, SD 1.x), H (SD 2.x) and G (SDXL, SD3), in Hugging Face and OpenCLIP key layout."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ClipSizes:
    """All that shapes tell about a CLIP text encoder.

    tokens: size of the vocabulary. positions: longest prompt in tokens, start and end included. heads: width / 64.
    projection: the file carries the matrix behind the pooled output.
    """

    width: int
    layers: int
    feed_forward: int
    tokens: int
    positions: int
    heads: int
    activation: Literal["quick_gelu", "gelu"]
    projection: bool
