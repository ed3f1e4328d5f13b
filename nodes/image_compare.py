"""Pictures side by side, and in one batch."""

from functools import reduce
from typing import Annotated, Any, ClassVar, NamedTuple

from schemas.context import Context
from schemas.node import Growing, Node, Optional
from schemas.sockets import Image, Socket

MOST_IMAGES = 50
Images = Annotated[
    dict[str, Any],
    Socket("COMFY_AUTOGROW_V3"),
    Growing(Image, tuple(f"image{number}" for number in range(MOST_IMAGES))),
]


class ImageCompare(Node):
    """Write pictures to the folder for temporary files, those to compare under two names."""

    category = "image"
    display_name = "Compare Images"
    output_node = True
    ignored_inputs: ClassVar[frozenset[str]] = frozenset({"compare_view"})
    """The editor's view of both; nothing is to be computed from it."""

    image_a: Annotated[Image, Optional()] = None
    image_b: Annotated[Image, Optional()] = None

    def run(self, context: Context) -> tuple[()]:
        """Write one PNG for each picture of both batches."""
        from engine.inference import pictures

        for name, images in (("a", self.image_a), ("b", self.image_b)):
            if images is not None:
                pictures.save(context, images, f"comfy.compare.{name}", "temp")
        return ()


class BatchImagesNode(Node):
    """Pictures as one batch, those of another size resized to the first one's, with equal margins cut off."""

    category = "image/batch"
    display_name = "Batch Images"

    images: Images

    class Outputs(NamedTuple):
        """All the pictures."""

        IMAGE: Image

    def run(self, context: Context) -> Outputs:
        """Put them together."""
        from engine.inference import canvas

        return self.Outputs(reduce(canvas.joined, self.images.values()))


NODES = (ImageCompare, BatchImagesNode)
