"""Pictures and masks resized in whichever way is chosen."""

from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field

from schemas.choices import Crop, ResizeMethod
from schemas.context import Context
from schemas.node import Choosing, Node
from schemas.sockets import Socket
from schemas.widgets import MAX_RESOLUTION, Integer, Number, PixelsFrom0, ScaleFactor, Widget

Megapixels = Annotated[float, Number, Field(ge=0.01, le=16.0), Widget("FLOAT", step=0.01)]
Multiple = Annotated[int, Integer, Field(ge=1, le=MAX_RESOLUTION), Widget("INT", step=1)]
ImageOrMask = Annotated[Any, Socket("IMAGE,MASK")]


class Sides(BaseModel):
    """Both sides in pixels; a side of 0 follows from the other one."""

    width: PixelsFrom0 = 512
    height: PixelsFrom0 = 512
    crop: Crop = "center"


class Scale(BaseModel):
    """A factor for both sides."""

    multiplier: ScaleFactor = 1.0


class LongerSide(BaseModel):
    """The longer side in pixels."""

    longer_size: PixelsFrom0 = 512


class ShorterSide(BaseModel):
    """The shorter side in pixels."""

    shorter_size: PixelsFrom0 = 512


class Width(BaseModel):
    """The width in pixels."""

    width: PixelsFrom0 = 512


class Height(BaseModel):
    """The height in pixels."""

    height: PixelsFrom0 = 512


class Area(BaseModel):
    """How many times 1024² pixels."""

    megapixels: Megapixels = 1.0


class Likeness(BaseModel):
    """A picture or mask that has the size wanted."""

    match: ImageOrMask
    crop: Crop = "center"


class Multiples(BaseModel):
    """What both sides shall be multiples of."""

    multiple: Multiple = 8


ResizeType = Annotated[
    Any,
    Widget("COMFY_DYNAMICCOMBO_V3"),
    Choosing(
        {
            "scale dimensions": Sides,
            "scale by multiplier": Scale,
            "scale longer dimension": LongerSide,
            "scale shorter dimension": ShorterSide,
            "scale width": Width,
            "scale height": Height,
            "scale total pixels": Area,
            "match size": Likeness,
            "scale to multiple": Multiples,
        }
    ),
]


class ResizeImageMaskNode(Node):
    """Pictures or masks of another size, their shape kept unless both sides are given."""

    category = "image/transform"
    display_name = "Resize Image/Mask"

    input: ImageOrMask
    resize_type: ResizeType
    scale_method: ResizeMethod = "area"

    class Outputs(NamedTuple):
        """The resized pictures or masks."""

        resized: ImageOrMask

    def run(self, context: Context) -> Outputs:
        """Resize them. Raises GraphInvalid if nothing would be left."""
        from engine.inference import fitting

        return self.Outputs(fitting.fitted(self.input, dict(self.resize_type), self.scale_method))


NODES = (ResizeImageMaskNode,)
