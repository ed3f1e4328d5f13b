"""Importance matrices: how strongly each column of a matrix is fed, measured by llama.cpp's `imatrix` on real inputs.

Two file formats, both read by libgguf: the older binary one (.dat) and GGUF.
"""

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelFileInvalid
from engine.quantize.gguf_encoding import has_native

ANOTHER = "Give one that was measured on this model."
SHOWN = 3
"""Names that a message lists."""

Importance = Mapping[str, NDArray[np.float32]]


def read(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Importance:
    """Importance by the tensor's name. shapes: of the model's tensors.

    Raises ModelFileInvalid if the file is damaged or of another model, FileNotFoundError if it is not there.
    """
    if not has_native():
        raise ModelFileInvalid(
            str(path), "cannot be used without the library libgguf.", "Install it, or go without an imatrix."
        )
    import libgguf

    try:
        found: Importance = libgguf.load_imatrix(path)
    except (ValueError, struct.error, OverflowError, MemoryError) as error:
        raise ModelFileInvalid(str(path), f"is no importance matrix: {error}.", ANOTHER) from error
    wrong = [said for name, values in found.items() if (said := problem(name, values, shapes))]
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise ModelFileInvalid(str(path), f"does not fit: {', '.join(wrong[:SHOWN])}{more}.", ANOTHER)
    return found


def problem(name: str, values: NDArray[np.float32], shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """What is wrong with an entry."""
    if name not in shapes:
        return f"the model has no tensor {name[:80]!r}"
    shape = shapes[name]
    if len(shape) < 2 or values.shape != shape[-1:]:
        return f"{name!r} has {values.size} columns instead of {shape[-1]}"
    if not np.isfinite(values).all() or (values < 0).any():
        return f"{name!r} holds values that are negative or no numbers"
    return None
