"""Llama 3 (Dubey et al. 2024, arXiv:2407.21783) as a text encoder, with Hugging Face's names.

Rotations are not stretched for long texts as Llama 3.1 has it, since ComfyUI does not stretch them.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.families.llama import HEAD_WIDTH, LlamaSizes
from engine.inference.encoders.contract import Taken, Vectors, until
from engine.inference.layers.embedding import Embedding
from engine.inference.layers.linear import PackedLinear
from engine.inference.layers.norms import RmsNorm

EPS = 1e-5
SLOWEST = 500_000.0
"""Base of the rotations' wavelengths: they grow towards this, times two pi."""


def rotations(length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines by which the pairs of a head are turned (Su et al. 2021, arXiv:2104.09864), (T, 64) each."""
    exponents = torch.arange(0, HEAD_WIDTH, 2, device=device).float() / HEAD_WIDTH
    angles = torch.arange(length, device=device).float()[:, None] * (1.0 / SLOWEST**exponents)
    return angles.cos(), angles.sin()


def rotated(x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """(B, heads, T, 128) → the same, each value turned against the one half a head away."""
    cosines, sines = (each.to(x.dtype) for each in turns)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), dim=-1)


def halved(x: Tensor) -> Tensor:
    """(..., 128) with pairs side by side, as llama.cpp orders them → the same with pairs half a head apart."""
    return torch.cat((x[..., 0::2], x[..., 1::2]), dim=-1)


class LlamaAttention(nn.Module):
    """Attention in which several queries share a key, positions entering as rotations."""

    def __init__(self, sizes: LlamaSizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.paired, self.queries_per_key = sizes.paired, sizes.heads // sizes.shared_heads
        inner, shared = sizes.heads * HEAD_WIDTH, sizes.shared_heads * HEAD_WIDTH
        self.q_proj = PackedLinear(sizes.width, inner, bias=False)
        self.k_proj, self.v_proj = (PackedLinear(sizes.width, shared, bias=False) for _ in range(2))
        self.o_proj = PackedLinear(inner, sizes.width, bias=False)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """(B, T, width) → (B, T, width). turns: see `rotations`. mask: (B, 1, T, T) bool, who attends to whom."""
        query, key, value = (self._heads(part(x)) for part in (self.q_proj, self.k_proj, self.v_proj))
        query, key = (rotated(halved(part) if self.paired else part, turns) for part in (query, key))
        key, value = (part.repeat_interleave(self.queries_per_key, dim=1) for part in (key, value))
        mixed = functional.scaled_dot_product_attention(query, key, value, mask)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))

    @staticmethod
    def _heads(x: Tensor) -> Tensor:
        """(B, T, heads * 128) → (B, heads, T, 128)."""
        return x.view(*x.shape[:2], -1, HEAD_WIDTH).transpose(1, 2)


class LlamaMlp(nn.Module):
    """The gated feed-forward."""

    def __init__(self, sizes: LlamaSizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.gate_proj, self.up_proj = (PackedLinear(sizes.width, sizes.feed_forward, bias=False) for _ in range(2))
        self.down_proj = PackedLinear(sizes.feed_forward, sizes.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → (B, T, width)."""
        return self.down_proj(functional.silu(self.gate_proj(x)).mul_(self.up_proj(x)))


class LlamaLayer(nn.Module):
    """Attention and feed-forward, each behind a norm and beside a shortcut."""

    def __init__(self, sizes: LlamaSizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.input_layernorm, self.self_attn = RmsNorm(sizes.width, eps=EPS), LlamaAttention(sizes)
        self.post_attention_layernorm, self.mlp = RmsNorm(sizes.width, eps=EPS), LlamaMlp(sizes)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """(B, T, width) → (B, T, width). turns, mask: see LlamaAttention."""
        x = x + self.self_attn(self.input_layernorm(x), turns, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class LlamaStack(nn.Module):
    """The table of tokens, the layers, and a last norm."""

    def __init__(self, sizes: LlamaSizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.embed_tokens = Embedding(sizes.tokens, sizes.width)
        self.layers = nn.ModuleList(LlamaLayer(sizes) for _ in range(sizes.layers))
        self.norm = RmsNorm(sizes.width, eps=EPS)


class Llama(nn.Module):
    """Tokens become vectors, of which every layer's are kept."""

    def __init__(self, sizes: LlamaSizes) -> None:
        """Structure only; weights are filled in later."""
        super().__init__()
        self.sizes = sizes
        self.model = LlamaStack(sizes)

    def forward(self, ids: Tensor, dtype: torch.dtype, ends: Tensor, taken: Taken) -> Vectors:
        """See TextNetwork; ends are the places of the last words.

        tokens: (B, layers + 1, T, width): what goes into each layer, then what the last norm makes of what comes out,
        whichever layer is asked for. Llama pools nothing.
        """
        length = ids.shape[1]
        mask = torch.ones(len(ids), 1, length, length, dtype=torch.bool, device=ids.device).tril()
        if taken.masked:
            mask &= until(ends, length)[:, None, None, :]
        turns = rotations(length, ids.device)
        x, kept = self.model.embed_tokens(ids, dtype), []
        for layer in self.model.layers:
            kept.append(x)
            x = cast(LlamaLayer, layer)(x, turns, mask)
        return Vectors(torch.stack((*kept, self.model.norm(x)), dim=1), None)
