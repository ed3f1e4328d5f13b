"""Latents: empty ones, and the way between pixels and latents."""

from typing import NamedTuple

from schemas.context import Context
from schemas.node import Node
from schemas.sockets import Image, Latent, Vae
from schemas.widgets import BatchSize, Pixels8, Pixels16


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


NODES = (EmptyLatentImage, EmptySD3LatentImage, VAEDecode, VAEEncode)
