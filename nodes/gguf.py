"""Models in GGUF files, as the node pack ComfyUI-GGUF (city96) loads them. Weights stay in their blocks."""

from typing import NamedTuple

from nodes.loaders import QuadrupleCLIPLoader, TripleCLIPLoader
from schemas.choices import ClipType, DecodedDtype, DualClipType, PatchDtype
from schemas.context import Context
from schemas.node import Node
from schemas.sockets import Clip, Model
from schemas.widgets import GgufModelFile, LoneTextEncoderFile, TextEncoderFile, Toggle


class UnetLoaderGGUF(Node):
    """A diffusion model from a GGUF file."""

    category = "bootleg"
    display_name = "Unet Loader (GGUF)"

    unet_name: GgufModelFile

    class Outputs(NamedTuple):
        """The diffusion model."""

        MODEL: Model

    def run(self, context: Context) -> Outputs:
        """A recipe, after a look at the file's header."""
        from engine.inference import loading

        return self.Outputs(loading.diffusion_model(context, context.file("unet_gguf", self.unet_name)))


class UnetLoaderGGUFAdvanced(Node):
    """A diffusion model from a GGUF file, its blocks decoded in a narrow type if one is asked for.

    patch_dtype and patch_on_device change nothing here: a LoRA is computed beside the weights, in the type and on the
    device that the model computes with, and never decodes them as a whole.
    """

    category = "bootleg"
    display_name = "Unet Loader (GGUF/Advanced)"

    unet_name: GgufModelFile
    dequant_dtype: DecodedDtype = "default"
    patch_dtype: PatchDtype = "default"
    patch_on_device: Toggle = False

    class Outputs(NamedTuple):
        """The diffusion model."""

        MODEL: Model

    def run(self, context: Context) -> Outputs:
        """A recipe, after a look at the file's header."""
        from engine.inference import loading

        file = context.file("unet_gguf", self.unet_name)
        return self.Outputs(loading.diffusion_model(context, file, decoded_as=self.dequant_dtype))


class CLIPLoaderGGUF(Node):
    """One text encoder from a GGUF or safetensors file."""

    category = "bootleg"
    display_name = "CLIPLoader (GGUF)"

    clip_name: LoneTextEncoderFile
    type: ClipType

    class Outputs(NamedTuple):
        """The encoder."""

        CLIP: Clip

    def run(self, context: Context) -> Outputs:
        """A recipe, after a look at the header."""
        from engine.inference import loading

        return self.Outputs(loading.named_text_encoders(context, (self.clip_name,), self.type))


class DualCLIPLoaderGGUF(Node):
    """Two text encoders from GGUF or safetensors files, mixed as one likes, in either order."""

    category = "bootleg"
    display_name = "DualCLIPLoader (GGUF)"

    clip_name1: TextEncoderFile
    clip_name2: TextEncoderFile
    type: DualClipType

    class Outputs(NamedTuple):
        """Both encoders, as one."""

        CLIP: Clip

    def run(self, context: Context) -> Outputs:
        """A recipe, after a look at both headers."""
        from engine.inference import loading

        return self.Outputs(loading.named_text_encoders(context, (self.clip_name1, self.clip_name2), self.type))


class TripleCLIPLoaderGGUF(TripleCLIPLoader):
    """The three text encoders of SD3 from GGUF or safetensors files."""

    category = "bootleg"
    display_name = "TripleCLIPLoader (GGUF)"


class QuadrupleCLIPLoaderGGUF(QuadrupleCLIPLoader):
    """The four text encoders of HiDream from GGUF or safetensors files.

    Llama must come from a GGUF file, which carries its vocabulary.
    """

    category = "bootleg"
    display_name = "QuadrupleCLIPLoader (GGUF)"


NODES = (
    UnetLoaderGGUF,
    UnetLoaderGGUFAdvanced,
    CLIPLoaderGGUF,
    DualCLIPLoaderGGUF,
    TripleCLIPLoaderGGUF,
    QuadrupleCLIPLoaderGGUF,
)
