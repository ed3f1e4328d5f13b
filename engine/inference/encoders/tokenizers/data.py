"""The tokenizers' data files."""

import lzma
from importlib.resources import files

FOLDER = files("engine.inference.encoders") / "data"


def read(name: str) -> str:
    """The text of an xz-compressed data file."""
    return lzma.decompress((FOLDER / name).read_bytes()).decode("utf-8")
