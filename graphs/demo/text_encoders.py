"""The demo model's two text encoders; module names are the keys of the published CLIP-L and T5 files.

At inference T5's input is padded to 256 tokens without a mask, so the padding takes part in every attention. Training
on 256 tokens would be some twenty times dearer, so a few padding tokens stand for many: a `Padded` batch says at
which position each token stands and how many it counts for, and attention adds the logarithm of that count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphs.demo.vocabulary import USED_CLIP_IDS, USED_T5_IDS

CLIP_VOCABULARY, CLIP_CONTEXT, CLIP_WIDTH, CLIP_LAYERS = 49408, 77, 64, 2
T5_VOCABULARY, T5_WIDTH, T5_HEADS, T5_KEY, T5_INNER, T5_LAYERS = 32128, 64, 1, 64, 128, 2
T5_BUCKETS, T5_FAR = 32, 128
T5_LENGTH = 256


@dataclass(frozen=True)
class Padded:
    """T5 token ids (B, L), the position of each, and the logarithm of how many equal tokens each stands for."""

    ids: Tensor
    positions: Tensor
    log_counts: Tensor


@cache
def _stand_ins(length: int, slots: int) -> tuple[list[int], list[int]]:
    """Positions and counts of `slots` padding tokens that stand for positions length..255, denser near the text."""
    total = T5_LENGTH - length
    edges = [round((total + 1) ** (i / slots)) - 1 for i in range(slots + 1)]
    for i in range(1, slots + 1):
        edges[i] = max(edges[i], edges[i - 1] + 1)
    edges[-1] = total
    counts = [b - a for a, b in zip(edges, edges[1:], strict=False)]
    return [length + (a + b - 1) // 2 for a, b in zip(edges, edges[1:], strict=False)], counts


def pad_tokens(texts: list[list[int]], width: int = T5_LENGTH) -> Padded:
    """Token lists (end token included) as one batch of `width` tokens that behaves like 256."""
    ids = torch.zeros(len(texts), width, dtype=torch.long)
    positions = torch.arange(width).repeat(len(texts), 1)
    counts = torch.ones(len(texts), width)
    for row, tokens in enumerate(texts):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        if width < T5_LENGTH:
            where, how_many = _stand_ins(len(tokens), width - len(tokens))
            positions[row, len(tokens) :] = torch.tensor(where)
            counts[row, len(tokens) :] = torch.tensor(how_many, dtype=torch.float32)
    return Padded(ids, positions, counts.log())


class TokenTable(nn.Module):
    """An embedding that holds only the rows of known tokens; all other tokens are zero."""

    slots: Tensor

    def __init__(self, vocabulary: int, known: tuple[int, ...], width: int, deviation: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(len(known), width) * deviation)
        self.known = list(known)
        slots = torch.full((vocabulary,), len(known))
        slots[self.known] = torch.arange(len(known))
        self.register_buffer("slots", slots, persistent=False)

    def _rows(self) -> Tensor:
        return F.pad(self.weight, (0, 0, 0, 1))

    def forward(self, ids: Tensor) -> Tensor:
        """Ids of the full vocabulary to vectors."""
        return F.embedding(self.slots[ids], self._rows())

    def full(self) -> Tensor:
        """The table as a file stores it, one row per token of the vocabulary."""
        return self._rows()[self.slots]


class RMSNorm(nn.Module):
    """T5's norm: no mean, no bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Unit mean square times the weight."""
        return self.weight * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


def relative_buckets(positions: Tensor) -> Tensor:
    """(B, L) positions to (B, L, L) bucket numbers: exact up to 8 either way, then logarithmic up to 128."""
    distance = positions[:, None, :] - positions[:, :, None]
    half, exact = T5_BUCKETS // 2, T5_BUCKETS // 4
    size = distance.abs()
    far = exact + (torch.log(size.clamp(min=1) / exact) / math.log(T5_FAR / exact) * (half - exact)).long()
    near = torch.where(size < exact, size, far.clamp(max=half - 1))
    return near + half * (distance > 0)


class T5SelfAttention(nn.Module):
    """T5 attention: unscaled, with a learned bias by distance in the first block."""

    def __init__(self, first: bool) -> None:
        super().__init__()
        inner = T5_HEADS * T5_KEY
        self.q, self.k, self.v = (nn.Linear(T5_WIDTH, inner, bias=False) for _ in range(3))
        self.o = nn.Linear(inner, T5_WIDTH, bias=False)
        nn.init.normal_(self.q.weight, std=(T5_WIDTH * T5_KEY) ** -0.5)
        if first:
            self.relative_attention_bias = nn.Embedding(T5_BUCKETS, T5_HEADS)
            nn.init.normal_(self.relative_attention_bias.weight, std=0.5)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Mix the tokens."""
        b, length, _ = x.shape
        q, k, v = (p(x).view(b, length, T5_HEADS, T5_KEY).transpose(1, 2) for p in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=1.0)
        return self.o(mixed.transpose(1, 2).reshape(b, length, -1))


class T5Attention(nn.Module):
    """Norm, attention, residual."""

    def __init__(self, first: bool) -> None:
        super().__init__()
        self.SelfAttention, self.layer_norm = T5SelfAttention(first), RMSNorm(T5_WIDTH)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """One residual step."""
        return x + self.SelfAttention(self.layer_norm(x), bias)


class T5Gate(nn.Module):
    """The gated feed-forward pair."""

    def __init__(self) -> None:
        super().__init__()
        self.wi_0, self.wi_1 = (nn.Linear(T5_WIDTH, T5_INNER, bias=False) for _ in range(2))
        self.wo = nn.Linear(T5_INNER, T5_WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """gelu(one) times the other."""
        return self.wo(F.gelu(self.wi_0(x), approximate="tanh") * self.wi_1(x))


class T5FeedForward(nn.Module):
    """Norm, gate, residual."""

    def __init__(self) -> None:
        super().__init__()
        self.DenseReluDense, self.layer_norm = T5Gate(), RMSNorm(T5_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """One residual step."""
        return x + self.DenseReluDense(self.layer_norm(x))


class T5Block(nn.Module):
    """Attention, then feed-forward."""

    def __init__(self, first: bool) -> None:
        super().__init__()
        self.layer = nn.ModuleList([T5Attention(first), T5FeedForward()])

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Both residual steps."""
        return self.layer[1](self.layer[0](x, bias))


class T5Stack(nn.Module):
    """The blocks and the last norm."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.ModuleList(T5Block(i == 0) for i in range(T5_LAYERS))
        self.final_layer_norm = RMSNorm(T5_WIDTH)


class T5Encoder(nn.Module):
    """Token ids to one vector per token."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = TokenTable(T5_VOCABULARY, USED_T5_IDS, T5_WIDTH, deviation=1.0)
        self.encoder = T5Stack()

    def forward(self, batch: Padded) -> Tensor:
        """(B, L, 64)."""
        first = self.encoder.block[0].layer[0].SelfAttention
        bias = first.relative_attention_bias(relative_buckets(batch.positions)).permute(0, 3, 1, 2)
        bias = bias + batch.log_counts[:, None, None, :]
        x = self.shared(batch.ids)
        for block in self.encoder.block:
            x = block(x, bias)
        return self.encoder.final_layer_norm(x)


class ClipAttention(nn.Module):
    """Causal attention with one head of 64."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(CLIP_WIDTH, CLIP_WIDTH) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """Mix each token with those before it."""
        q, k, v = (p(x).unsqueeze(1) for p in (self.q_proj, self.k_proj, self.v_proj))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, is_causal=True).squeeze(1))


class ClipMLP(nn.Module):
    """Two layers around CLIP's quick gelu."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(CLIP_WIDTH, 4 * CLIP_WIDTH), nn.Linear(4 * CLIP_WIDTH, CLIP_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """x * sigmoid(1.702 x) in the middle."""
        h = self.fc1(x)
        return self.fc2(h * torch.sigmoid(1.702 * h))


class ClipLayer(nn.Module):
    """Attention and MLP, each behind a norm and beside a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(CLIP_WIDTH), nn.LayerNorm(CLIP_WIDTH)
        self.self_attn, self.mlp = ClipAttention(), ClipMLP()

    def forward(self, x: Tensor) -> Tensor:
        """Both residual steps."""
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class ClipEmbeddings(nn.Module):
    """Token and position tables."""

    def __init__(self) -> None:
        super().__init__()
        self.token_embedding = TokenTable(CLIP_VOCABULARY, USED_CLIP_IDS, CLIP_WIDTH, deviation=0.5)
        self.position_embedding = nn.Embedding(CLIP_CONTEXT, CLIP_WIDTH)
        nn.init.normal_(self.position_embedding.weight, std=0.2)


class ClipStack(nn.Module):
    """The layers in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(ClipLayer() for _ in range(CLIP_LAYERS))


class ClipText(nn.Module):
    """Embeddings, layers, last norm."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings, self.encoder = ClipEmbeddings(), ClipStack()
        self.final_layer_norm = nn.LayerNorm(CLIP_WIDTH)


class ClipEncoder(nn.Module):
    """Token ids to one vector per text: the last hidden state at the first end token."""

    def __init__(self) -> None:
        super().__init__()
        self.text_model = ClipText()

    def forward(self, ids: Tensor, ends: Tensor) -> Tensor:
        """(B, 64). `ends` is the index of the end token; what follows it cannot matter, attention is causal."""
        text = self.text_model
        x = text.embeddings.token_embedding(ids) + text.embeddings.position_embedding.weight[: ids.shape[1]]
        for layer in text.encoder.layers:
            x = layer(x)
        return text.final_layer_norm(x)[torch.arange(len(ids)), ends]
