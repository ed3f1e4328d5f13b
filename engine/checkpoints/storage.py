"""How numbers are stored in model files: one vocabulary for all formats, and where a tensor's bytes lie."""

from collections.abc import Mapping
from math import prod
from typing import NamedTuple

PLAIN_BITS: Mapping[str, int] = {
    "bool": 8,
    "int8": 8,
    "uint8": 8,
    "int16": 16,
    "uint16": 16,
    "int32": 32,
    "uint32": 32,
    "int64": 64,
    "uint64": 64,
    "fp64": 64,
    "fp32": 32,
    "fp16": 16,
    "bf16": 16,
    "fp8_e4m3fn": 8,
    "fp8_e5m2": 8,
    "fp8_e4m3fnuz": 8,
    "fp8_e5m2fnuz": 8,
    "fp8_e8m0fnu": 8,
    "fp6_e2m3": 6,
    "fp6_e3m2": 6,
    "fp4_e2m1": 4,
    "complex64": 64,
    "complex128": 128,
}
"""Bits per value of the types that hold one number each. GGUF's block types are named "gguf:Q4_K" and so on."""


FLOATS = frozenset({"fp64", "fp32", "fp16", "bf16", "fp8_e4m3fn", "fp8_e5m2"})
"""Types that weights may simply have."""

GGUF_DECODED = (
    *("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"),
    *("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"),
    *("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS"),
    *("TQ1_0", "TQ2_0", "MXFP4", "NVFP4", "Q1_0"),
)
"""GGUF's block types that have a decoder here."""

GGUF = "gguf:"
FOUR_BIT = frozenset({"nf4", "fp4"})
"""bitsandbytes' 4-bit storages: codes with scales and a table of values beside them."""


def is_packed(storage: str) -> bool:
    """Whether values must be decoded in blocks, so that the bytes alone are no tensor of numbers."""
    return storage.startswith(GGUF) or storage in FOUR_BIT


def is_decodable(storage: str) -> bool:
    """Whether weights may be stored so in a model that is to be run."""
    return storage in FLOATS or storage in FOUR_BIT or storage.removeprefix(GGUF) in GGUF_DECODED


class TensorInfo(NamedTuple):
    """One tensor of a file, as its header describes it.

    dtype: a name of PLAIN_BITS, or "gguf:<type>" for GGUF blocks. shape: as PyTorch would show it, outermost first (for
    GGUF blocks: in values, not bytes). start, end: where its bytes lie, counted from the beginning of the file.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def bytes(self) -> int:
        """Bytes on disk."""
        return self.end - self.start

    @property
    def elements(self) -> int:
        """How many values the shape has."""
        return prod(self.shape)
