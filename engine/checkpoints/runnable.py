"""Which of the models that headers show can be run, told before anything is loaded."""

from collections.abc import Mapping

from engine.checkpoints import detect
from engine.checkpoints.detect import Part
from engine.checkpoints.families.flux import FluxSizes
from engine.checkpoints.index import TensorIndex
from engine.errors import ModelFileInvalid

SINGLE_FILE = "Use a file with the key names of the published single files."
LAYOUTS: Mapping[str, str] = {"flux": "bfl", "clip_l": "hf", "t5xxl": "hf", "kl_vae": "ldm"}
"""Kinds of models that can be run, each with the layout of key names that is understood."""

PACKED = ("nf4", "gguf:")
"""Beginnings of storages whose matrices cannot be decoded yet."""


def require(index: TensorIndex, *kinds: str) -> Part:
    """The largest part of one of these kinds. Raises ModelFileInvalid if the file has none, or none that can be run."""
    part = detect.require(index, *kinds)
    refusal = refused(part)
    if refusal is not None:
        raise ModelFileInvalid(index.path, *refusal)
    return part


def refused(part: Part) -> tuple[str, str] | None:
    """Why a part cannot be run and what to do, or None if it can."""
    if part.kind not in LAYOUTS:
        known = ", ".join(sorted(LAYOUTS))
        return f"holds {part.title}, which cannot be run yet.", f"Models of these kinds can be run: {known}."
    if part.layout != LAYOUTS[part.kind]:
        return f"holds {part.title} with key names of {part.layout}, which cannot be run yet.", SINGLE_FILE
    if part.storage.startswith(PACKED):
        return f"holds {part.title} stored as {part.storage}, which cannot be run yet.", "Use an fp8 or 16-bit file."
    if isinstance(part.sizes, FluxSizes) and part.sizes.in_channels != part.sizes.out_channels:
        takes = f"takes a picture besides its latent ({part.sizes.in_channels} channels)"
        return f"holds {part.title} that {takes}, which is not supported yet.", "Use a text-to-picture model."
    return None
