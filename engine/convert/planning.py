"""What is to become of one loader: its new class, the new file's name, and who loads the rest of a checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.convert.companions import Companions
from engine.convert.loaders import (
    CLIP,
    DUAL_CLIP,
    DUAL_CLIP_GGUF,
    ROUNDING,
    UNET_GGUF,
    VAE,
    VAE_LOADER,
    LoaderClass,
    successor,
)
from engine.convert.rewriting import Addition, Found, Rewrite
from engine.convert.stored import SourceFile
from engine.folders import Folders
from engine.folders.layout import GGUF, MODEL_SUFFIXES
from engine.quantize.naming import named
from schemas.conversion import FileNeeded, PartKind
from schemas.report import Problem
from schemas.weight_types import WeightType

ALREADY_SO = "Only weight_dtype changes: the file holds weights of this type already."
PACKED = ("gguf", "nf4")
"""Formats that are made of Flux models only."""


@dataclass(frozen=True)
class Planned:
    """A rewrite, the files that the new loaders name, and the sentence that says which way was taken."""

    rewrite: Rewrite
    files: tuple[tuple[str, str, PartKind], ...]
    said: str


def already(loader: Found, source: SourceFile, to: WeightType) -> bool:
    """Whether a loader loads weights of this type as it is."""
    if to.format not in loader.loader.formats:
        return False
    rounded = ROUNDING.get(str(loader.values.get("weight_dtype")))
    return (rounded or source.stored) == to


def only_rounded(loader: Found, source: SourceFile, to: WeightType) -> bool:
    """Whether the file itself is known to hold this type, and only weight_dtype makes something else of it."""
    rounded = str(loader.values.get("weight_dtype")) in ROUNDING
    return rounded and to.format in loader.loader.formats and source.held == to


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
        several = field in loader.values and loader.file is None  # so does a graph tell that hosts disagree
        said = "it names no file, or instances of its subgraph name different ones." if several else "it names no file."
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


def plan(loader: Found, source: SourceFile, to: WeightType, keep_checkpoint: bool, companions: Companions) -> Planned:
    """The rewrite of a loader that can be converted. Its file is a text."""
    old, after = loader.loader, successor(loader.loader, to)
    kept = only_rounded(loader, source, to)
    name = str(loader.file) if kept else named(str(loader.file), to)
    values = after.values(**{after.file_field: name})
    if after is old and not old.whole:
        values = {**values, **{key: loader.values[key] for key in old.widgets if key in loader.values}}
        values |= {after.file_field: name} | ({"weight_dtype": "default"} if "weight_dtype" in values else {})
    part: PartKind = "checkpoint" if after.whole else "flux"
    files: list[tuple[str, str, PartKind]] = [(after.folder, name, part)]
    if not old.whole or after.whole:
        return Planned(Rewrite(after, values), tuple(files), ALREADY_SO if kept else _one_to_one(loader, after))
    if keep_checkpoint:
        additions = _kept(loader)
    else:
        chosen = {CLIP: lambda: companions.text_encoders(source), VAE: lambda: companions.autoencoder}
        held = {slot: chosen[wire]() for slot, wire in _slots(loader).items()}
        additions = tuple(Addition(each.loader, each.values, {slot: 0}) for slot, each in held.items())
        files += [file for each in held.values() for file in each.files]
    return Planned(Rewrite(after, values, additions), tuple(files), _said(additions, keep_checkpoint))


def _slots(loader: Found) -> dict[int, str]:
    """Outputs beside the model that somebody reads."""
    return {loader.loader.outputs.index(wire): wire for wire in (CLIP, VAE) if loader.reads(wire)}


def _kept(loader: Found) -> tuple[Addition, ...]:
    """The old loader once more, for what else is read from it."""
    slots = _slots(loader)
    return (Addition(loader.loader, dict(loader.values), {slot: slot for slot in slots}),) if slots else ()


def history_files(
    states: Sequence[tuple[str, Mapping[str, Any]]], loader: Found
) -> tuple[tuple[str, str, PartKind], ...]:
    """What a converted loader and those added for it name. states: class and values of the added ones."""
    part: PartKind = "checkpoint" if loader.loader.whole else "flux"
    files: list[tuple[str, str, PartKind]] = [(loader.loader.folder, str(loader.file), part)]
    for class_type, values in states:
        if class_type in (DUAL_CLIP.class_type, DUAL_CLIP_GGUF.class_type):
            names = [str(values.get(field)) for field in ("clip_name1", "clip_name2")]
            files += [(DUAL_CLIP.folder, name, "t5xxl" if "t5" in name.lower() else "clip_l") for name in names]
        elif class_type == VAE_LOADER.class_type:
            files.append((VAE_LOADER.folder, str(values.get(VAE_LOADER.file_field)), "kl_vae"))
    return tuple(files)


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


def needed(
    files: Sequence[tuple[str, str, PartKind]], source: SourceFile, to: WeightType, folders: Folders | None
) -> list[FileNeeded]:
    """The files that loaders name as records. source: what they can be made from."""
    return [
        FileNeeded(
            folder=folder,
            name=name,
            there=folders is not None and folders.has(folder, name),
            source_folder=source.folder,
            source=source.name,
            part=part,
            to=str(to) if part in ("flux", "checkpoint") else "",
        )
        for folder, name, part in files
    ]
