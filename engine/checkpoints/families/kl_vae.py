"""The KL autoencoder of latent diffusion, in ldm and diffusers key layout."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VaeSizes:
    """All that shapes tell about a KL autoencoder.

    channels: of the outermost level. multipliers: width of each level in units of channels, outermost first. blocks:
    residual blocks per level of the encoder (the decoder has one more). quant_conv: has 1×1 convolutions around the
    latent (SD 1.x, SDXL), or not (Flux, SD3).
    """

    channels: int
    multipliers: tuple[int, ...]
    blocks: int
    latent_channels: int
    quant_conv: bool
