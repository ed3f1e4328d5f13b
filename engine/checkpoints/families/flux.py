"""Flux.1: the diffusion transformer of Black Forest Labs (dev, schnell, fill, canny, depth, kontext)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FluxSizes:
    """All that shapes tell about a Flux transformer.

    head_dim: of the rotary axes 1/8, 7/16, 7/16 each. in_channels: after 2×2 patching (64; canny and depth 128, fill
    384). text_width: of T5's output; pooled_width: of CLIP's. mlp_width: inner width of the feed-forward. guided: has a
    guidance embedding (dev), or not (schnell).
    """

    hidden: int
    head_dim: int
    heads: int
    double_blocks: int
    single_blocks: int
    in_channels: int
    out_channels: int
    text_width: int
    pooled_width: int
    mlp_width: int
    guided: bool
