"""Which parts of which files a CLIP recipe stands for, and how they are read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from engine.checkpoints import detect, index, runnable
from engine.checkpoints.families.clip import ClipSizes
from engine.checkpoints.families.llama import LlamaSizes
from engine.checkpoints.families.t5 import PUBLISHED, T5Sizes
from engine.errors import ModelFileInvalid
from engine.inference.encoders import families
from engine.inference.encoders.clip import Clip
from engine.inference.encoders.families import Reading, TextFamily
from engine.inference.encoders.llama import Llama
from engine.inference.encoders.t5 import T5
from engine.inference.encoders.tokenizers import byte_pairs, unigram
from engine.inference.residency import Piece
from schemas.sockets import ClipRef, FileRef

FLUX = tuple(families.FLUX.encoders)
"""Kinds of the encoders that Flux reads."""

IGNORED_CLIP: Mapping[str, str] = {
    "logit_scale": "serves the comparison of texts with pictures",
    "text_model.embeddings.position_ids": "counts from 0",
}
IGNORED: Mapping[str, Mapping[str, str]] = {
    "clip_l": IGNORED_CLIP,
    "clip_g": IGNORED_CLIP,
    "clip_h": IGNORED_CLIP,
    "t5xxl": {
        "logit_scale": "a leftover of saving T5 like CLIP",
        "spiece_model": "the tokenizer, which we have",
        "encoder.embed_tokens.weight": "the same table as shared.weight, stored twice",
    },
    "llama": {
        "lm_head.weight": "tells the next word, which nobody asks for",
        "rope_freqs.weight": "stretches positions in long texts, which ComfyUI does not",
        "model.layers.*.self_attn.rotary_emb.inv_freq": "follows from the width of a head",
    },
}
UNPROJECTED: Mapping[str, str] = {"text_projection*": "this family reads the pooled output in front of the projection"}
ALIASES: Mapping[str, Mapping[str, str]] = {"t5xxl": {"encoder.embed_tokens.weight": "shared.weight"}}


def build_clip(sizes: ClipSizes) -> Clip:
    """CLIP-L without its projection, which most families do not use."""
    return Clip(replace(sizes, projection=False))


BUILDERS: Mapping[str, Callable[[Any], nn.Module]] = {
    "clip_l": Clip,
    "clip_g": Clip,
    "clip_h": Clip,
    "t5xxl": T5,
    "llama": Llama,
}


@dataclass(frozen=True)
class Encoders:
    """What a recipe stands for: a family, and those of its encoders that there are, by kind, in the family's order."""

    family: TextFamily
    pieces: Mapping[str, Piece]

    def reading(self, kind: str, layer: int | None) -> Reading:
        """How an encoder is read, given its file. layer: taken in place of the family's, if any is set."""
        reading, piece = self.family.encoders[kind], self.pieces[kind]
        taken, layout, sizes = reading.taken, reading.layout, piece.part.sizes
        if layer is not None:
            taken = replace(taken, layer=layer)
        if isinstance(sizes, ClipSizes):
            layout = replace(layout, length=sizes.positions)
        elif isinstance(sizes, T5Sizes) and sizes.tokens not in PUBLISHED:
            own = unigram.read(index.read(piece.file.path))
            layout = replace(layout, encode=own.encode, end=own.end, pad=own.pad)
        elif isinstance(sizes, LlamaSizes):
            llama = byte_pairs.read(index.read(piece.file.path))
            layout = replace(layout, encode=llama.encode, start=llama.start, pad=llama.pad)
        return replace(reading, layout=layout, taken=taken)


def encoders(clip: ClipRef) -> Encoders:
    """The encoders of a recipe.

    Raises ModelFileInvalid for a type that cannot be run, an encoder that is needed and in none of the files, a file
    that brings none, or an unknown layout.
    """
    family = family_of(clip)
    brought = [kinds_in(file) & set(family.encoders) for file in clip.files]
    for file, kinds in zip(clip.files, brought, strict=True):
        if not kinds:
            runnable.require(index.read(file.path), *family.encoders)
    held = [kind for kind in family.encoders if not family.partial or any(kind in kinds for kinds in brought)]
    pieces = {kind: piece(clip.files, kind, family.encoders[kind].projected) for kind in held}
    for number, file in enumerate(clip.files):
        if file in clip.files[:number] or all(piece.file != file for piece in pieces.values()):
            fix = f"{family.name} reads {_listed(family.encoders)}: choose one file of each."
            raise ModelFileInvalid(file.path, "holds what another of the chosen files holds too.", fix)
    return Encoders(family, pieces)


def family_of(clip: ClipRef) -> TextFamily:
    """What the outputs are joined for: by the loader's type, and where one file is loaded alone, by what it holds."""
    if clip.family is None:
        return families.FLUX
    first = clip.files[0]
    if len(clip.files) == 1 and clip.family in families.SINGLE:
        by_kind = families.SINGLE[clip.family]
        return by_kind[runnable.require(index.read(first.path), *by_kind).kind]
    if clip.family not in families.JOINED:
        known = families.JOINED if len(clip.files) > 1 else families.SINGLE
        said = f"cannot be loaded for {clip.family!r}, whose text encoders are not supported yet."
        raise ModelFileInvalid(first.path, said, f"Known types are {_listed(known)}.")
    return families.JOINED[clip.family]


def kinds_in(file: FileRef) -> frozenset[str]:
    """Kinds of models in a file."""
    return frozenset(part.kind for part in detect.parts(index.read(file.path)))


def piece(files: tuple[FileRef, ...], kind: str, projected: bool) -> Piece:
    """The encoder of a kind in the first file that has one, else in the last, whose lack of it is the error.

    projected: CLIP-L's pooled output goes through the projection, if the file has one.
    """
    file = next((file for file in files if kind in kinds_in(file)), files[-1])
    part = runnable.require(index.read(file.path), kind)
    if kind == "clip_l" and not projected:
        return Piece(file, part, build_clip, ignored={**IGNORED[kind], **UNPROJECTED})
    return Piece(file, part, BUILDERS[kind], ALIASES.get(kind, {}), IGNORED[kind])


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
