"""What only Flux has: two prompts, and guidance as an input of the network."""

from typing import NamedTuple

from schemas.context import Context
from schemas.node import Node
from schemas.sockets import Clip, Conditioning
from schemas.widgets import Guidance, PromptText


class CLIPTextEncodeFlux(Node):
    """Encode one prompt for CLIP-L and another for T5, with the guidance to use."""

    category = "advanced/conditioning/flux"

    clip: Clip
    clip_l: PromptText
    t5xxl: PromptText
    guidance: Guidance = 3.5

    class Outputs(NamedTuple):
        """What guides the diffusion model."""

        CONDITIONING: Conditioning

    def run(self, context: Context) -> Outputs:
        """Tokenise, weigh and encode both."""
        from engine.inference.encoders import encode

        return self.Outputs(encode.encode_flux(context, self.clip, self.clip_l, self.t5xxl, self.guidance))


class FluxGuidance(Node):
    """Set the guidance that Flux is told to follow."""

    category = "advanced/conditioning/flux"

    conditioning: Conditioning
    guidance: Guidance = 3.5

    class Outputs(NamedTuple):
        """The conditioning with its guidance."""

        CONDITIONING: Conditioning

    def run(self, context: Context) -> Outputs:
        """Note the guidance beside the tokens."""
        from engine.inference import conditioning

        return self.Outputs(conditioning.set_values(self.conditioning, {"guidance": self.guidance}))


class FluxDisableGuidance(Node):
    """Leave the guidance embedding out of Flux altogether."""

    category = "advanced/conditioning/flux"

    conditioning: Conditioning

    class Outputs(NamedTuple):
        """The conditioning without guidance."""

        CONDITIONING: Conditioning

    def run(self, context: Context) -> Outputs:
        """Note beside the tokens that there is no guidance."""
        from engine.inference import conditioning

        return self.Outputs(conditioning.set_values(self.conditioning, {"guidance": None}))


NODES = (CLIPTextEncodeFlux, FluxGuidance, FluxDisableGuidance)
