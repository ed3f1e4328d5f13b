"""Model files become recipes: headers are looked at, no weights are read."""

from collections.abc import Sequence

from engine.checkpoints import detect, index, runnable
from engine.checkpoints.storage import is_packed
from engine.errors import ModelFileInvalid
from engine.inference.encoders import parts
from schemas.context import Context
from schemas.sockets import ClipRef, FileRef, ModelRef, VaeRef


def checkpoint(context: Context, file: FileRef) -> tuple[ModelRef, ClipRef, VaeRef]:
    """The three recipes of an all-in-one file.

    Raises ModelFileInvalid if it holds no diffusion model that can be run. Text encoders and autoencoder may be
    missing, since a graph need not use them: that is a warning here, and an error when they are used.
    """
    runnable.require(index.read(file.path), "flux")
    held = {part.kind for part in detect.parts(index.read(file.path))}
    missing = [
        name for name, kinds in (("text encoders (CLIP)", set(parts.FLUX)), ("VAE", {"kl_vae"})) if not kinds <= held
    ]
    if missing:
        context.warn(f"{file.name} holds no {' and no '.join(missing)}; load them from files of their own.")
    return ModelRef(file), ClipRef((file,)), VaeRef(file)


def diffusion_model(
    context: Context, file: FileRef, weight_dtype: str = "default", decoded_as: str = "default"
) -> ModelRef:
    """The recipe of a diffusion model, alone in its file or inside a checkpoint.

    weight_dtype: a key of network.ROUNDING. decoded_as: a key of network.DECODED. Raises ModelFileInvalid if the file
    holds none that can be run.
    """
    part = runnable.require(index.read(file.path), "flux")
    if is_packed(part.storage) and weight_dtype != "default":
        context.warn(f"weight_dtype {weight_dtype} changes nothing in {file.name}: its weights are {part.storage}.")
        weight_dtype = "default"
    return ModelRef(file, weight_dtype, decoded_as=decoded_as)


def four_bit_model(context: Context, file: FileRef, kind: str) -> ModelRef:
    """The recipe of a diffusion model with 4-bit weights. kind: "nf4", "fp4", or "default" for any storage.

    Raises ModelFileInvalid if the file holds none that can be run, or one of another kind.
    """
    part = runnable.require(index.read(file.path), "flux")
    if kind not in ("default", part.storage):
        fix = "Choose bnb_dtype default, or a file of that kind."
        raise ModelFileInvalid(file.path, f"holds {part.title} stored as {part.storage}, not {kind}.", fix)
    return diffusion_model(context, file)


def text_encoders(context: Context, files: Sequence[FileRef], family: str, device: str = "default") -> ClipRef:
    """The recipe of text encoders for the models that a loader's `type` names ("flux"), in any order.

    device: "default" or "cpu". Raises ModelFileInvalid if an encoder that they read is in none of the files, a file
    brings none, or the type cannot be run.
    """
    clip = ClipRef(tuple(files), family, device)
    parts.encoders(clip)
    return clip


def named_text_encoders(context: Context, names: Sequence[str], family: str, device: str = "default") -> ClipRef:
    """The same for files by their names in the folder for text encoders. Raises FileMissing too."""
    return text_encoders(context, [context.file("text_encoders", name) for name in names], family, device)


def autoencoder(context: Context, file: FileRef) -> VaeRef:
    """The recipe of an autoencoder, alone in its file or in a checkpoint. Raises ModelFileInvalid if there is none."""
    runnable.require(index.read(file.path), "kl_vae")
    return VaeRef(file)
