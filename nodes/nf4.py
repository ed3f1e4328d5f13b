"""Models with 4-bit weights of bitsandbytes, as the node packs for NF4 load them. Weights stay in four bits."""

from typing import Annotated, ClassVar, NamedTuple

from schemas.choices import BnbDtype
from schemas.context import Context
from schemas.node import Node, Optional
from schemas.sockets import Clip, Model, Vae
from schemas.widgets import CheckpointFile, DiffusionModelFile


class CheckpointLoaderNF4(Node):
    """An all-in-one checkpoint whose diffusion model is in NF4 or FP4."""

    category = "loaders"
    ignored_inputs: ClassVar[frozenset[str]] = frozenset({"bnb_dtype"})

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


class UNETLoaderNF4(Node):
    """A diffusion model in NF4 or FP4 from a file of its own."""

    category = "advanced/loaders"
    display_name = "Load FP4 or NF4 Quantized Diffusion or UNET Model"

    unet_name: DiffusionModelFile
    bnb_dtype: Annotated[BnbDtype, Optional()] = "default"

    class Outputs(NamedTuple):
        """The diffusion model."""

        MODEL: Model

    def run(self, context: Context) -> Outputs:
        """A recipe, after a look at the file's header, which must have the kind of weights that was asked for."""
        from engine.inference import loading

        file = context.file("diffusion_models", self.unet_name)
        return self.Outputs(loading.four_bit_model(context, file, self.bnb_dtype))


NODES = (CheckpointLoaderNF4, UNETLoaderNF4)
