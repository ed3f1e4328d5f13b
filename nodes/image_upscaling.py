"""Pictures resized."""

from typing import Annotated, NamedTuple

from pydantic import Field

from schemas.choices import Crop, ResizeMethod
from schemas.context import Context
from schemas.node import Node, Optional
from schemas.sockets import Image
from schemas.widgets import Integer, Number, PixelsFrom0, ScaleFactor, Widget

Megapixels = Annotated[float, Number, Field(ge=0.01, le=16.0), Widget("FLOAT", step=0.01)]
Multiple = Annotated[int, Integer, Field(ge=1, le=256), Widget("INT")]


class ImageScale(Node):
    """Pictures of a given size."""

    category = "image/upscaling"
    display_name = "Upscale Image"

    image: Image
    upscale_method: ResizeMethod
    width: PixelsFrom0 = 512
    height: PixelsFrom0 = 512
    crop: Crop

    class Outputs(NamedTuple):
        """The resized pictures."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Resize them; a side of 0 follows from the other one."""
        from engine.inference import resizing

        centred = self.crop == "center"
        return self.Outputs(resizing.to_sides(self.image, self.width, self.height, self.upscale_method, centred))


class ImageScaleBy(Node):
    """Pictures resized by a factor."""

    category = "image/upscaling"
    display_name = "Upscale Image By"

    image: Image
    upscale_method: ResizeMethod
    scale_by: ScaleFactor = 1.0

    class Outputs(NamedTuple):
        """The resized pictures."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Resize them."""
        from engine.inference import resizing

        return self.Outputs(resizing.by_factor(self.image, self.scale_by, self.upscale_method))


class ImageScaleToTotalPixels(Node):
    """Pictures of so many pixels, their shape kept. Graphs older than resolution_steps leave it out."""

    category = "image/upscaling"

    image: Image
    upscale_method: ResizeMethod
    megapixels: Megapixels = 1.0
    resolution_steps: Annotated[Multiple, Optional()] = 1

    class Outputs(NamedTuple):
        """The resized pictures, whose sides are multiples of resolution_steps."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Resize them."""
        from engine.inference import resizing

        scaled = resizing.to_megapixels(self.image, self.megapixels, self.upscale_method, self.resolution_steps)
        return self.Outputs(scaled)


class FluxKontextImageScale(Node):
    """Pictures of a size that Flux Kontext was trained on."""

    category = "advanced/conditioning/flux"

    image: Image

    class Outputs(NamedTuple):
        """The pictures, cut and resized."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Resize them to the size nearest in shape."""
        from engine.inference import resizing

        return self.Outputs(resizing.for_kontext(self.image))


NODES = (
    ImageScale,
    ImageScaleBy,
    ImageScaleToTotalPixels,
    FluxKontextImageScale,
)
