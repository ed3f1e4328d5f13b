"""The KL autoencoder of latent diffusion (SD 1.x, SDXL, SD3, Flux), in ldm and diffusers key layout."""

from dataclasses import dataclass

from engine.checkpoints.families.family import Family, Unsized, View


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


LDM_BLOCK = "encoder.down.{}.block.{}.conv1.weight"
DIFFUSERS_BLOCK = "encoder.down_blocks.{}.resnets.{}.conv1.weight"
OWNED = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
VIDEO_OR_VQ = ("decoder.mid.block_1.mix_factor", "quantize.embedding.weight", "bn.running_mean")


def sizes(view: View, block: str) -> VaeSizes:
    """Sizes from shapes. block: a pattern of level and number. Raises Unsized if shapes contradict one another."""
    channels = view.shape("encoder.conv_in.weight", 4)[0]
    levels = view.count(block.replace("{}.conv1", "0.conv1"))
    blocks = view.count(block.replace("{}", "0", 1))
    if not levels or not blocks:
        raise Unsized("the encoder has no blocks")
    widths = [view.shape(block.format(level, 0), 4)[0] for level in range(levels)]
    return VaeSizes(
        channels=channels,
        multipliers=tuple(view.ratio(width, channels, "a level's multiplier") for width in widths),
        blocks=blocks,
        latent_channels=view.shape("decoder.conv_in.weight", 4)[1],
        quant_conv="quant_conv.weight" in view,
    )


def is_image_model(view: View, downsample: str) -> bool:
    """Whether convolutions are flat and steps between levels keep the width; those of video autoencoders do not."""
    if len(view.shape_of(view.prefix + "decoder.conv_in.weight")) != 4:
        return False
    if downsample not in view:
        return True
    shape = view.shape_of(view.prefix + downsample)
    return len(shape) == 4 and shape[0] == shape[1]


FAMILIES = (
    Family(
        kind="kl_vae",
        title="a VAE",
        layout="ldm",
        evidence=("decoder.up.0.block.0.conv1.weight", "decoder.conv_in.weight", "encoder.conv_in.weight"),
        absent=VIDEO_OR_VQ,
        owns=OWNED,
        fits=lambda view: is_image_model(view, "encoder.down.0.downsample.conv.weight"),
        sizes=lambda view: sizes(view, LDM_BLOCK),
    ),
    Family(
        kind="kl_vae",
        title="a VAE",
        layout="diffusers",
        evidence=("decoder.up_blocks.0.resnets.0.conv1.weight", "decoder.conv_in.weight", "encoder.conv_in.weight"),
        absent=VIDEO_OR_VQ,
        owns=OWNED,
        fits=lambda view: is_image_model(view, "encoder.down_blocks.0.downsamplers.0.conv.weight"),
        sizes=lambda view: sizes(view, DIFFUSERS_BLOCK),
    ),
)
