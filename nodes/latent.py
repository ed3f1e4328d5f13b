"""Latents: empty ones, larger and smaller ones, and the way between pixels and latents."""

from typing import Annotated, NamedTuple

from pydantic import Field

from schemas.choices import Crop, LatentResizeMethod
from schemas.context import Context
from schemas.node import Node
from schemas.sockets import Image, Latent, Vae
from schemas.widgets import MAX_RESOLUTION, BatchSize, Integer, Pixels8, Pixels16, ScaleFactor, Widget

Pixels8From0 = Annotated[int, Integer, Field(ge=0, le=MAX_RESOLUTION), Widget("INT", step=8)]


class EmptyLatentImage(Node):
    """A batch of empty latents to denoise from pure noise."""

    category = "latent"
    display_name = "Empty Latent Image"

    width: Pixels8 = 512
    height: Pixels8 = 512
    batch_size: BatchSize = 1

    class Outputs(NamedTuple):
        """Zeros with 4 channels, an eighth of the picture's sides."""

        LATENT: Latent

    def run(self, context: Context) -> Outputs:
        """Zeros; the sampler widens them to the channels that the model has."""
        from engine.inference import latents

        return self.Outputs(latents.empty(self.width, self.height, self.batch_size, channels=4))


class EmptySD3LatentImage(Node):
    """A batch of empty latents for models with 16 latent channels."""

    category = "latent/sd3"

    width: Pixels16 = 1024
    height: Pixels16 = 1024
    batch_size: BatchSize = 1

    class Outputs(NamedTuple):
        """Zeros with 16 channels, an eighth of the picture's sides."""

        LATENT: Latent

    def run(self, context: Context) -> Outputs:
        """Zeros."""
        from engine.inference import latents

        return self.Outputs(latents.empty(self.width, self.height, self.batch_size, channels=16))


class VAEDecode(Node):
    """Latents become pictures."""

    category = "latent"
    display_name = "VAE Decode"

    samples: Latent
    vae: Vae

    class Outputs(NamedTuple):
        """The decoded pictures."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Decode the whole batch."""
        from engine.inference.autoencoders import images

        return self.Outputs(images.decode(context, self.vae, self.samples))


class VAEEncode(Node):
    """Pictures become latents."""

    category = "latent"
    display_name = "VAE Encode"

    pixels: Image
    vae: Vae

    class Outputs(NamedTuple):
        """The latents' means."""

        LATENT: Latent

    def run(self, context: Context) -> Outputs:
        """Encode the whole batch."""
        from engine.inference.autoencoders import images

        return self.Outputs(images.encode(context, self.vae, self.pixels))


class LatentUpscale(Node):
    """A latent for pictures of a given size."""

    category = "latent"
    display_name = "Upscale Latent"

    samples: Latent
    upscale_method: LatentResizeMethod
    width: Pixels8From0 = 512
    height: Pixels8From0 = 512
    crop: Crop

    class Outputs(NamedTuple):
        """The resized latent."""

        LATENT: Latent

    def run(self, context: Context) -> Outputs:
        """Resize it; a side of 0 follows from the other one."""
        from engine.inference import resizing

        centred = self.crop == "center"
        scaled = resizing.latent_to_sides(self.samples, self.width, self.height, self.upscale_method, centred)
        return self.Outputs(scaled)


class LatentUpscaleBy(Node):
    """A latent resized by a factor."""

    category = "latent"
    display_name = "Upscale Latent By"

    samples: Latent
    upscale_method: LatentResizeMethod
    scale_by: ScaleFactor = 1.5

    class Outputs(NamedTuple):
        """The resized latent."""

        LATENT: Latent

    def run(self, context: Context) -> Outputs:
        """Resize it."""
        from engine.inference import resizing

        return self.Outputs(resizing.latent_by_factor(self.samples, self.scale_by, self.upscale_method))


NODES = (EmptyLatentImage, EmptySD3LatentImage, VAEDecode, VAEEncode, LatentUpscale, LatentUpscaleBy)
