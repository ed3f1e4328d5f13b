"""T5's encoder, version 1.1 (Raffel et al. 2020, arXiv:1910.10683; gated feed-forward), with Hugging Face's names."""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.families.t5 import T5Sizes
from engine.inference.encoders.contract import Taken, Vectors, until
from engine.inference.layers.embedding import Embedding
from engine.inference.layers.linear import PackedLinear
from engine.inference.layers.norms import RmsNorm

LONGEST_DISTANCE = 128
"""Relative positions from here on share one bucket."""


def buckets_of(distance: Tensor, buckets: int) -> Tensor:
    """The table row of each relative position (key minus query).

    Half of the rows serve positive distances. Of each half, the first half counts single steps, the rest grows
    logarithmically up to LONGEST_DISTANCE.
    """
    half = buckets // 2
    exact = half // 2
    away = distance.abs()
    ratio = torch.log(away.clamp(min=1).float() / exact) / math.log(LONGEST_DISTANCE / exact)
    far = (exact + (ratio * (half - exact)).long()).clamp(max=half - 1)
    return (distance > 0) * half + torch.where(away < exact, away, far)


class T5Attention(nn.Module):
    """Attention without scaling; positions enter as a bias, which the first block owns and all use."""

    def __init__(self, sizes: T5Sizes, biased: bool) -> None:
        """biased: owns the table of relative positions."""
        super().__init__()
        inner = sizes.heads * sizes.head_width
        self.heads = sizes.heads
        self.q, self.k, self.v = (PackedLinear(sizes.width, inner, bias=False) for _ in range(3))
        self.o = PackedLinear(inner, sizes.width, bias=False)
        self.relative_attention_bias = Embedding(sizes.buckets, sizes.heads) if biased else None

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, T, width), bias (1 or B, heads, T, T) → (B, T, width)."""
        query, key, value = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.q, self.k, self.v)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=1.0)
        return self.o(mixed.transpose(1, 2).flatten(2))

    def bias(self, tokens: int, dtype: torch.dtype, device: torch.device) -> Tensor:
        """(1, heads, T, T) for a sequence of T tokens. Only for the block that owns the table."""
        if self.relative_attention_bias is None:
            raise RuntimeError("this block of T5 has no table of relative positions")
        at = torch.arange(tokens, device=device)
        rows = buckets_of(at[None, :] - at[:, None], self.relative_attention_bias.entries)
        return self.relative_attention_bias(rows, dtype).permute(2, 0, 1)[None].contiguous()


class T5GatedFeedForward(nn.Module):
    """GELU of one projection times another."""

    def __init__(self, sizes: T5Sizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.wi_0, self.wi_1 = (PackedLinear(sizes.width, sizes.feed_forward, bias=False) for _ in range(2))
        self.wo = PackedLinear(sizes.feed_forward, sizes.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → (B, T, width)."""
        return self.wo(functional.gelu(self.wi_0(x), approximate="tanh").mul_(self.wi_1(x)))


class T5AttentionLayer(nn.Module):
    """Attention behind its norm."""

    def __init__(self, sizes: T5Sizes, biased: bool) -> None:
        """biased: owns the table of relative positions."""
        super().__init__()
        self.SelfAttention = T5Attention(sizes, biased)
        self.layer_norm = RmsNorm(sizes.width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, T, width) → (B, T, width)."""
        return x + self.SelfAttention(self.layer_norm(x), bias)


class T5FeedForwardLayer(nn.Module):
    """Feed-forward behind its norm."""

    def __init__(self, sizes: T5Sizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.DenseReluDense = T5GatedFeedForward(sizes)
        self.layer_norm = RmsNorm(sizes.width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → (B, T, width)."""
        return x + self.DenseReluDense(self.layer_norm(x))


class T5Block(nn.Module):
    """Attention, then feed-forward."""

    def __init__(self, sizes: T5Sizes, biased: bool) -> None:
        """biased: owns the table of relative positions."""
        super().__init__()
        self.layer = nn.ModuleList((T5AttentionLayer(sizes, biased), T5FeedForwardLayer(sizes)))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, T, width) → (B, T, width)."""
        return self.layer[1](self.layer[0](x, bias))


class T5Stack(nn.Module):
    """The blocks and a last norm."""

    def __init__(self, sizes: T5Sizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.block = nn.ModuleList(T5Block(sizes, biased=number == 0) for number in range(sizes.layers))
        self.final_layer_norm = RmsNorm(sizes.width)

    def forward(self, x: Tensor, ends: Tensor, taken: Taken) -> Tensor:
        """(B, T, width) → (B, T, width). ends, taken: see TextNetwork."""
        first = cast(T5AttentionLayer, cast(T5Block, self.block[0]).layer[0])
        bias = first.SelfAttention.bias(x.shape[1], x.dtype, x.device)
        if taken.masked:
            bias = bias.masked_fill(~until(ends, x.shape[1])[:, None, None, :], -math.inf)
        number = taken.number(len(self.block))
        for block in self.block if number is None else self.block[: number + 1]:
            x = block(x, bias)
        return self.final_layer_norm(x) if number is None or taken.normed else x


class T5(nn.Module):
    """Tokens become one vector each; padding is attended to like words unless it is masked."""

    def __init__(self, sizes: T5Sizes) -> None:
        """Structure only; weights are filled in later."""
        super().__init__()
        self.sizes = sizes
        self.shared = Embedding(sizes.tokens, sizes.width)
        self.encoder = T5Stack(sizes)

    def forward(self, ids: Tensor, dtype: torch.dtype, ends: Tensor, taken: Taken) -> Vectors:
        """See TextNetwork. T5 pools nothing."""
        return Vectors(self.encoder(self.shared(ids, dtype), ends, taken), None)
