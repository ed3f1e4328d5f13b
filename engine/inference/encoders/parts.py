"""Which parts of which files a CLIP recipe stands for."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from engine.checkpoints import detect, index, runnable
from engine.checkpoints.families.clip import ClipSizes
from engine.checkpoints.families.t5 import PUBLISHED, T5Sizes
from engine.errors import ModelFileInvalid
from engine.inference.encoders.clip import Clip
from engine.inference.encoders.sections import T5_FLUX, Layout
from engine.inference.encoders.t5 import T5
from engine.inference.encoders.tokenizers import unigram
from engine.inference.residency import Piece
from schemas.sockets import ClipRef, FileRef

FLUX = ("t5xxl", "clip_l")
"""What Flux reads: T5 for the tokens, CLIP-L for the pooled output."""

FAMILIES: Mapping[str | None, tuple[str, ...]] = {None: FLUX, "flux": FLUX}
"""What the outputs are joined for (ClipRef.family) to the encoders that this takes."""

IGNORED: Mapping[str, Mapping[str, str]] = {
    "clip_l": {
        "logit_scale": "serves the comparison of texts with pictures",
        "text_projection*": "Flux reads the pooled output in front of the projection",
        "text_model.embeddings.position_ids": "counts from 0",
    },
    "t5xxl": {
        "logit_scale": "a leftover of saving T5 like CLIP",
        "spiece_model": "the tokenizer, which we have",
        "encoder.embed_tokens.weight": "the same table as shared.weight, stored twice",
    },
}
ALIASES: Mapping[str, Mapping[str, str]] = {"clip_l": {}, "t5xxl": {"encoder.embed_tokens.weight": "shared.weight"}}


def build_clip(sizes: ClipSizes) -> Clip:
    """CLIP without the projection, which Flux does not use."""
    return Clip(replace(sizes, projection=False))


BUILDERS: Mapping[str, Callable[[Any], nn.Module]] = {"clip_l": build_clip, "t5xxl": T5}


def pieces(clip: ClipRef) -> Mapping[str, Piece]:
    """The encoders of a recipe by kind.

    Raises ModelFileInvalid for a family that cannot be run, an encoder that no file holds, or an unknown layout.
    """
    if clip.family not in FAMILIES:
        known = " or ".join(family for family in FAMILIES if family)
        raise ModelFileInvalid(
            clip.files[0].path, f"cannot be joined for {clip.family!r}: only {known} is supported.", f"Choose {known}."
        )
    return {kind: piece(clip.files, kind) for kind in FAMILIES[clip.family]}


def piece(files: tuple[FileRef, ...], kind: str) -> Piece:
    """The encoder of a kind in the first file that has one, else in the last, whose lack of it is the error."""
    holding = (file for file in files if any(part.kind == kind for part in detect.parts(index.read(file.path))))
    file = next(holding, files[-1])
    part = runnable.require(index.read(file.path), kind)
    return Piece(file, part, BUILDERS[kind], ALIASES[kind], IGNORED[kind])


def t5_layout(piece: Piece) -> Layout:
    """How T5 takes its tokens. A vocabulary other than the published one comes with the file; see runnable."""
    if isinstance(piece.part.sizes, T5Sizes) and piece.part.sizes.tokens in PUBLISHED:
        return T5_FLUX
    own = unigram.read(index.read(piece.file.path))
    return replace(T5_FLUX, encode=own.encode, end=own.end, pad=own.pad)
