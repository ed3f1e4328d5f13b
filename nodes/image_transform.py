"""Pictures cut, mirrored, turned and blurred."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from schemas.context import Context
from schemas.node import Node
from schemas.sockets import Image
from schemas.widgets import Integer, Number, Pixels, PixelsFrom0, Widget

ROTATIONS = ("none", "90 degrees", "180 degrees", "270 degrees")
"""By the number of quarter turns."""
Rotation = Annotated[Literal["none", "90 degrees", "180 degrees", "270 degrees"], Widget("COMBO")]
FlipMethod = Annotated[Literal["x-axis: vertically", "y-axis: horizontally"], Widget("COMBO")]
BlurRadius = Annotated[int, Integer, Field(ge=1, le=31), Widget("INT", step=1)]
BlurSigma = Annotated[float, Number, Field(ge=0.1, le=10.0), Widget("FLOAT", step=0.1)]


class ImageCrop(Node):
    """A part of pictures."""

    category = "image/transform"
    display_name = "Image Crop"

    image: Image
    width: Pixels = 512
    height: Pixels = 512
    x: PixelsFrom0 = 0
    y: PixelsFrom0 = 0

    class Outputs(NamedTuple):
        """The part, smaller where the pictures end."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Cut it out."""
        from engine.inference import canvas

        return self.Outputs(canvas.cropped(self.image, self.x, self.y, self.width, self.height))


class ImageFlip(Node):
    """Pictures mirrored."""

    category = "image/transform"

    image: Image
    flip_method: FlipMethod

    class Outputs(NamedTuple):
        """Upside down, or left for right."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Mirror them."""
        axis = 1 if self.flip_method.startswith("x") else 2
        return self.Outputs(self.image.flip(axis))


class ImageRotate(Node):
    """Pictures turned clockwise."""

    category = "image/transform"

    image: Image
    rotation: Rotation

    class Outputs(NamedTuple):
        """The turned pictures."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Turn them."""
        turns = ROTATIONS.index(self.rotation)
        return self.Outputs(self.image.rot90(turns, (2, 1)))


class ImageBlur(Node):
    """Pictures blurred."""

    category = "image/postprocessing"

    image: Image
    blur_radius: BlurRadius = 1
    sigma: BlurSigma = 1.0

    class Outputs(NamedTuple):
        """The blurred pictures."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Blur them."""
        from engine.inference import canvas

        return self.Outputs(canvas.blurred(self.image, self.blur_radius, self.sigma))


NODES = (
    ImageCrop,
    ImageFlip,
    ImageRotate,
    ImageBlur,
)
