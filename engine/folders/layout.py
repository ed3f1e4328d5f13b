"""ComfyUI's layout of a models folder: which subfolders serve which name, and which files count there."""

from collections.abc import Mapping
from pathlib import PurePosixPath

MODEL_SUFFIXES = frozenset({".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"})
GGUF = frozenset({".gguf"})
ANY_FILE: frozenset[str] = frozenset()
"""No suffixes: every file counts."""

ALIASES: Mapping[str, str] = {"unet": "diffusion_models", "clip": "text_encoders"}
"""Old names of folders, which graphs and extra_model_paths.yaml still use."""

SUBFOLDERS: Mapping[str, tuple[str, ...]] = {
    "text_encoders": ("text_encoders", "clip"),
    "diffusion_models": ("unet", "diffusion_models"),
    "controlnet": ("controlnet", "t2i_adapter"),
    "xlabs_loras": ("xlabs/loras",),
    "xlabs_controlnets": ("xlabs/controlnets",),
    "xlabs_ipadapters": ("xlabs/ipadapters",),
    "xlabs_flux": ("xlabs/flux",),
}
"""Folder name to subfolders of a models folder, first wins; any other name is its own subfolder."""

OWNERS: Mapping[str, str] = {below: folder for folder, places in SUBFOLDERS.items() for below in places}
"""Subfolder of a models folder to the folder name it serves, where the two differ or the name has several."""

NESTED = tuple(PurePosixPath(below) for below in OWNERS if "/" in below)
"""Those that lie in a subfolder of their own."""

SUFFIXES: Mapping[str, frozenset[str]] = {
    "text_encoders": MODEL_SUFFIXES | GGUF,
    "diffusion_models": MODEL_SUFFIXES | GGUF,
    "unet_gguf": GGUF,
    "clip_gguf": GGUF,
    "configs": frozenset({".yaml"}),
    "classifiers": frozenset({""}),
    "custom_nodes": ANY_FILE,
}
"""Folder name to the suffixes that count, lower case. In ComfyUI a node pack adds GGUF files; here they belong."""

SAME_PLACES: Mapping[str, str] = {"unet_gguf": "diffusion_models", "clip_gguf": "text_encoders"}
"""Names under which the GGUF node pack lists a part of another folder."""

PICTURES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".ico"}
    | {".pbm", ".pgm", ".pnm", ".ppm", ".tga", ".xbm", ".xpm", ".svg", ".jp2"}
)
"""Suffixes of files that ComfyUI offers as pictures of the input folder."""


def canonical(folder: str) -> str:
    """The name under which a folder is kept: old names become new ones."""
    return ALIASES.get(folder, folder)


def subfolders(folder: str) -> tuple[str, ...]:
    """Where a canonical folder lies below a models folder."""
    place = SAME_PLACES.get(folder, folder)
    return SUBFOLDERS.get(place, (place,))


def suffixes(folder: str) -> frozenset[str]:
    """Which suffixes count in a canonical folder; empty for all."""
    return SUFFIXES.get(folder, MODEL_SUFFIXES)
