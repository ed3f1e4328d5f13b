"""The demo model's transformer: the Flux architecture at a small width; module names are the published file's keys."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HIDDEN, HEAD, RATIO = 192, 64, 4
HEADS = HIDDEN // HEAD
DOUBLE, SINGLE = 2, 3
PATCH_CHANNELS = 64
TIME_CHANNELS = 256
AXES = (HEAD // 8, HEAD * 7 // 16, HEAD * 7 // 16)


def sinusoids(value: Tensor) -> Tensor:
    """(B,) numbers around 1 to (B, 256) cosines and sines of a thousand times the number."""
    half = TIME_CHANNELS // 2
    frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)
    angles = 1000.0 * value[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def rotations(height: int, width: int, text: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (text + height*width, 32) of the rotary embedding; text stands at the origin."""
    ids = torch.zeros(text + height * width, 3)
    ids[text:, 1] = torch.arange(height).repeat_interleave(width)
    ids[text:, 2] = torch.arange(width).repeat(height)
    angles = [ids[:, i, None] / 10000 ** (torch.arange(0, axis, 2) / axis) for i, axis in enumerate(AXES)]
    joined = torch.cat(angles, dim=-1)
    return joined.cos(), joined.sin()


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate neighbouring pairs of (B, heads, L, 64)."""
    pairs = x.unflatten(-1, (-1, 2))
    even, odd = pairs[..., 0], pairs[..., 1]
    cos, sin = turn
    return torch.stack([cos * even - sin * odd, sin * even + cos * odd], dim=-1).flatten(-2)


def to_patches(latents: Tensor) -> Tensor:
    """(B, 16, 2h, 2w) to (B, h*w, 64)."""
    b, c, h, w = latents.shape
    return latents.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(b, h * w // 4, 4 * c)


def from_patches(patches: Tensor, height: int, width: int) -> Tensor:
    """(B, h*w, 64) to (B, 16, 2h, 2w)."""
    b = patches.shape[0]
    grid = patches.view(b, height, width, -1, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return grid.reshape(b, -1, 2 * height, 2 * width)


def plain_norm(x: Tensor) -> Tensor:
    """Layer norm without weights."""
    return F.layer_norm(x, (x.shape[-1],), eps=1e-6)


class Embedder(nn.Module):
    """Two layers with silu between."""

    def __init__(self, inside: int) -> None:
        super().__init__()
        self.in_layer, self.out_layer = nn.Linear(inside, HIDDEN), nn.Linear(HIDDEN, HIDDEN)

    def forward(self, x: Tensor) -> Tensor:
        """A vector of the hidden width."""
        return self.out_layer(F.silu(self.in_layer(x)))


class HeadNorm(nn.Module):
    """RMS norm over a head."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(HEAD))

    def forward(self, x: Tensor) -> Tensor:
        """Unit mean square times the scale."""
        return self.scale * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


class QueryKeyNorm(nn.Module):
    """One norm for queries, one for keys."""

    def __init__(self) -> None:
        super().__init__()
        self.query_norm, self.key_norm = HeadNorm(), HeadNorm()


def split_heads(qkv: Tensor, norm: QueryKeyNorm) -> tuple[Tensor, Tensor, Tensor]:
    """(B, L, 3*hidden) to normalised queries and keys, and values, each (B, heads, L, 64)."""
    q, k, v = qkv.unflatten(-1, (3, HEADS, HEAD)).permute(2, 0, 3, 1, 4)
    return norm.query_norm(q), norm.key_norm(k), v


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """(B, heads, L, 64) to (B, L, hidden)."""
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).flatten(2)


class Modulation(nn.Module):
    """Shifts, scales and gates from the conditioning vector; zero at the start."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.lin = nn.Linear(HIDDEN, parts * HIDDEN)
        nn.init.zeros_(self.lin.weight)
        nn.init.zeros_(self.lin.bias)

    def forward(self, vector: Tensor) -> tuple[Tensor, ...]:
        """`parts` tensors (B, 1, hidden)."""
        return self.lin(F.silu(vector))[:, None].chunk(self.parts, dim=-1)


class SelfAttention(nn.Module):
    """The projections of one stream."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(HIDDEN, 3 * HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.norm = QueryKeyNorm()


def _mlp() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(HIDDEN, RATIO * HIDDEN), nn.GELU(approximate="tanh"), nn.Linear(RATIO * HIDDEN, HIDDEN)
    )


class DoubleBlock(nn.Module):
    """Picture and text with weights of their own, attending together."""

    def __init__(self) -> None:
        super().__init__()
        self.img_mod, self.txt_mod = Modulation(6), Modulation(6)
        self.img_attn, self.txt_attn = SelfAttention(), SelfAttention()
        self.img_mlp, self.txt_mlp = _mlp(), _mlp()

    def forward(
        self, img: Tensor, txt: Tensor, vector: Tensor, turn: tuple[Tensor, Tensor], bias: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Both streams, one step further."""
        streams = ((txt, self.txt_mod(vector), self.txt_attn), (img, self.img_mod(vector), self.img_attn))
        heads = [split_heads(a.qkv((1 + m[1]) * plain_norm(x) + m[0]), a.norm) for x, m, a in streams]
        q, k, v = (torch.cat(pair, dim=2) for pair in zip(*heads, strict=True))
        mixed = attend(rotate(q, turn), rotate(k, turn), v, bias).split([txt.shape[1], img.shape[1]], dim=1)
        done = []
        for (x, m, a), part, mlp in zip(streams, mixed, (self.txt_mlp, self.img_mlp), strict=True):
            x = x + m[2] * a.proj(part)
            done.append(x + m[5] * mlp((1 + m[4]) * plain_norm(x) + m[3]))
        return done[1], done[0]


class SingleBlock(nn.Module):
    """One stream, attention and MLP side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.modulation = Modulation(3)
        self.linear1 = nn.Linear(HIDDEN, (3 + RATIO) * HIDDEN)
        self.linear2 = nn.Linear((1 + RATIO) * HIDDEN, HIDDEN)
        self.norm = QueryKeyNorm()

    def forward(self, x: Tensor, vector: Tensor, turn: tuple[Tensor, Tensor], bias: Tensor | None) -> Tensor:
        """The stream, one step further."""
        shift, scale, gate = self.modulation(vector)
        qkv, mlp = self.linear1((1 + scale) * plain_norm(x) + shift).split([3 * HIDDEN, RATIO * HIDDEN], dim=-1)
        q, k, v = split_heads(qkv, self.norm)
        mixed = attend(rotate(q, turn), rotate(k, turn), v, bias)
        return x + gate * self.linear2(torch.cat([mixed, F.gelu(mlp, approximate="tanh")], dim=-1))


class FinalLayer(nn.Module):
    """Modulated norm and the way back to patches."""

    def __init__(self) -> None:
        super().__init__()
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(HIDDEN, 2 * HIDDEN))
        self.linear = nn.Linear(HIDDEN, PATCH_CHANNELS)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """(B, L, 64)."""
        shift, scale = self.adaLN_modulation(vector)[:, None].chunk(2, dim=-1)
        return self.linear((1 + scale) * plain_norm(x) + shift)


class Flux(nn.Module):
    """Noisy latent, time, guidance and text to velocity (noise minus picture)."""

    def __init__(self, text_width: int, pooled_width: int) -> None:
        super().__init__()
        self.img_in, self.txt_in = nn.Linear(PATCH_CHANNELS, HIDDEN), nn.Linear(text_width, HIDDEN)
        self.time_in, self.guidance_in = Embedder(TIME_CHANNELS), Embedder(TIME_CHANNELS)
        self.vector_in = Embedder(pooled_width)
        self.double_blocks = nn.ModuleList(DoubleBlock() for _ in range(DOUBLE))
        self.single_blocks = nn.ModuleList(SingleBlock() for _ in range(SINGLE))
        self.final_layer = FinalLayer()
        nn.init.orthogonal_(self.img_in.weight)
        nn.init.zeros_(self.img_in.bias)
        with torch.no_grad():  # start as about the identity: at full noise the velocity is the input
            self.final_layer.linear.weight.copy_(self.img_in.weight.T * 0.5)

    def forward(
        self, x: Tensor, time: Tensor, guidance: Tensor, text: Tensor, pooled: Tensor, log_counts: Tensor | None = None
    ) -> Tensor:
        """(B, 16, 2h, 2w) to the same shape; `log_counts` (B, L) weighs text tokens that stand for several."""
        height, width = x.shape[2] // 2, x.shape[3] // 2
        img, txt = self.img_in(to_patches(x)), self.txt_in(text)
        vector = self.time_in(sinusoids(time)) + self.guidance_in(sinusoids(guidance)) + self.vector_in(pooled)
        turn = rotations(height, width, txt.shape[1])
        bias = None if log_counts is None else F.pad(log_counts, (0, img.shape[1]))[:, None, None, :]
        for double in self.double_blocks:
            img, txt = double(img, txt, vector, turn, bias)
        joined = torch.cat([txt, img], dim=1)
        for single in self.single_blocks:
            joined = single(joined, vector, turn, bias)
        return from_patches(self.final_layer(joined[:, txt.shape[1] :], vector), height, width)
