"""Which files take the place of a checkpoint's text encoders and autoencoder: found by their headers, else by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.checkpoints.detect import Part
from engine.checkpoints.families.kl_vae import VaeSizes
from engine.convert.loaders import DUAL_CLIP, DUAL_CLIP_GGUF, VAE_LOADER, LoaderClass
from engine.convert.stored import SourceFile, readable
from engine.folders import Folders
from schemas.conversion import PartKind

T5, CLIP_L, AUTOENCODER = "t5xxl_fp8_e4m3fn.safetensors", "clip_l.safetensors", "ae.safetensors"
"""Names under which ComfyUI's own examples have them."""
T5_NAMES = {
    "fp8_e4m3fn scaled": "t5xxl_fp8_e4m3fn_scaled.safetensors",
    "fp16": "t5xxl_fp16.safetensors",
    "bf16": "t5xxl_bf16.safetensors",
    "fp32": "t5xxl_fp32.safetensors",
}
"""The name of one that is taken out of a checkpoint and stored otherwise there."""
LATENT_CHANNELS = 16
"""Of Flux's autoencoder."""
STORAGES = ("fp8_e4m3fn", "fp8_e4m3fn scaled", "fp16", "bf16", "fp8_e5m2", "fp32")
"""Of a text encoder, the most wanted first; GGUF and others behind them."""


@dataclass(frozen=True)
class Companion:
    """A loader to add. files: (folder, name, kind of the part) of each file it names."""

    loader: LoaderClass
    values: dict[str, Any]
    files: tuple[tuple[str, str, PartKind], ...]


class Companions:
    """Looks through model folders once; without folders the usual names have to do."""

    def __init__(self, folders: Folders | None) -> None:
        """folders: where the models are, if that is known."""
        self._folders = folders

    @cached_property
    def _encoders(self) -> list[SourceFile]:
        return readable(self._folders, "text_encoders") if self._folders else []

    def text_encoders(self, source: SourceFile) -> Companion:
        """A loader of T5 and CLIP-L. source: the checkpoint that they can be taken out of."""
        files, inside = self._encoders, source.part("t5xxl")
        t5 = best(files, "t5xxl", T5, T5_NAMES.get(inside.storage, T5) if inside else T5)
        clip = best([file for file in files if not file.name.endswith(".gguf")], "clip_l", CLIP_L)
        loader = DUAL_CLIP_GGUF if t5.endswith(".gguf") else DUAL_CLIP
        held: tuple[tuple[str, str, PartKind], ...] = (
            (loader.folder, t5, "t5xxl"),
            (loader.folder, clip, "clip_l"),
        )
        return Companion(loader, loader.values(clip_name1=t5, clip_name2=clip), held)

    @cached_property
    def autoencoder(self) -> Companion:
        """A loader of a 16-channel autoencoder."""
        files = readable(self._folders, "vae") if self._folders else []
        name = best([file for file in files if _fits(file.part("kl_vae"))], "kl_vae", AUTOENCODER)
        return Companion(VAE_LOADER, VAE_LOADER.values(vae_name=name), ((VAE_LOADER.folder, name, "kl_vae"),))


def best(files: Sequence[SourceFile], kind: str, usual: str, otherwise: str = "") -> str:
    """The file that holds this kind and nothing else: the usual name first, then by storage, then by name.

    otherwise: if there is none; the usual name unless given.
    """
    fitting = [(file, part) for file in files if len(file.parts) == 1 and (part := file.part(kind))]

    def rank(held: tuple[SourceFile, Part]) -> tuple[bool, int, str]:
        file, part = held
        storage = STORAGES.index(part.storage) if part.storage in STORAGES else len(STORAGES)
        return file.name != usual, storage, file.name

    return min(fitting, key=rank)[0].name if fitting else otherwise or usual


def _fits(part: Part | None) -> bool:
    return part is not None and isinstance(part.sizes, VaeSizes) and part.sizes.latent_channels == LATENT_CHANNELS
