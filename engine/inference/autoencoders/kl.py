"""The KL autoencoder of latent diffusion (Rombach et al. 2022, arXiv:2112.10752), in the layout of its first code.

Modules and parameters are named as in the files. Every size follows from the file's shapes.
"""

from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoints.families.kl_vae import VaeSizes

GROUPS = 32
EPS = 1e-6


def group_norm(channels: int) -> nn.GroupNorm:
    """Group norm as this autoencoder has it everywhere."""
    return nn.GroupNorm(GROUPS, channels, eps=EPS, device="meta")


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, padding: int | None = None) -> nn.Conv2d:
    """A convolution that keeps the picture's size unless told otherwise."""
    padding = kernel // 2 if padding is None else padding
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, device="meta")


class ResidualBlock(nn.Module):
    """Two convolutions, each behind group norm and SiLU, beside a shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Channels before and after."""
        super().__init__()
        self.norm1, self.conv1 = group_norm(inputs), conv(inputs, outputs)
        self.norm2, self.conv2 = group_norm(outputs), conv(outputs, outputs)
        self.nin_shortcut = conv(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H, W)."""
        inner = self.conv1(functional.silu(self.norm1(x), inplace=True))
        inner = self.conv2(functional.silu(self.norm2(inner), inplace=True))
        return inner.add_(x if self.nin_shortcut is None else self.nin_shortcut(x))


class PictureAttention(nn.Module):
    """One-headed attention of every place to every other."""

    def __init__(self, channels: int) -> None:
        """channels: before and after."""
        super().__init__()
        self.norm = group_norm(channels)
        self.q, self.k, self.v = (conv(channels, channels, 1) for _ in range(3))
        self.proj_out = conv(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, H, W)."""
        normed = self.norm(x)
        query, key, value = (part(normed).flatten(2).transpose(1, 2)[:, None] for part in (self.q, self.k, self.v))
        mixed = functional.scaled_dot_product_attention(query.contiguous(), key.contiguous(), value.contiguous())
        return self.proj_out(mixed[:, 0].transpose(1, 2).reshape(x.shape)).add_(x)


class Middle(nn.Module):
    """The innermost level."""

    def __init__(self, channels: int) -> None:
        """channels: before and after."""
        super().__init__()
        self.block_1 = ResidualBlock(channels, channels)
        self.attn_1 = PictureAttention(channels)
        self.block_2 = ResidualBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, H, W)."""
        return self.block_2(self.attn_1(self.block_1(x)))


class Downsample(nn.Module):
    """Halves the sides; the picture is padded below and to the right only."""

    def __init__(self, channels: int) -> None:
        """channels: before and after."""
        super().__init__()
        self.conv = conv(channels, channels, stride=2, padding=0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, H/2, W/2)."""
        return self.conv(functional.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Doubles the sides by repeating, then a convolution."""

    def __init__(self, channels: int) -> None:
        """channels: before and after."""
        super().__init__()
        self.conv = conv(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, 2 H, 2 W)."""
        return self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


class Level(nn.Module):
    """The residual blocks of one resolution, and the way to the next."""

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        """blocks: how many."""
        super().__init__()
        self.block = nn.ModuleList(ResidualBlock(outputs if number else inputs, outputs) for number in range(blocks))
        self.downsample: Downsample | None = None
        self.upsample: Upsample | None = None

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, and H, W halved, doubled or as they were)."""
        for block in self.block:
            x = block(x)
        for step in (self.downsample, self.upsample):
            x = x if step is None else step(x)
        return x


class Encoder(nn.Module):
    """Pictures become mean and logarithm of variance of their latents."""

    def __init__(self, sizes: VaeSizes) -> None:
        """Sizes of the autoencoder."""
        super().__init__()
        widths = [sizes.channels * factor for factor in sizes.multipliers]
        self.conv_in = conv(3, sizes.channels)
        self.down = nn.ModuleList(
            Level(before, after, sizes.blocks) for before, after in zip([sizes.channels, *widths], widths, strict=False)
        )
        for level, width in zip(list(self.down)[:-1], widths, strict=False):
            level.downsample = Downsample(width)
        self.mid = Middle(widths[-1])
        self.norm_out = group_norm(widths[-1])
        self.conv_out = conv(widths[-1], 2 * sizes.latent_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) in -1..1 → (B, 2 × latent_channels, H/8, W/8)."""
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        return self.conv_out(functional.silu(self.norm_out(self.mid(x)), inplace=True))


class Decoder(nn.Module):
    """Latents become pictures."""

    def __init__(self, sizes: VaeSizes) -> None:
        """Sizes of the autoencoder."""
        super().__init__()
        widths = [sizes.channels * factor for factor in sizes.multipliers]
        self.conv_in = conv(sizes.latent_channels, widths[-1])
        self.mid = Middle(widths[-1])
        self.up = nn.ModuleList(
            Level(before, after, sizes.blocks + 1)
            for before, after in zip([*widths[1:], widths[-1]], widths, strict=True)
        )
        for level, width in zip(list(self.up)[1:], widths[1:], strict=True):
            level.upsample = Upsample(width)
        self.norm_out = group_norm(widths[0])
        self.conv_out = conv(widths[0], 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, latent_channels, H, W) → (B, 3, 8 H, 8 W), about -1..1."""
        x = self.mid(self.conv_in(x))
        for level in reversed(self.up):
            x = level(x)
        return self.conv_out(functional.silu(self.norm_out(x), inplace=True))


class KlAutoencoder(nn.Module):
    """Both ways, with the 1×1 convolutions around the latent where the file has them."""

    def __init__(self, sizes: VaeSizes) -> None:
        """Structure only; weights are filled in later."""
        super().__init__()
        self.sizes = sizes
        self.encoder, self.decoder = Encoder(sizes), Decoder(sizes)
        channels = sizes.latent_channels
        self.quant_conv = conv(2 * channels, 2 * channels, 1) if sizes.quant_conv else None
        self.post_quant_conv = conv(channels, channels, 1) if sizes.quant_conv else None

    @property
    def reduction(self) -> int:
        """Pixels per latent cell, along a side."""
        return int(2 ** (len(self.sizes.multipliers) - 1))

    def encode(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W) in -1..1 → the latents' means (B, C, H/8, W/8), in the autoencoder's own scale."""
        moments = self.encoder(pixels)
        if self.quant_conv is not None:
            moments = self.quant_conv(moments)
        return moments[:, : self.sizes.latent_channels]

    def decode(self, latent: Tensor) -> Tensor:
        """(B, C, H, W) in the autoencoder's own scale → pixels (B, 3, 8 H, 8 W), about -1..1."""
        if self.post_quant_conv is not None:
            latent = self.post_quant_conv(latent)
        return self.decoder(latent)
