"""ModelFile: what a model file is, for people and for JSON."""

import os
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from engine.checkpoints.detect import Part, parts, unclaimed
from engine.checkpoints.families.flux import FluxSizes, variant
from engine.checkpoints.gguf_header import ArrayPlace
from engine.checkpoints.index import Format, TensorIndex, read
from schemas.quantities import size_text

COMPANIONS = frozenset(
    {"clip_l", "clip_h", "clip_g", "t5xxl", "t5_old", "umt5", "llama", "language_model", "kl_vae", "taesd"}
)
"""Kinds that accompany a diffusion model in one file."""
LONGEST_METADATA = 400
SHOWN_UNCLAIMED = 20


class PartDescription(BaseModel):
    """One model inside the file; see engine.checkpoints.detect.Part. sizes: by name; empty if this version has none."""

    kind: str
    title: str
    layout: str
    prefix: str
    storage: str
    sizes: dict[str, Any]
    tensors: int
    parameters: int
    bytes: int
    evidence: tuple[str, ...]


class ModelFile(BaseModel):
    """What a file holds, from its header alone.

    family: kind of the diffusion model in it, or of its largest part; None if nothing is recognised. variant: "dev",
    "schnell", … where shapes tell. metadata: the header's own, long values cut. unclaimed: tensors that belong to no
    part, the first few by name.
    """

    file: str
    format: Format
    bytes: int
    family: str | None
    variant: str | None
    parts: list[PartDescription]
    metadata: dict[str, str]
    unclaimed: list[str]
    unclaimed_count: int

    def text(self) -> str:
        """Several lines for a terminal."""
        what = "not recognised" if self.family is None else self.family + (f" {self.variant}" if self.variant else "")
        rows = [f"{self.file}: {what}, {self.format}, {size_text(self.bytes)}"]
        for part in self.parts:
            rows.append(
                f"  {part.kind} ({part.title}): {part.storage}, {size_text(part.bytes)}, "
                f"{part.parameters / 1e6:,.1f} M parameters in {part.tensors} tensors"
            )
            where = f"{part.layout} layout, " if part.layout else ""
            rows.append(f"    {where}keys begin with {part.prefix!r}; told by {part.evidence[0]}")
            if part.sizes:
                rows.append("    " + ", ".join(f"{name} {value}" for name, value in part.sizes.items()))
        if self.unclaimed_count:
            more = ", …" if self.unclaimed_count > 3 else ""
            rows.append(f"  {self.unclaimed_count} tensors belong to no part: {', '.join(self.unclaimed[:3])}{more}")
        rows += [f"  {key}: {value}" for key, value in self.metadata.items()]
        return "\n".join(rows)


def describe(path: str | os.PathLike[str]) -> ModelFile:
    """What a file is. Raises ModelFileInvalid if it is damaged or no model file, FileNotFoundError if it is gone."""
    index = read(path)
    held = parts(index)
    main = next((part for part in held if part.kind not in COMPANIONS), held[0] if held else None)
    left = unclaimed(index)
    return ModelFile(
        file=os.fspath(path),
        format=index.format,
        bytes=index.bytes,
        family=main.kind if main else None,
        variant=variant(main.sizes) if main and isinstance(main.sizes, FluxSizes) else None,
        parts=[describe_part(part) for part in held],
        metadata=shown_metadata(index),
        unclaimed=list(left[:SHOWN_UNCLAIMED]),
        unclaimed_count=len(left),
    )


def describe_part(part: Part) -> PartDescription:
    """A part with its sizes as plain values."""
    return PartDescription(
        kind=part.kind,
        title=part.title,
        layout=part.layout,
        prefix=part.prefix,
        storage=part.storage,
        sizes=asdict(part.sizes) if part.sizes else {},
        tensors=part.tensors,
        parameters=part.parameters,
        bytes=part.bytes,
        evidence=part.evidence,
    )


def shown_metadata(index: TensorIndex) -> dict[str, str]:
    """The header's own key-value pairs as text, none longer than a paragraph."""
    shown = {}
    for key, value in index.metadata.items():
        text = f"{value.length} values" if isinstance(value, ArrayPlace) else str(value)
        shown[key] = text if len(text) <= LONGEST_METADATA else f"{text[:LONGEST_METADATA]}… ({len(text)} characters)"
    return shown
