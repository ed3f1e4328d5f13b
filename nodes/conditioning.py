"""Text becomes conditioning."""

from dataclasses import replace
from typing import NamedTuple

from schemas.context import Context
from schemas.node import Node
from schemas.sockets import Clip, Conditioning
from schemas.widgets import LastLayer, PromptText


class CLIPTextEncode(Node):
    """Encode a prompt with the text encoders of a model."""

    category = "conditioning"
    display_name = "CLIP Text Encode (Prompt)"

    text: PromptText
    clip: Clip

    class Outputs(NamedTuple):
        """What guides the diffusion model."""

        CONDITIONING: Conditioning

    def run(self, context: Context) -> Outputs:
        """Tokenise, weigh and encode."""
        from engine.inference.encoders import encode

        return self.Outputs(encode.encode_text(context, self.clip, self.text))


class CLIPSetLastLayer(Node):
    """Take the tokens from an earlier layer of the text encoders ("clip skip")."""

    category = "conditioning"
    display_name = "CLIP Set Last Layer"

    clip: Clip
    stop_at_clip_layer: LastLayer = -1

    class Outputs(NamedTuple):
        """The same encoders, read elsewhere."""

        CLIP: Clip

    def run(self, context: Context) -> Outputs:
        """A changed recipe."""
        return self.Outputs(replace(self.clip, layer=self.stop_at_clip_layer))


class ConditioningZeroOut(Node):
    """The same conditioning with every number set to zero."""

    category = "advanced/conditioning"

    conditioning: Conditioning

    class Outputs(NamedTuple):
        """Zeros of the same shape."""

        CONDITIONING: Conditioning

    def run(self, context: Context) -> Outputs:
        """Zero tokens and pooled vector."""
        from engine.inference import conditioning

        return self.Outputs(conditioning.zero_out(self.conditioning))


NODES = (CLIPTextEncode, CLIPSetLastLayer, ConditioningZeroOut)
