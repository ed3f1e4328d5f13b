"""Pictures in and out, made, joined and laid over one another."""

from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field

from schemas.context import Context
from schemas.node import Node, Optional
from schemas.sockets import Image, Mask
from schemas.widgets import MAX_RESOLUTION, BatchSize, InputPicture, Integer, Line, Pixels, PixelsFrom0, Toggle, Widget

Colour = Annotated[int, Integer, Field(ge=0, le=0xFFFFFF), Widget("INT", step=1)]
"""0xRRGGBB."""
Margin = Annotated[int, Integer, Field(ge=0, le=MAX_RESOLUTION), Widget("INT", step=8)]
BatchIndex = Annotated[int, Integer, Field(ge=0, le=4095), Widget("INT")]


class LoadImage(Node):
    """A picture of the input folder, and its transparency as a mask."""

    category = "image"
    display_name = "Load Image"
    ignored_inputs: ClassVar[frozenset[str]] = frozenset({"upload", "choose file to upload"})

    image: InputPicture

    class Outputs(NamedTuple):
        """The picture's colours, and 1 where it is transparent."""

        IMAGE: Image
        MASK: Mask

    def run(self, context: Context) -> Outputs:
        """Read every frame."""
        from engine.inference import pictures

        return self.Outputs(*pictures.load(context.input_file(self.image)))


class SaveImage(Node):
    """Write pictures to the output folder, with the graph that made them inside."""

    category = "image"
    display_name = "Save Image"
    output_node = True

    images: Image
    filename_prefix: Line = "ComfyUI"

    class Outputs(NamedTuple):
        """The same pictures."""

        images: Image

    def run(self, context: Context) -> Outputs:
        """Write one PNG for each picture of the batch."""
        from engine.inference import pictures

        pictures.save(context, self.images, self.filename_prefix, "output")
        return self.Outputs(self.images)


class PreviewImage(Node):
    """Write pictures to the folder for temporary files."""

    category = "image"
    display_name = "Preview Image"
    output_node = True

    images: Image

    class Outputs(NamedTuple):
        """The same pictures."""

        images: Image

    def run(self, context: Context) -> Outputs:
        """Write one PNG for each picture of the batch."""
        from engine.inference import pictures

        pictures.save(context, self.images, "ComfyUI_temp", "temp")
        return self.Outputs(self.images)


class EmptyImage(Node):
    """Pictures of one colour."""

    category = "image"

    width: Pixels = 512
    height: Pixels = 512
    batch_size: BatchSize = 1
    color: Colour = 0

    class Outputs(NamedTuple):
        """The batch."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Fill it."""
        from engine.inference import canvas

        return self.Outputs(canvas.filled(self.width, self.height, self.batch_size, self.color))


class ImageInvert(Node):
    """The negative of pictures."""

    category = "image"
    display_name = "Invert Image"

    image: Image

    class Outputs(NamedTuple):
        """The negatives."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Turn light into dark."""
        return self.Outputs(1.0 - self.image)


class ImageBatch(Node):
    """Two batches of pictures as one."""

    category = "image"
    display_name = "Batch Images"

    image1: Image
    image2: Image

    class Outputs(NamedTuple):
        """All of them, with the sides of the first."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Join them; the second batch is resized if need be."""
        from engine.inference import canvas

        return self.Outputs(canvas.joined(self.image1, self.image2))


class RepeatImageBatch(Node):
    """A batch of pictures several times over."""

    category = "image/batch"

    image: Image
    amount: BatchSize = 1

    class Outputs(NamedTuple):
        """The longer batch."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Repeat it."""
        return self.Outputs(self.image.repeat(self.amount, 1, 1, 1))


class ImageFromBatch(Node):
    """Some pictures of a batch."""

    category = "image/batch"

    image: Image
    batch_index: BatchIndex = 0
    length: BatchSize = 1

    class Outputs(NamedTuple):
        """Those pictures, fewer where the batch ends."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Take them."""
        from engine.inference import canvas

        return self.Outputs(canvas.taken(self.image, self.batch_index, self.length))


class ImagePadForOutpaint(Node):
    """Margins to be painted, and the mask that says where."""

    category = "image"
    display_name = "Pad Image for Outpainting"

    image: Image
    left: Margin = 0
    top: Margin = 0
    right: Margin = 0
    bottom: Margin = 0
    feathering: PixelsFrom0 = 40

    class Outputs(NamedTuple):
        """The picture with grey margins, and 1 on them, fading inwards."""

        IMAGE: Image
        MASK: Mask

    def run(self, context: Context) -> Outputs:
        """Widen the picture."""
        from engine.inference import canvas

        return self.Outputs(*canvas.widened(self.image, self.left, self.top, self.right, self.bottom, self.feathering))


class GetImageSize(Node):
    """The sides of pictures, and how many they are."""

    category = "image"
    display_name = "Get Image Size"

    image: Image

    class Outputs(NamedTuple):
        """In pixels, and the number of pictures."""

        width: Pixels
        height: Pixels
        batch_size: BatchSize

    def run(self, context: Context) -> Outputs:
        """Read them off."""
        count, height, width = self.image.shape[:3]
        return self.Outputs(width, height, count)


class ImageCompositeMasked(Node):
    """Pictures laid over others, where a mask says so."""

    category = "image"

    destination: Image
    source: Image
    x: PixelsFrom0 = 0
    y: PixelsFrom0 = 0
    resize_source: Toggle = False
    mask: Annotated[Mask, Optional()] = None

    class Outputs(NamedTuple):
        """The pictures below, with those above in place."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Lay the source over the destination."""
        from engine.inference import canvas

        placed = canvas.laid_over(self.destination, self.source, self.x, self.y, self.resize_source, self.mask)
        return self.Outputs(placed)


NODES = (
    LoadImage,
    SaveImage,
    PreviewImage,
    EmptyImage,
    ImageInvert,
    ImageBatch,
    RepeatImageBatch,
    ImageFromBatch,
    ImagePadForOutpaint,
    GetImageSize,
    ImageCompositeMasked,
)
