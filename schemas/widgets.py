"""Kinds of node fields that hold a literal: how they are coerced, bounded and shown.

Coercion follows ComfyUI's server: an INT takes whatever Python's int() takes ("20", 20.0), a FLOAT what float() takes,
a STRING what str() makes of it, a BOOLEAN the truth of the value.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field


@dataclass(frozen=True)
class Widget:
    """How a literal field is described to people and to the converter. Bounds live in the pydantic Field beside it.

    type: "INT", "FLOAT", "STRING", "BOOLEAN" or "COMBO". folder: the model folder whose files are the choices
    ("input" for the input folder); extra: choices that are no files. control: a UI file has a control_after_generate
    value behind this widget's. upload: a UI file has an upload button's value behind it. holds: kinds of models of
    which the file must hold one, as engine.checkpoints names them. distinct: each such field of a node must name a file
    that holds what those before it do not. unless_zero: names of numbers beside the field; with all of them 0 the file
    is not read. unavailable: choices that ComfyUI offers and this version cannot run.
    """

    type: str
    step: float | None = None
    folder: str | None = None
    extra: tuple[str, ...] = ()
    multiline: bool = False
    dynamic_prompts: bool = False
    control: bool = False
    upload: bool = False
    holds: tuple[str, ...] = ()
    distinct: bool = False
    unless_zero: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()


def as_integer(value: Any) -> Any:
    """What ComfyUI's int() makes of a literal; anything int() refuses is left for pydantic to name."""
    if isinstance(value, bool | int):
        return int(value)
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return value


def as_number(value: Any) -> Any:
    """What ComfyUI's float() makes of a literal; anything float() refuses is left for pydantic to name."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return value


def as_text(value: Any) -> Any:
    """What ComfyUI's str() makes of a literal. Lists and objects are no text; they are left for pydantic to name."""
    return value if isinstance(value, list | dict) or value is None else str(value)


def as_truth(value: Any) -> Any:
    """What ComfyUI's bool() makes of a literal. Lists and objects are left for pydantic to name."""
    return value if isinstance(value, list | dict) or value is None else bool(value)


Integer = BeforeValidator(as_integer)
Number = BeforeValidator(as_number)
Text = BeforeValidator(as_text)
Truth = BeforeValidator(as_truth)

MAX_RESOLUTION = 16384

Seed = Annotated[int, Integer, Field(ge=0, le=0xFFFFFFFFFFFFFFFF), Widget("INT", control=True)]
Steps = Annotated[int, Integer, Field(ge=1, le=10_000), Widget("INT")]
StepIndex = Annotated[int, Integer, Field(ge=0, le=10_000), Widget("INT")]
Cfg = Annotated[float, Number, Field(ge=0.0, le=100.0), Widget("FLOAT", step=0.1)]
Guidance = Annotated[float, Number, Field(ge=0.0, le=100.0), Widget("FLOAT", step=0.1)]
Shift = Annotated[float, Number, Field(ge=0.0, le=100.0), Widget("FLOAT", step=0.01)]
Strength = Annotated[float, Number, Field(ge=-100.0, le=100.0), Widget("FLOAT", step=0.01)]
Fraction = Annotated[float, Number, Field(ge=0.0, le=1.0), Widget("FLOAT", step=0.01)]
LastLayer = Annotated[int, Integer, Field(ge=-24, le=-1), Widget("INT", step=1)]
BatchSize = Annotated[int, Integer, Field(ge=1, le=4096), Widget("INT")]
Pixels8 = Annotated[int, Integer, Field(ge=16, le=MAX_RESOLUTION), Widget("INT", step=8)]
Pixels16 = Annotated[int, Integer, Field(ge=16, le=MAX_RESOLUTION), Widget("INT", step=16)]
Pixels = Annotated[int, Integer, Field(ge=1, le=MAX_RESOLUTION), Widget("INT", step=1)]
ScaleFactor = Annotated[float, Number, Field(ge=0.01, le=8.0), Widget("FLOAT", step=0.01)]
PixelsFrom0 = Annotated[int, Integer, Field(ge=0, le=MAX_RESOLUTION), Widget("INT", step=1)]

Line = Annotated[str, Text, Widget("STRING")]
Paragraph = Annotated[str, Text, Widget("STRING", multiline=True)]
PromptText = Annotated[str, Text, Widget("STRING", multiline=True, dynamic_prompts=True)]
Toggle = Annotated[bool, Truth, Widget("BOOLEAN")]

Enable = Annotated[Literal["enable", "disable"], Widget("COMBO")]
Disable = Annotated[Literal["disable", "enable"], Widget("COMBO"), Field(description="off by default")]
"""The description keeps it apart from Enable: typing takes Literals of equal members, in any order, for one."""

CheckpointFile = Annotated[str, Text, Widget("COMBO", folder="checkpoints", holds=("flux",))]
DiffusionModelFile = Annotated[str, Text, Widget("COMBO", folder="diffusion_models", holds=("flux",))]
TextEncoderFile = Annotated[
    str, Text, Widget("COMBO", folder="text_encoders", holds=("clip_l", "clip_g", "t5xxl", "llama"), distinct=True)
]
"""For loaders of several encoders."""
LoneTextEncoderFile = Annotated[
    str, Text, Widget("COMBO", folder="text_encoders", holds=("clip_l", "clip_g", "clip_h", "t5xxl", "llama"))
]
"""For loaders of one encoder."""
GgufModelFile = Annotated[str, Text, Widget("COMBO", folder="unet_gguf", holds=("flux",))]
VaeFile = Annotated[
    str, Text, Widget("COMBO", folder="vae", extra=("pixel_space",), holds=("kl_vae",), unavailable=("pixel_space",))
]
LoraFile = Annotated[
    str, Text, Widget("COMBO", folder="loras", holds=("lora",), unless_zero=("strength_model", "strength_clip"))
]
InputPicture = Annotated[str, Text, Widget("COMBO", folder="input", upload=True)]
