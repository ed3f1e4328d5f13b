"""The demo model's autoencoder, in the ldm layout: module names are the file's key names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 32
WIDTHS = tuple(CHANNELS * factor for factor in (2, 2, 2, 3))
LATENT_CHANNELS = 16
SCALE, SHIFT = 0.3611, 0.1159


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, channels, eps=1e-6)


def _conv(inside: int, outside: int, size: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, size, padding=size // 2)


class ResidualBlock(nn.Module):
    """Two normalised convolutions around a shortcut."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = _norm(inside), _conv(inside, outside)
        self.norm2, self.conv2 = _norm(outside), _conv(outside, outside)
        self.nin_shortcut = _conv(inside, outside, 1) if inside != outside else None

    def forward(self, x: Tensor) -> Tensor:
        """The same picture, one step further."""
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.nin_shortcut is None else self.nin_shortcut(x))


class AttentionBlock(nn.Module):
    """One head of attention over all positions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.q, self.k, self.v, self.proj_out = (_conv(channels, channels, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """The picture plus what its positions tell each other."""
        h = self.norm(x)
        q, k, v = (p(h).flatten(2).transpose(1, 2).unsqueeze(1) for p in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(q, k, v).squeeze(1).transpose(1, 2)
        return x + self.proj_out(mixed.reshape(x.shape))


class Middle(nn.Module):
    """The blocks at the lowest resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block_1 = ResidualBlock(channels, channels)
        self.attn_1 = AttentionBlock(channels)
        self.block_2 = ResidualBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Block, attention, block."""
        return self.block_2(self.attn_1(self.block_1(x)))


class Resample(nn.Module):
    """Holder of the convolution that follows nearest doubling, or halves with stride two."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=stride, padding=1 if stride == 1 else 0)

    def forward(self, x: Tensor) -> Tensor:
        """Twice or half the size."""
        if self.conv.stride == (1, 1):
            return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Level(nn.Module):
    """The residual blocks of one resolution, and the way to the next one."""

    def __init__(self, inside: int, outside: int, blocks: int) -> None:
        super().__init__()
        self.downsample: Resample | None = None
        self.upsample: Resample | None = None
        self.block = nn.ModuleList(ResidualBlock(inside if i == 0 else outside, outside) for i in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        """All blocks, and the resampling if this level has one."""
        for block in self.block:
            x = block(x)
        for resample in (self.downsample, self.upsample):
            x = x if resample is None else resample(x)
        return x


class Encoder(nn.Module):
    """Picture to mean and log-variance of the latent; the weights are written, not trained."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_in = _conv(3, CHANNELS)
        self.down = nn.ModuleList()
        for i, (before, width) in enumerate(zip((CHANNELS, *WIDTHS), WIDTHS, strict=False)):
            level = Level(before, width, 1)
            if i < len(WIDTHS) - 1:
                level.downsample = Resample(width, 2)
            self.down.append(level)
        self.mid = Middle(WIDTHS[-1])
        self.norm_out, self.conv_out = _norm(WIDTHS[-1]), _conv(WIDTHS[-1], 2 * LATENT_CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, 8h, 8w) in -1..1 to (B, 32, h, w)."""
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(self.mid(x))))


class Decoder(nn.Module):
    """Latent to picture."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_in = _conv(LATENT_CHANNELS, WIDTHS[-1])
        self.mid = Middle(WIDTHS[-1])
        levels = []
        for i, width in enumerate(WIDTHS):
            level = Level(WIDTHS[min(i + 1, len(WIDTHS) - 1)], width, 2)
            if i > 0:
                level.upsample = Resample(width, 1)
            levels.append(level)
        self.up = nn.ModuleList(levels)
        self.norm_out, self.conv_out = _norm(WIDTHS[0]), _conv(WIDTHS[0], 3)

    def forward(self, z: Tensor) -> Tensor:
        """(B, 16, h, w) to (B, 3, 8h, 8w), about -1..1."""
        x = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(x)))


def quiet_residuals(module: nn.Module) -> None:
    """Start every residual branch at zero: the untrained network is its shortcuts."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if ".conv2." in name or ".proj_out." in name:
                parameter.zero_()
