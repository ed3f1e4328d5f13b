"""Model files become recipes: what to load, not loaded weights."""

from typing import Annotated, NamedTuple

from schemas.choices import ClipDevice, ClipType, DualClipType, WeightDtype
from schemas.context import Context
from schemas.node import Node, Optional
from schemas.sockets import Clip, Model, Vae
from schemas.widgets import (
    CheckpointFile,
    DiffusionModelFile,
    LoneTextEncoderFile,
    LoraFile,
    Strength,
    TextEncoderFile,
    VaeFile,
)


class CheckpointLoaderSimple(Node):
    """An all-in-one checkpoint: diffusion model, text encoders and VAE from one file."""

    category = "loaders"
    display_name = "Load Checkpoint"

    ckpt_name: CheckpointFile

    class Outputs(NamedTuple):
        """The three parts of the file."""

        MODEL: Model
        CLIP: Clip
        VAE: Vae

    def run(self, context: Context) -> Outputs:
        """Recipes for the parts, after a look at the file's header."""
        from engine.inference import loading

        return self.Outputs(*loading.checkpoint(context, context.file("checkpoints", self.ckpt_name)))


class LoraLoader(Node):
    """A LoRA laid over a diffusion model and its text encoders while they are used; the weights stay as they are."""

    category = "loaders"
    display_name = "Load LoRA"

    model: Model
    clip: Clip
    lora_name: LoraFile
    strength_model: Strength = 1.0
    strength_clip: Strength = 1.0

    class Outputs(NamedTuple):
        """Both, changed."""

        MODEL: Model
        CLIP: Clip

    def run(self, context: Context) -> Outputs:
        """The recipes with one more patch each, after a look at the file's header."""
        if self.strength_model == 0 and self.strength_clip == 0:
            return self.Outputs(self.model, self.clip)
        from engine.inference.patches import lora

        file, strengths = context.file("loras", self.lora_name), (self.strength_model, self.strength_clip)
        return self.Outputs(*lora.on_both(context, file, self.model, self.clip, *strengths))


class LoraLoaderModelOnly(Node):
    """A LoRA laid over a diffusion model alone; what it holds for text encoders is left out."""

    category = "loaders"
    display_name = "LoraLoaderModelOnly"

    model: Model
    lora_name: LoraFile
    strength_model: Strength = 1.0

    class Outputs(NamedTuple):
        """The changed model."""

        MODEL: Model

    def run(self, context: Context) -> Outputs:
        """The recipe with one more patch, after a look at the file's header."""
        if self.strength_model == 0:
            return self.Outputs(self.model)
        from engine.inference.patches import lora

        file = context.file("loras", self.lora_name)
        return self.Outputs(lora.on_model(context, file, self.model, self.strength_model))


class VAELoader(Node):
    """An autoencoder from a file of its own."""

    category = "loaders"
    display_name = "Load VAE"

    vae_name: VaeFile

    class Outputs(NamedTuple):
        """The autoencoder."""

        VAE: Vae

    def run(self, context: Context) -> Outputs:
        """A recipe, after a look at the file's header."""
        from engine.inference import loading

        return self.Outputs(loading.autoencoder(context, context.file("vae", self.vae_name)))


class UNETLoader(Node):
    """A diffusion model from a file of its own, its weights kept as stored or rounded to fp8."""

    category = "advanced/loaders"
    display_name = "Load Diffusion Model"

    unet_name: DiffusionModelFile
    weight_dtype: WeightDtype

    class Outputs(NamedTuple):
        """The diffusion model."""

        MODEL: Model

    def run(self, context: Context) -> Outputs:
        """A recipe, after a look at the file's header."""
        from engine.inference import loading

        file = context.file("diffusion_models", self.unet_name)
        return self.Outputs(loading.diffusion_model(context, file, self.weight_dtype))


class CLIPLoader(Node):
    """One text encoder in a file of its own."""

    category = "advanced/loaders"
    display_name = "Load CLIP"

    clip_name: LoneTextEncoderFile
    type: ClipType
    device: Annotated[ClipDevice, Optional()] = "default"

    class Outputs(NamedTuple):
        """The encoder."""

        CLIP: Clip

    def run(self, context: Context) -> Outputs:
        """A recipe, after a look at the header."""
        from engine.inference import loading

        return self.Outputs(loading.named_text_encoders(context, (self.clip_name,), self.type, self.device))


class DualCLIPLoader(Node):
    """Two text encoders in files of their own, in either order."""

    category = "advanced/loaders"
    display_name = "DualCLIPLoader"

    clip_name1: TextEncoderFile
    clip_name2: TextEncoderFile
    type: DualClipType
    device: Annotated[ClipDevice, Optional()] = "default"

    class Outputs(NamedTuple):
        """Both encoders, as one."""

        CLIP: Clip

    def run(self, context: Context) -> Outputs:
        """A recipe, after a look at both headers."""
        from engine.inference import loading

        return self.Outputs(
            loading.named_text_encoders(context, (self.clip_name1, self.clip_name2), self.type, self.device)
        )


class TripleCLIPLoader(Node):
    """The three text encoders of SD3 in files of their own, in any order."""

    category = "advanced/loaders"

    clip_name1: TextEncoderFile
    clip_name2: TextEncoderFile
    clip_name3: TextEncoderFile

    class Outputs(NamedTuple):
        """All encoders, as one."""

        CLIP: Clip

    def run(self, context: Context) -> Outputs:
        """A recipe, after a look at the headers."""
        from engine.inference import loading

        return self.Outputs(
            loading.named_text_encoders(context, (self.clip_name1, self.clip_name2, self.clip_name3), "sd3")
        )


class QuadrupleCLIPLoader(Node):
    """The four text encoders of HiDream in files of their own, in any order.

    Llama must come from a GGUF file, which carries its vocabulary.
    """

    category = "advanced/loaders"

    clip_name1: TextEncoderFile
    clip_name2: TextEncoderFile
    clip_name3: TextEncoderFile
    clip_name4: TextEncoderFile

    class Outputs(NamedTuple):
        """All encoders, as one."""

        CLIP: Clip

    def run(self, context: Context) -> Outputs:
        """A recipe, after a look at the headers."""
        from engine.inference import loading

        names = (self.clip_name1, self.clip_name2, self.clip_name3, self.clip_name4)
        return self.Outputs(loading.named_text_encoders(context, names, "hidream"))


NODES = (
    CheckpointLoaderSimple,
    LoraLoader,
    LoraLoaderModelOnly,
    VAELoader,
    UNETLoader,
    CLIPLoader,
    DualCLIPLoader,
    TripleCLIPLoader,
    QuadrupleCLIPLoader,
)
