"""Names of model files, as published files are named: the model, a hyphen, how its weights are stored.

flux1-dev-fp8.safetensors  →  flux1-dev-Q4_K_S.gguf, flux1-dev-bnb-nf4-v2.safetensors, flux1-dev-bf16.safetensors
"""

import re

from schemas.weight_types import GGUF_MIXES, GGUF_TYPES, WeightType, parse

EXTENSIONS = (".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pth", ".bin")

ENDINGS = {
    ("nf4", "v2"): "bnb-nf4-v2",
    ("nf4", "v1"): "bnb-nf4",
    ("fp8", "e4m3fn"): "fp8",
    ("fp8", "e5m2"): "fp8_e5m2",
    ("fp8", "scaled"): "fp8_scaled",
}
"""What stands behind the model's name where it is not the type itself."""

BY_ENDING = {ending: parse(":".join(kind)) for kind, ending in ENDINGS.items()} | {
    name: parse(name) for name in ("bf16", "fp16", "fp32")
}
"""The same the other way round, with the plain types."""

_ENDING = re.compile(rf"[-_.]({'|'.join(sorted(BY_ENDING, key=len, reverse=True))})$", re.IGNORECASE)
_GGUF = "|".join(sorted((name.lower() for name in GGUF_TYPES + GGUF_MIXES), key=len, reverse=True))
_STORED = re.compile(
    rf"[-_.](?:(?:bnb[-_])?nf4(?:[-_]v[12])?|fp8(?:[-_]?(?:e4m3fn?|e5m2))?(?:[-_]scaled)?|bf16|fp16|fp32|f32|{_GGUF})$",
    re.IGNORECASE,
)


def named(source_name: str, to: WeightType) -> str:
    """The name that a file of this type has beside its source.

    source_name: with or without folders, which are kept. An ending that says how the source is stored is replaced.
    """
    folder, slash, name = source_name.rpartition("/")
    stem = stem_of(name)
    ending = to.variant if to.format == "gguf" else ENDINGS.get((to.format, to.variant), to.format)
    return f"{folder}{slash}{stem}-{ending}{'.gguf' if to.format == 'gguf' else '.safetensors'}"


def stored_as(name: str) -> WeightType | None:
    """The type that a name's ending tells, as `named` writes it; None if it ends otherwise."""
    stem = name[: -len(extension_of(name))] if extension_of(name) else name
    found = _ENDING.search(stem)
    return BY_ENDING[found[1].lower()] if found else None


def extension_of(name: str) -> str:
    """The extension of a model file, with its dot; "" if the name has none."""
    return next((each for each in EXTENSIONS if name.lower().endswith(each)), "")


def stem_of(name: str) -> str:
    """A file's name without extension and without what it says of the storage ("flux1-dev")."""
    extension = extension_of(name)
    stem = name[: len(name) - len(extension)]
    return _STORED.sub("", stem) or stem
