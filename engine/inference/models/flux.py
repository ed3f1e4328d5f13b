"""Flux.1, the diffusion transformer of Black Forest Labs (https://github.com/black-forest-labs/flux), any size.

Modules and parameters are named as in the published files, so a file's tensors find their places by name. Text and
picture run through double blocks side by side, then as one sequence through single blocks. Buffers are shared and
filled in place where that saves a copy of the sequence: at 1024×1024 one copy of an inner activation is 280 MB.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.families.flux import FluxSizes
from engine.inference.layers.linear import PackedLinear
from engine.inference.layers.norms import RmsNorm
from engine.inference.layers.rotary import turn, turns
from engine.inference.layers.timesteps import embed_number

PATCH = 2
"""A token stands for PATCH × PATCH latent cells."""

NUMBER_WIDTH = 256
"""Width of the sinusoidal embedding of timestep and guidance."""

EPS = 1e-6


class NumberEmbedder(nn.Module):
    """Two linear layers around SiLU, for timestep, guidance and pooled text."""

    def __init__(self, inputs: int, hidden: int) -> None:
        """inputs: width of what is embedded."""
        super().__init__()
        self.in_layer = PackedLinear(inputs, hidden)
        self.out_layer = PackedLinear(hidden, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) → (B, hidden)."""
        return self.out_layer(functional.silu(self.in_layer(x)))


class QKNorm(nn.Module):
    """Normalises queries and keys of each head."""

    def __init__(self, head_dim: int) -> None:
        """head_dim: values per head."""
        super().__init__()
        self.query_norm = RmsNorm(head_dim, "scale", EPS)
        self.key_norm = RmsNorm(head_dim, "scale", EPS)


class Attention(nn.Module):
    """The projections of one stream's attention; the attention itself joins the streams."""

    def __init__(self, sizes: FluxSizes) -> None:
        """Sizes of the network."""
        super().__init__()
        self.qkv = PackedLinear(sizes.hidden, 3 * sizes.hidden)
        self.norm = QKNorm(sizes.head_dim)
        self.proj = PackedLinear(sizes.hidden, sizes.hidden)


class Modulation(nn.Module):
    """Shift, scale and gate for each step of a block, from the embedding of timestep, guidance and pooled text."""

    def __init__(self, hidden: int, count: int) -> None:
        """count: how many vectors the block takes."""
        super().__init__()
        self.count = count
        self.lin = PackedLinear(hidden, count * hidden)

    def forward(self, vector: Tensor) -> tuple[Tensor, ...]:
        """vector: (B, hidden), already through SiLU. Returns `count` tensors (B, 1, hidden)."""
        return self.lin(vector)[:, None].chunk(self.count, dim=-1)


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Layer norm without own parameters, then x × (1 + scale) + shift."""
    normed = functional.layer_norm(x, x.shape[-1:], eps=EPS)
    return normed.mul_(1 + scale).add_(shift)


def gelu_(x: Tensor) -> Tensor:
    """GELU by its tanh formula, in place."""
    return torch.ops.aten.gelu_(x, approximate="tanh")


def within_half_precision(x: Tensor) -> Tensor:
    """float16 cannot hold what Flux adds up in its streams; as ComfyUI does, keep it at the largest number."""
    return x.nan_to_num_(nan=0.0, posinf=65504, neginf=-65504) if x.dtype == torch.float16 else x


def attend(qkv: Tensor, norms: list[tuple[int, QKNorm]], by: Tensor, heads: int) -> Tensor:
    """Attention over a fused projection, which is used as workspace.

    qkv: (B, T, 3 × hidden). norms: for consecutive spans of the sequence, their length and norms. by: see `turn`.
    Returns (B, T, hidden).
    """
    batch, tokens, width = qkv.shape
    parts = qkv.view(batch, tokens, 3, heads, width // (3 * heads))
    start = 0
    for length, norm in norms:
        span = parts[:, start : start + length]
        span[:, :, 0] = norm.query_norm(span[:, :, 0])
        span[:, :, 1] = norm.key_norm(span[:, :, 1])
        start += length
    query, key = turn(parts[:, :, 0], by), turn(parts[:, :, 1], by)
    query, key, value = (part.transpose(1, 2) for part in (query, key, parts[:, :, 2]))
    mixed = functional.scaled_dot_product_attention(query, key, value)
    return mixed.transpose(1, 2).reshape(batch, tokens, width // 3)


class DoubleBlock(nn.Module):
    """Text and picture attend to each other, each with its own weights."""

    def __init__(self, sizes: FluxSizes) -> None:
        """Sizes of the network."""
        super().__init__()
        self.heads = sizes.heads
        self.img_mod, self.txt_mod = Modulation(sizes.hidden, 6), Modulation(sizes.hidden, 6)
        self.img_attn, self.txt_attn = Attention(sizes), Attention(sizes)
        self.img_mlp, self.txt_mlp = self._mlp(sizes), self._mlp(sizes)

    @staticmethod
    def _mlp(sizes: FluxSizes) -> nn.ModuleDict:
        return nn.ModuleDict(
            {"0": PackedLinear(sizes.hidden, sizes.mlp_width), "2": PackedLinear(sizes.mlp_width, sizes.hidden)}
        )

    def forward(self, img: Tensor, txt: Tensor, vector: Tensor, by: Tensor) -> None:
        """Change img (B, I, hidden) and txt (B, T, hidden) in place. by: rotary turns of text, then picture."""
        img_mod, txt_mod = self.img_mod(vector), self.txt_mod(vector)
        words = txt.shape[1]
        qkv = img.new_empty(img.shape[0], words + img.shape[1], 3 * img.shape[2])
        self.txt_attn.qkv(modulated(txt, *txt_mod[:2]), out=qkv[:, :words])
        self.img_attn.qkv(modulated(img, *img_mod[:2]), out=qkv[:, words:])
        norms = [(words, self.txt_attn.norm), (img.shape[1], self.img_attn.norm)]
        mixed = attend(qkv, norms, by, self.heads)
        del qkv
        self._finish(txt, mixed[:, :words], self.txt_attn.proj, self.txt_mlp, txt_mod)
        self._finish(img, mixed[:, words:], self.img_attn.proj, self.img_mlp, img_mod)

    @staticmethod
    def _finish(x: Tensor, mixed: Tensor, proj: nn.Module, mlp: nn.ModuleDict, mod: tuple[Tensor, ...]) -> None:
        """Add what attention found, then what the feed-forward makes of it."""
        x.add_(proj(mixed).mul_(mod[2]))
        inner = gelu_(mlp["0"](modulated(x, *mod[3:5])))
        x.add_(mlp["2"](inner).mul_(mod[5]))


class SingleBlock(nn.Module):
    """Attention and feed-forward side by side over one sequence (as in ViT-22B, arXiv:2302.05442)."""

    def __init__(self, sizes: FluxSizes) -> None:
        """Sizes of the network."""
        super().__init__()
        self.heads, self.hidden, self.mlp_width = sizes.heads, sizes.hidden, sizes.mlp_width
        self.linear1 = PackedLinear(sizes.hidden, 3 * sizes.hidden + sizes.mlp_width)
        self.linear2 = PackedLinear(sizes.hidden + sizes.mlp_width, sizes.hidden)
        self.norm = QKNorm(sizes.head_dim)
        self.modulation = Modulation(sizes.hidden, 3)

    def forward(self, x: Tensor, vector: Tensor, by: Tensor) -> None:
        """Change x (B, T, hidden) in place.

        The halves of linear1 run apart, so that queries, keys and values are gone before the second is there.
        """
        shift, scale, gate = self.modulation(vector)
        normed = modulated(x, shift, scale)
        mixed = attend(self.linear1(normed, rows=slice(3 * self.hidden)), [(x.shape[1], self.norm)], by, self.heads)
        joined = x.new_empty(*x.shape[:2], self.hidden + self.mlp_width)
        joined[..., : self.hidden] = mixed
        del mixed
        self.linear1(normed, rows=slice(3 * self.hidden, None), out=joined[..., self.hidden :])
        del normed
        gelu_(joined[..., self.hidden :])
        x.add_(self.linear2(joined).mul_(gate))


class FinalLayer(nn.Module):
    """Tokens become patches."""

    def __init__(self, sizes: FluxSizes) -> None:
        """Sizes of the network."""
        super().__init__()
        self.adaLN_modulation = nn.ModuleDict({"1": PackedLinear(sizes.hidden, 2 * sizes.hidden)})
        self.linear = PackedLinear(sizes.hidden, sizes.out_channels)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """(B, I, hidden) → (B, I, out_channels)."""
        shift, scale = self.adaLN_modulation["1"](vector)[:, None].chunk(2, dim=-1)
        return self.linear(modulated(x, shift, scale))


class Flux(nn.Module):
    """The whole network: latent, noise level and texts in, velocity out."""

    def __init__(self, sizes: FluxSizes) -> None:
        """Structure only; weights are filled in later."""
        super().__init__()
        self.sizes = sizes
        self.img_in = PackedLinear(sizes.in_channels, sizes.hidden)
        self.txt_in = PackedLinear(sizes.text_width, sizes.hidden)
        self.time_in = NumberEmbedder(NUMBER_WIDTH, sizes.hidden)
        self.vector_in = NumberEmbedder(sizes.pooled_width, sizes.hidden)
        if sizes.guided:
            self.guidance_in = NumberEmbedder(NUMBER_WIDTH, sizes.hidden)
        self.double_blocks = nn.ModuleList(DoubleBlock(sizes) for _ in range(sizes.double_blocks))
        self.single_blocks = nn.ModuleList(SingleBlock(sizes) for _ in range(sizes.single_blocks))
        self.final_layer = FinalLayer(sizes)

    def forward(self, x: Tensor, timestep: Tensor, tokens: Tensor, pooled: Tensor, guidance: Tensor | None) -> Tensor:
        """Velocity at x.

        x: (B, C, H, W) latent in the network's scale; odd sides are padded with the opposite edge, as ComfyUI does.
        timestep: (B,) in 0..1. tokens: (B, T, text_width). pooled: (B, pooled_width). guidance: (B,), or None to leave
        its embedding out. All but timestep and guidance in the type to compute in, which the result has too.
        """
        height, width = x.shape[-2:]
        padded = functional.pad(x, (0, width % PATCH, 0, height % PATCH), mode="circular")
        patches = functional.pixel_unshuffle(padded, PATCH)
        rows, columns = patches.shape[-2:]
        vector = functional.silu(self._vector(timestep, pooled, guidance))
        by = turns(places(tokens.shape[1], rows, columns, x.device), rotary_axes(self.sizes.head_dim))
        patches = patches.flatten(2).transpose(1, 2)
        # without names here, the streams are gone as soon as the blocks need them no more
        out = self.final_layer(self._blocks(self.img_in(patches), self.txt_in(tokens), vector, by), vector)
        out = functional.pixel_shuffle(out.transpose(1, 2).unflatten(2, (rows, columns)), PATCH)
        return out[..., :height, :width]

    def _vector(self, timestep: Tensor, pooled: Tensor, guidance: Tensor | None) -> Tensor:
        vector = self.time_in(embed_number(timestep, NUMBER_WIDTH).to(pooled.dtype))
        if self.sizes.guided and guidance is not None:
            vector = vector + self.guidance_in(embed_number(guidance, NUMBER_WIDTH).to(pooled.dtype))
        return vector + self.vector_in(pooled)

    def _blocks(self, img: Tensor, txt: Tensor, vector: Tensor, by: Tensor) -> Tensor:
        """The picture's tokens after all blocks."""
        words = txt.shape[1]
        for block in self.double_blocks:
            block(img, txt, vector, by)
            within_half_precision(txt)
        x = torch.cat((txt, within_half_precision(img)), dim=1)
        del img, txt
        for block in self.single_blocks:
            block(x, vector, by)
            within_half_precision(x)
        return x[:, words:]


def rotary_axes(head_dim: int) -> tuple[int, int, int]:
    """How many values of a head turn with picture index, row and column: 1/8, 7/16 and 7/16."""
    rest = (head_dim - head_dim // 8) // 2
    return head_dim - 2 * rest, rest, rest


def places(words: int, rows: int, columns: int, device: torch.device) -> Tensor:
    """(T, 3) coordinates: zeros for each word, then (0, row, column) for each patch."""
    grid = torch.zeros(rows, columns, 3, device=device)
    grid[..., 1] = torch.arange(rows, device=device)[:, None]
    grid[..., 2] = torch.arange(columns, device=device)
    return torch.cat((torch.zeros(words, 3, device=device), grid.view(-1, 3)))
