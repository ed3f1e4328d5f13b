"""Pictures that a run has saved, made small enough to be drawn into the nodes that saved them."""

import warnings
from pathlib import Path

from PIL import Image

LARGEST = 1024
"""Pixels along the longer side."""
MOST_PIXELS = 64 * 2**20
"""Larger pictures are not opened."""


class Thumbnails:
    """Pictures by path, each read once."""

    def __init__(self) -> None:
        """None yet."""
        self._known: dict[str, Image.Image | None] = {}

    def of(self, path: str) -> Image.Image | None:
        """The picture, or None if it is no longer there or cannot be read."""
        if path not in self._known:
            self._known[path] = read(path)
        return self._known[path]


def read(path: str, largest: int = LARGEST) -> Image.Image | None:
    """A picture, RGB, its longer side at most so many pixels; None if it is not there or cannot be read."""
    if not Path(path).is_file():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    return None
                picture.thumbnail((largest, largest))
                return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
