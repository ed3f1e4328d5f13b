"""What is to become of one loader: its new class, the new file's name, and who loads the rest of a checkpoint."""

from dataclasses import dataclass
from typing import Any, Literal

from engine.convert.companions import Companions
from engine.convert.loaders import CLIP, ROUNDING, UNET_GGUF, VAE, LoaderClass, successor
from engine.convert.rewriting import Addition, Found, Rewrite
from engine.convert.stored import SourceFile
from engine.folders.layout import GGUF, MODEL_SUFFIXES
from engine.quantize.naming import named
from schemas.conversion import FileNeeded
from schemas.report import Problem
from schemas.weight_types import WeightType

PACKED = ("gguf", "nf4")
"""Formats that are made of Flux models only."""
Part = Literal["flux", "checkpoint", "t5xxl", "clip_l", "kl_vae"]


@dataclass(frozen=True)
class Planned:
    """A rewrite, the files that the new loaders name, and the sentence that says which way was taken."""

    rewrite: Rewrite
    files: tuple[tuple[str, str, Part], ...]
    said: str


def already(loader: Found, source: SourceFile, to: WeightType) -> bool:
    """Whether a loader loads weights of this type as it is."""
    if to.format not in loader.loader.formats:
        return False
    rounded = ROUNDING.get(str(loader.values.get("weight_dtype")))
    return (rounded or source.stored) == to


def refusals(loader: Found, to: WeightType) -> list[Problem]:
    """Why a loader cannot be converted, as far as the graph tells."""
    place: dict[str, Any] = {"node": loader.node, "class_type": loader.loader.class_type, "title": loader.title}
    if loader.linked:
        field = loader.linked[0]
        said = f"{field} is fed by another node, so the file is not known before a run."
        fix = (
            f"Write the file's name into {loader.loader.class_type} itself, or convert the node that feeds it by hand."
        )
        return [Problem(code="not-convertible", field=field, said=said, fix=fix, **place)]
    field = loader.loader.file_field
    if not isinstance(loader.file, str) or not loader.file:
        said = "it names no file, or instances of its subgraph name different ones."
        return [Problem(code="not-convertible", field=field, said=said, fix="Give it one file.", **place)]
    suffix = loader.file[loader.file.rfind(".") :].lower() if "." in loader.file else ""
    if suffix not in MODEL_SUFFIXES | GGUF:
        known = ", ".join(sorted(MODEL_SUFFIXES | GGUF))
        said = f"{loader.file!r} has no ending of a model file."
        fix = f"Name a file that ends in one of {known}."
        return [Problem(code="not-convertible", field=field, found=loader.file, said=said, fix=fix, **place)]
    return []


def misfit(loader: Found, source: SourceFile, to: WeightType) -> Problem | None:
    """Why a file, where it can be found, cannot become this type."""
    if to.format not in PACKED or source.path is None or source.part("flux") is not None:
        return None
    held = source.parts[0].title if source.parts else "nothing that is recognised"
    return Problem(
        code="not-convertible",
        node=loader.node,
        class_type=loader.loader.class_type,
        title=loader.title,
        field=loader.loader.file_field,
        found=loader.file,
        said=f"{loader.file!r} holds {held}, not Flux; UNets like those of Stable Diffusion are convolutions to a large"
        f" part, which {to.format} does not pack.",
        fix="Convert to fp8 or bf16, or leave it as it is.",
    )


def plan(loader: Found, to: WeightType, keep_checkpoint: bool, companions: Companions) -> Planned:
    """The rewrite of a loader that can be converted. Its file is a text."""
    old, after = loader.loader, successor(loader.loader, to)
    name = named(str(loader.file), to)
    values = after.values(**{after.file_field: name})
    if after is old and not old.whole:
        values = {**values, **{key: loader.values[key] for key in old.widgets if key in loader.values}}
        values |= {after.file_field: name} | ({"weight_dtype": "default"} if "weight_dtype" in values else {})
    part: Part = "checkpoint" if after.whole else "flux"
    files: list[tuple[str, str, Part]] = [(after.folder, name, part)]
    if not old.whole or after.whole:
        return Planned(Rewrite(after, values), tuple(files), _one_to_one(loader, after))
    additions = _additions(loader, keep_checkpoint, companions, files)
    return Planned(Rewrite(after, values, additions), tuple(files), _said(additions, keep_checkpoint))


def _additions(
    loader: Found, keep_checkpoint: bool, companions: Companions, files: list[tuple[str, str, Part]]
) -> tuple[Addition, ...]:
    """Who loads the text encoders and the autoencoder from now on; only what somebody reads."""
    old = loader.loader
    slots = {old.outputs.index(wire): wire for wire in (CLIP, VAE) if loader.reads(wire)}
    if keep_checkpoint:
        values = {name: loader.values[name] for name in loader.values}
        return (Addition(old, values, {slot: slot for slot in slots}),) if slots else ()
    chosen = {CLIP: lambda: companions.text_encoders, VAE: lambda: companions.autoencoder}
    added = []
    for slot, wire in slots.items():
        companion = chosen[wire]()
        added.append(Addition(companion.loader, companion.values, {slot: 0}))
        files += companion.files  # type: ignore[arg-type]  # kinds of parts are a subset
    return tuple(added)


def _one_to_one(loader: Found, after: LoaderClass) -> str:
    dropped = [name for name in loader.loader.widgets if name not in after.widgets]
    without = f"; {' and '.join(dropped)} means nothing to it and was dropped" if dropped and not after.whole else ""
    if after is loader.loader:
        return "Only the file changes: the same loader reads both types."
    if after.whole:
        return f"One to one: {after.class_type} gives model, text encoders and VAE from one file, as before."
    return f"One to one: {after.class_type} gives the model from a file of its own, as before{without}."


def _said(additions: tuple[Addition, ...], keep_checkpoint: bool) -> str:
    begin = f"A GGUF file holds the model alone, so the node became {UNET_GGUF.class_type} and MODEL links stay"
    if not additions:
        return f"{begin}; nothing reads the text encoders or the VAE."
    if keep_checkpoint:
        return f"{begin}; the checkpoint is kept, as asked, for what else is read from it."
    names = " and ".join(addition.loader.class_type for addition in additions)
    return f"{begin}; {names} took over the rest (--keep-checkpoint would keep the old loader for it)."


def needed(planned: Planned, source: SourceFile, to: WeightType, there: "set[tuple[str, str]]") -> list[FileNeeded]:
    """The files of a plan as records. there: (folder, name) of those that exist."""
    return [
        FileNeeded(
            folder=folder,
            name=name,
            there=(folder, name) in there,
            source_folder=source.folder,
            source=source.name,
            part=part,
            to=str(to) if part in ("flux", "checkpoint") else "",
        )
        for folder, name, part in planned.files
    ]
