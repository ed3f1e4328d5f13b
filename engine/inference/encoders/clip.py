"""CLIP's text transformer (Radford et al. 2021, arXiv:2103.00020), with Hugging Face's names."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.families.clip import ClipSizes
from engine.inference.encoders.contract import Taken, Vectors, until
from engine.inference.layers.embedding import Embedding
from engine.inference.layers.linear import PackedLinear

EPS = 1e-5


def quick_gelu(x: Tensor) -> Tensor:
    """OpenAI's approximation of GELU."""
    return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {"quick_gelu": quick_gelu, "gelu": functional.gelu}


def layer_norm(width: int) -> nn.LayerNorm:
    """Layer norm as CLIP has it everywhere."""
    return nn.LayerNorm(width, eps=EPS, device="meta")


class ClipAttention(nn.Module):
    """Attention of each token to itself and those before it."""

    def __init__(self, sizes: ClipSizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.heads = sizes.heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            PackedLinear(sizes.width, sizes.width) for _ in range(4)
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, width) → (B, T, width). mask: (B, 1, T, T) bool, who attends to whom; None: to all before."""
        query, key, value = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, mask, is_causal=mask is None)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class ClipMlp(nn.Module):
    """The feed-forward."""

    def __init__(self, sizes: ClipSizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.activation = ACTIVATIONS[sizes.activation]
        self.fc1 = PackedLinear(sizes.width, sizes.feed_forward)
        self.fc2 = PackedLinear(sizes.feed_forward, sizes.width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → (B, T, width)."""
        return self.fc2(self.activation(self.fc1(x)))


class ClipLayer(nn.Module):
    """Attention and feed-forward, each behind a layer norm and beside a shortcut."""

    def __init__(self, sizes: ClipSizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.layer_norm1, self.self_attn = layer_norm(sizes.width), ClipAttention(sizes)
        self.layer_norm2, self.mlp = layer_norm(sizes.width), ClipMlp(sizes)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, width) → (B, T, width). mask: see ClipAttention."""
        x = x + self.self_attn(self.layer_norm1(x), mask)
        return x + self.mlp(self.layer_norm2(x))


class ClipEmbeddings(nn.Module):
    """The tables of tokens and of positions."""

    def __init__(self, sizes: ClipSizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.token_embedding = Embedding(sizes.tokens, sizes.width)
        self.position_embedding = Embedding(sizes.positions, sizes.width)


class ClipStack(nn.Module):
    """The layers, in order."""

    def __init__(self, sizes: ClipSizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.layers = nn.ModuleList(ClipLayer(sizes) for _ in range(sizes.layers))


class ClipTransformer(nn.Module):
    """Embeddings, layers, and a last norm."""

    def __init__(self, sizes: ClipSizes) -> None:
        """Sizes of the encoder."""
        super().__init__()
        self.embeddings = ClipEmbeddings(sizes)
        self.encoder = ClipStack(sizes)
        self.final_layer_norm = layer_norm(sizes.width)


class Clip(nn.Module):
    """Tokens become one vector each, and the end mark's a vector for all of them."""

    def __init__(self, sizes: ClipSizes) -> None:
        """Structure only; weights are filled in later."""
        super().__init__()
        self.sizes = sizes
        self.text_model = ClipTransformer(sizes)
        self.text_projection = PackedLinear(sizes.width, sizes.width, bias=False) if sizes.projection else None

    def forward(self, ids: Tensor, dtype: torch.dtype, ends: Tensor, taken: Taken) -> Vectors:
        """See TextNetwork. T is at most the encoder's positions.

        Pooled is the end mark's vector behind the last norm, whatever is taken for the tokens, then projected.
        """
        model, layers = self.text_model, self.text_model.encoder.layers
        length = ids.shape[1]
        positions = torch.arange(length, device=ids.device)
        x = model.embeddings.token_embedding(ids, dtype) + model.embeddings.position_embedding(positions, dtype)
        mask = until(ends, length)[:, None, None, :].expand(-1, 1, length, -1).tril() if taken.masked else None
        number, chosen = taken.number(len(layers)), None
        for each, layer in enumerate(layers):
            x = layer(x, mask)
            if each == number:
                chosen = model.final_layer_norm(x) if taken.normed else x
        last = model.final_layer_norm(x)
        pooled = last[torch.arange(len(ids), device=ids.device), ends]
        projected = pooled if self.text_projection is None else self.text_projection(pooled)
        return Vectors(last if chosen is None else chosen, projected)
