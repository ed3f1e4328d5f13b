"""WeightType: what a model file's weights can be stored as, as the command line names it."""

from dataclasses import dataclass
from typing import Literal

Format = Literal["gguf", "nf4", "fp8", "bf16", "fp16", "fp32"]

GGUF_TYPES = (
    "F16",
    "BF16",
    "Q8_0",
    "Q6_K",
    "Q5_K",
    "Q5_1",
    "Q5_0",
    "Q4_K",
    "Q4_1",
    "Q4_0",
    "Q3_K",
    "Q2_K",
    "IQ4_NL",
    "IQ4_XS",
)
"""One type for all large matrices."""

GGUF_MIXES = ("Q5_K_M", "Q5_K_S", "Q4_K_M", "Q4_K_S", "Q3_K_L", "Q3_K_M", "Q3_K_S")
"""Several types, more bits for the matrices that need them, as the published files have it."""

VARIANTS: dict[Format, tuple[str, ...]] = {
    "gguf": ("Q8_0", *(name for name in GGUF_TYPES + GGUF_MIXES if name != "Q8_0")),
    "nf4": ("v2", "v1"),
    "fp8": ("e4m3fn", "e5m2", "scaled"),
    "bf16": ("",),
    "fp16": ("",),
    "fp32": ("",),
}
"""Formats, each with its variants; the first is meant where none is named.

nf4: v2 keeps float32 scales, v1 quantises the scales too. fp8 scaled: e4m3fn with one scale for each matrix.
"""


@dataclass(frozen=True)
class WeightType:
    """A format and its variant: ("gguf", "Q4_K_S"), ("nf4", "v2"), ("fp8", "e4m3fn"), ("bf16", "")."""

    format: Format
    variant: str = ""

    def __str__(self) -> str:
        """As the command line takes it: "gguf:Q4_K_S", "nf4", "fp8:scaled"."""
        return self.format if self.variant == VARIANTS[self.format][0] else f"{self.format}:{self.variant}"


def parse(text: str) -> WeightType:
    """Read "nf4", "nf4:v1", "gguf", "gguf:Q4_K_M", a bare GGUF type ("Q4_K_M"), "fp8:scaled", "bf16"; any case.

    Raises ValueError that lists what there is.
    """
    name, _, variant = text.strip().partition(":")
    by_name = {known.lower(): known for known in VARIANTS}
    known = by_name.get(name.lower())
    if known is None and not variant and name.upper() in VARIANTS["gguf"]:
        return WeightType("gguf", name.upper())
    if known is None:
        raise ValueError(f"no weight type {text!r}; there are {', '.join(VARIANTS)} and gguf:TYPE")
    variants = VARIANTS[known]
    chosen = next((each for each in variants if each.lower() == variant.lower()), variants[0] if not variant else None)
    if chosen is None:
        raise ValueError(f"no {known} type {variant!r}; there are {', '.join(variants)}")
    return WeightType(known, chosen)
