"""Loaders of base models: their widgets and outputs, what they can load, and which one takes another's place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.weight_types import Format, WeightType

MODEL, CLIP, VAE = "MODEL", "CLIP", "VAE"
PLAIN: frozenset[Format] = frozenset({"fp8", "bf16", "fp16", "fp32"})
"""Formats that ComfyUI's own loaders read."""


@dataclass(frozen=True)
class LoaderClass:
    """A node class that loads model files.

    widgets: names with the value of each that is meant if nobody says otherwise, in the editor's order; those of files
    come first. folder: where its files are. outputs: wire types. formats: of the weights; empty if it loads no base
    model.
    """

    class_type: str
    display_name: str
    folder: str
    widgets: Mapping[str, Any]
    outputs: tuple[str, ...]
    formats: frozenset[Format] = frozenset()

    @property
    def file_field(self) -> str:
        """The widget that names the (first) file."""
        return next(iter(self.widgets))

    @property
    def whole(self) -> bool:
        """Whether it loads an all-in-one checkpoint."""
        return CLIP in self.outputs

    def values(self, **given: Any) -> dict[str, Any]:
        """All widgets: those given, the others as they are meant."""
        return {**self.widgets, **given}


CHECKPOINT = LoaderClass(
    "CheckpointLoaderSimple", "Load Checkpoint", "checkpoints", {"ckpt_name": ""}, (MODEL, CLIP, VAE), PLAIN
)
CHECKPOINT_NF4 = LoaderClass(
    "CheckpointLoaderNF4",
    "CheckpointLoaderNF4",
    "checkpoints",
    {"ckpt_name": ""},
    (MODEL, CLIP, VAE),
    frozenset({"nf4"}),
)
UNET = LoaderClass(
    "UNETLoader",
    "Load Diffusion Model",
    "diffusion_models",
    {"unet_name": "", "weight_dtype": "default"},
    (MODEL,),
    PLAIN,
)
UNET_NF4 = LoaderClass(
    "UNETLoaderNF4",
    "UNETLoaderNF4",
    "diffusion_models",
    {"unet_name": "", "bnb_dtype": "default"},
    (MODEL,),
    frozenset({"nf4"}),
)
UNET_GGUF = LoaderClass(
    "UnetLoaderGGUF", "Unet Loader (GGUF)", "diffusion_models", {"unet_name": ""}, (MODEL,), frozenset({"gguf"})
)
UNET_GGUF_ADVANCED = LoaderClass(
    "UnetLoaderGGUFAdvanced",
    "Unet Loader (GGUF/Advanced)",
    "diffusion_models",
    {"unet_name": "", "dequant_dtype": "default", "patch_dtype": "default", "patch_on_device": False},
    (MODEL,),
    frozenset({"gguf"}),
)
DUAL_CLIP = LoaderClass(
    "DualCLIPLoader",
    "DualCLIPLoader",
    "text_encoders",
    {"clip_name1": "", "clip_name2": "", "type": "flux", "device": "default"},
    (CLIP,),
)
DUAL_CLIP_GGUF = LoaderClass(
    "DualCLIPLoaderGGUF",
    "DualCLIPLoader (GGUF)",
    "text_encoders",
    {"clip_name1": "", "clip_name2": "", "type": "flux"},
    (CLIP,),
)
VAE_LOADER = LoaderClass("VAELoader", "Load VAE", "vae", {"vae_name": ""}, (VAE,))

BASE = {each.class_type: each for each in (CHECKPOINT, CHECKPOINT_NF4, UNET, UNET_NF4, UNET_GGUF, UNET_GGUF_ADVANCED)}
"""Loaders of base models, by class."""
ADDED = {each.class_type: each for each in (DUAL_CLIP, DUAL_CLIP_GGUF, VAE_LOADER)}
"""Loaders of the rest of a checkpoint, by class."""

ROUNDING = {
    "fp8_e4m3fn": WeightType("fp8", "e4m3fn"),
    "fp8_e4m3fn_fast": WeightType("fp8", "e4m3fn"),
    "fp8_e5m2": WeightType("fp8", "e5m2"),
}
"""UNETLoader's weight_dtype that rounds while loading, and what the weights are then."""


def successor(old: LoaderClass, to: WeightType) -> LoaderClass:
    """The loader that takes the place of `old` for weights of this type."""
    if to.format in old.formats:
        return old
    if to.format == "gguf":
        return UNET_GGUF
    if to.format == "nf4":
        return CHECKPOINT_NF4 if old.whole else UNET_NF4
    return CHECKPOINT if old.whole else UNET


def by_name(known: LoaderClass, values: Any, extra: Sequence[str] = ()) -> dict[str, Any]:
    """Widget values as the editor has them, in a list by position or by name, as names with values."""
    if isinstance(values, dict):
        return dict(values)
    names = (*known.widgets, *extra)
    return dict(zip(names, values, strict=False)) if isinstance(values, list) else {}
