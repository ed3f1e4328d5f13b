"""Masks: made, taken from pictures and files, changed and joined."""

from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from schemas.context import Context
from schemas.node import Node
from schemas.sockets import Image, Mask
from schemas.widgets import (
    MAX_RESOLUTION,
    Fraction,
    InputPicture,
    Integer,
    Pixels,
    PixelsFrom0,
    Toggle,
    Widget,
)

Channel = Annotated[Literal["red", "green", "blue", "alpha"], Widget("COMBO")]
FileChannel = Annotated[
    Literal["alpha", "red", "green", "blue"], Widget("COMBO"), Field(description="alpha by default")
]
"""The description keeps it apart from Channel: typing takes Literals of equal members, in any order, for one."""
Operation = Annotated[Literal["multiply", "add", "subtract", "and", "or", "xor"], Widget("COMBO")]
Growth = Annotated[int, Integer, Field(ge=-MAX_RESOLUTION, le=MAX_RESOLUTION), Widget("INT", step=1)]


class SolidMask(Node):
    """A mask of one value."""

    category = "mask"

    value: Fraction = 1.0
    width: Pixels = 512
    height: Pixels = 512

    class Outputs(NamedTuple):
        """The mask."""

        MASK: Mask

    def run(self, context: Context) -> Outputs:
        """Fill it."""
        from engine.inference import masks

        return self.Outputs(masks.solid(self.value, self.width, self.height))


class InvertMask(Node):
    """What was masked is not, and the other way round."""

    category = "mask"

    mask: Mask

    class Outputs(NamedTuple):
        """The mask's opposite."""

        MASK: Mask

    def run(self, context: Context) -> Outputs:
        """Turn 1 into 0."""
        return self.Outputs(1.0 - self.mask)


class MaskToImage(Node):
    """A mask as grey pictures."""

    category = "mask"
    display_name = "Convert Mask to Image"

    mask: Mask

    class Outputs(NamedTuple):
        """White where the mask is 1."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Give it three equal channels."""
        from engine.inference import masks

        return self.Outputs(masks.as_images(self.mask))


class ImageToMask(Node):
    """One channel of pictures as a mask."""

    category = "mask"
    display_name = "Convert Image to Mask"

    image: Image
    channel: Channel

    class Outputs(NamedTuple):
        """The channel's values."""

        MASK: Mask

    def run(self, context: Context) -> Outputs:
        """Take the channel."""
        from engine.inference import masks

        return self.Outputs(masks.of_channel(self.image, self.channel))


class LoadImageMask(Node):
    """One channel of a picture of the input folder, as a mask."""

    category = "mask"
    display_name = "Load Image (as Mask)"
    ignored_inputs: ClassVar[frozenset[str]] = frozenset({"upload", "choose file to upload"})

    image: InputPicture
    channel: FileChannel

    class Outputs(NamedTuple):
        """The channel's values; for alpha 1 where the picture is transparent."""

        MASK: Mask

    def run(self, context: Context) -> Outputs:
        """Read the first frame."""
        from engine.inference import pictures

        return self.Outputs(pictures.load_channel(context.input_file(self.image), self.channel))


class GrowMask(Node):
    """A mask with its bright parts grown, or shrunk."""

    category = "mask"

    mask: Mask
    expand: Growth = 0
    tapered_corners: Toggle = True

    class Outputs(NamedTuple):
        """The other mask."""

        MASK: Mask

    def run(self, context: Context) -> Outputs:
        """Grow it by so many pixels."""
        from engine.inference import masks

        return self.Outputs(masks.grown(self.mask, self.expand, self.tapered_corners))


class FeatherMask(Node):
    """A mask that fades out towards its edges."""

    category = "mask"

    mask: Mask
    left: PixelsFrom0 = 0
    top: PixelsFrom0 = 0
    right: PixelsFrom0 = 0
    bottom: PixelsFrom0 = 0

    class Outputs(NamedTuple):
        """The fading mask."""

        MASK: Mask

    def run(self, context: Context) -> Outputs:
        """Fade it over so many pixels."""
        from engine.inference import masks

        return self.Outputs(masks.feathered(self.mask, self.left, self.top, self.right, self.bottom))


class MaskComposite(Node):
    """A mask joined to another one."""

    category = "mask"

    destination: Mask
    source: Mask
    x: PixelsFrom0 = 0
    y: PixelsFrom0 = 0
    operation: Operation

    class Outputs(NamedTuple):
        """The destination, changed where the source lies."""

        MASK: Mask

    def run(self, context: Context) -> Outputs:
        """Join them."""
        from engine.inference import masks

        return self.Outputs(masks.joined(self.destination, self.source, self.x, self.y, self.operation))


class CropMask(Node):
    """A part of a mask."""

    category = "mask"

    mask: Mask
    x: PixelsFrom0 = 0
    y: PixelsFrom0 = 0
    width: Pixels = 512
    height: Pixels = 512

    class Outputs(NamedTuple):
        """The part, smaller where the mask ends."""

        MASK: Mask

    def run(self, context: Context) -> Outputs:
        """Cut it out."""
        from engine.inference import masks

        return self.Outputs(masks.cropped(self.mask, self.x, self.y, self.width, self.height))


NODES = (
    SolidMask,
    InvertMask,
    MaskToImage,
    ImageToMask,
    LoadImageMask,
    GrowMask,
    FeatherMask,
    MaskComposite,
    CropMask,
)
