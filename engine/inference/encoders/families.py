"""Families: which text encoders a kind of diffusion model reads, how, and how their answers are joined.

Found out from ComfyUI 0.3.64. A loader's `type` names no family: what the file holds counts too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from engine.inference.encoders.contract import Taken, Vectors
from engine.inference.encoders.sections import (
    CLIP_G,
    CLIP_L,
    LLAMA_HIDREAM,
    T5_FLUX,
    T5_HIDREAM,
    T5_LTXV,
    T5_PIXART,
    T5_SD3,
    Layout,
)

Answers = Mapping[str, Vectors]
"""Kinds of encoders to what they make of a prompt: tokens (1, T, width), pooled (1, width)."""


@dataclass(frozen=True)
class Reading:
    """How a family reads one encoder.

    only_first: what is behind the first section is not used. only_pooled: nor are the first section's tokens.
    projected: CLIP-L's pooled vector goes through the matrix behind it, if the file has one, as CLIP-G's always does.
    tells_mask: the conditioning says which of its tokens are words.
    """

    layout: Layout
    taken: Taken = Taken()
    only_first: bool = False
    only_pooled: bool = False
    projected: bool = False
    tells_mask: bool = False


@dataclass(frozen=True)
class TextFamily:
    """What belongs together.

    encoders: kinds ("clip_l", "clip_g", "clip_h", "t5xxl", "llama") to how they are read. join: answers to the
    conditioning's tokens and pooled vector. partial: some of the encoders may be missing. beside: answers to what else
    the conditioning carries, by ComfyUI's names.
    """

    name: str
    encoders: Mapping[str, Reading]
    join: Callable[[Answers], Vectors]
    partial: bool = False
    beside: Callable[[Answers], Mapping[str, Tensor]] = lambda answers: {}


CLIP_L_WIDTH, CLIP_G_WIDTH = 768, 1280
"""Published widths, for an encoder that is missing."""

NO_T5, NO_LLAMA = (1, 128, 4096), (1, 32, 1, 4096)
"""Shapes of the zeros that stand for a missing T5 or Llama in HiDream's conditioning."""


def alone(answers: Answers) -> Vectors:
    """What the only encoder says."""
    (answer,) = answers.values()
    return answer


def flux(answers: Answers) -> Vectors:
    """T5's tokens, CLIP-L's pooled vector."""
    return Vectors(answers["t5xxl"].tokens, answers["clip_l"].pooled)


def side_by_side(left: Tensor, right: Tensor) -> Tensor:
    """(1, T, all widths): tokens of one encoder beside those of another, as many as both have."""
    shared = min(left.shape[1], right.shape[1])
    return torch.cat((left[:, :shared], right[:, :shared]), dim=-1)


def sdxl(answers: Answers) -> Vectors:
    """CLIP-L's and CLIP-G's tokens side by side, CLIP-G's pooled vector."""
    return Vectors(side_by_side(answers["clip_l"].tokens, answers["clip_g"].tokens), answers["clip_g"].pooled)


def sd3(answers: Answers) -> Vectors:
    """CLIP-L's and CLIP-G's tokens side by side, filled up to T5's width, then T5's; both pooled vectors side by side.

    Zeros stand for a CLIP that is missing, nothing for a missing T5. T5 is twice as wide as both CLIPs together, or, of
    unpublished sizes, the next power of two above them.
    """
    left, right, t5 = (answers.get(kind) for kind in ("clip_l", "clip_g", "t5xxl"))
    pooled = torch.cat((_pooled(left, CLIP_L_WIDTH), _pooled(right, CLIP_G_WIDTH)), dim=-1)
    if left is None and right is None:
        return Vectors(answers["t5xxl"].tokens, pooled)
    if right is None:
        both = answers["clip_l"].tokens
    elif left is None:
        both = pad(right.tokens, (CLIP_L_WIDTH, 0))
    else:
        both = side_by_side(left.tokens, right.tokens)
    width = 1 << pooled.shape[-1].bit_length() if t5 is None else t5.tokens.shape[-1]
    both = pad(both, (0, width - both.shape[-1]))
    return Vectors(both if t5 is None else torch.cat((both, t5.tokens), dim=1), pooled)


def _pooled(answer: Vectors | None, width: int) -> Tensor:
    """An encoder's pooled vector, or zeros of a width."""
    return torch.zeros(1, width) if answer is None or answer.pooled is None else answer.pooled


def hidream(answers: Answers) -> Vectors:
    """T5's tokens, and both CLIPs' pooled vectors side by side; zeros stand for whatever is missing."""
    pooled = (_pooled(answers.get(kind), width) for kind, width in (("clip_l", CLIP_L_WIDTH), ("clip_g", CLIP_G_WIDTH)))
    tokens = answers["t5xxl"].tokens if "t5xxl" in answers else torch.zeros(NO_T5)
    return Vectors(tokens, torch.cat(tuple(pooled), dim=-1))


def llama_layers(answers: Answers) -> dict[str, Tensor]:
    """What comes out of each of Llama's layers, of the last one behind its norm: (1, layers, T, width)."""
    llama = answers.get("llama")
    return {"conditioning_llama3": torch.zeros(NO_LLAMA) if llama is None else llama.tokens[:, 1:]}


PENULTIMATE = Taken(layer=-2, normed=False)

FLUX = TextFamily("flux", {"t5xxl": Reading(T5_FLUX), "clip_l": Reading(CLIP_L, only_pooled=True)}, flux)
SD1 = TextFamily("sd1", {"clip_l": Reading(CLIP_L)}, alone)
SD2 = TextFamily("sd2", {"clip_h": Reading(CLIP_G, Taken(layer=-2))}, alone)
SDXL = TextFamily("sdxl", {"clip_l": Reading(CLIP_L, PENULTIMATE), "clip_g": Reading(CLIP_G, PENULTIMATE)}, sdxl)
SDXL_REFINER = TextFamily("sdxl_refiner", {"clip_g": Reading(CLIP_G, PENULTIMATE)}, alone)
SD3 = TextFamily("sd3", {**SDXL.encoders, "t5xxl": Reading(T5_SD3)}, sd3, partial=True)
STABLE_CASCADE = TextFamily(
    "stable_cascade", {"clip_g": Reading(CLIP_L, Taken(layer=-1, normed=False, masked=True))}, alone
)
PIXART = TextFamily("pixart", {"t5xxl": Reading(T5_PIXART)}, alone)
MOCHI = TextFamily("mochi", {"t5xxl": Reading(T5_FLUX, Taken(masked=True), tells_mask=True)}, alone)
LTXV = TextFamily("ltxv", {"t5xxl": Reading(T5_LTXV, Taken(masked=True), tells_mask=True)}, alone)
HIDREAM = TextFamily(
    "hidream",
    {
        "clip_l": Reading(CLIP_L, only_pooled=True, projected=True),
        "clip_g": Reading(CLIP_G, only_pooled=True, projected=True),
        "t5xxl": Reading(T5_HIDREAM, Taken(masked=True), only_first=True),
        "llama": Reading(LLAMA_HIDREAM, Taken(masked=True)),
    },
    hidream,
    partial=True,
    beside=llama_layers,
)

JOINED: Mapping[str, TextFamily] = {"sdxl": SDXL, "sd3": SD3, "flux": FLUX, "hidream": HIDREAM}
"""`type` of loaders for several encoders to what they are joined for."""

WHATEVER: Mapping[str, TextFamily] = {
    "clip_l": SD1,
    "clip_h": SD2,
    "clip_g": SDXL_REFINER,
    "t5xxl": MOCHI,
    "llama": HIDREAM,
}

SINGLE: Mapping[str, Mapping[str, TextFamily]] = {
    "stable_diffusion": WHATEVER,
    "stable_cascade": {**WHATEVER, "clip_g": STABLE_CASCADE},
    "sd3": {**WHATEVER, "clip_l": SD3, "clip_g": SD3, "t5xxl": SD3},
    "mochi": WHATEVER,
    "ltxv": {**WHATEVER, "t5xxl": LTXV},
    "pixart": {**WHATEVER, "t5xxl": PIXART},
    "hidream": {**WHATEVER, "clip_l": HIDREAM, "clip_g": HIDREAM, "t5xxl": HIDREAM},
    "chroma": {**WHATEVER, "t5xxl": PIXART},
}
"""`type` of loaders for one encoder to what it is read for, by its kind. ComfyUI takes any kind for any type."""
