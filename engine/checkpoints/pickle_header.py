"""The table of contents of a PyTorch pickle (.ckpt, .pt, .pth), read without executing anything in it."""

from typing import Any, BinaryIO, NoReturn

from engine.checkpoints.storage import TensorInfo
from engine.errors import ModelFileInvalid


def read_header(path: str, file: BinaryIO, size: int) -> tuple[dict[str, TensorInfo], dict[str, Any]] | NoReturn:
    """Not read by this version: raises ModelFileInvalid."""
    raise ModelFileInvalid(path, "is a PyTorch pickle, which this version does not read.", "Convert it to safetensors.")
