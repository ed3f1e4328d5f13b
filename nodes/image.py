"""Pictures in and out."""

from typing import ClassVar, NamedTuple

from schemas.context import Context
from schemas.node import Node
from schemas.sockets import Image, Mask
from schemas.widgets import InputPicture, Line


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


NODES = (LoadImage, SaveImage, PreviewImage)
