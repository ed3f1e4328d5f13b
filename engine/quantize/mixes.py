"""Which tensor of a Flux model gets which GGML type, as city96's tools decide for the published files.

    vectors (biases, norms) and tensors of up to 1024 values    F32
    what leads into the blocks and out of them                  BF16 from a BF16 file, else F16
    double_blocks.N.{img,txt}_attn.qkv                          a type with more bits in some mixes
    every other matrix                                          the type itself

The rules for attention values and for the second layer of a feed-forward network name tensors otherwise than Flux does
(attn_v, ffn_down), so `img_mlp.2` and `linear2` get no more bits than the rest, and the mixes with S are uniform.
"""

from collections.abc import Mapping
from typing import NamedTuple

ENDS = ("img_in.", "txt_in.", "time_in.", "vector_in.", "guidance_in.", "final_layer.")
"""Beginnings of names: a small part of the model, and what suffers most."""
FUSED_ATTENTION = "attn.qkv.weight"
SMALLEST = 1024
"""Values: tensors that have no more are kept whole."""


class Mix(NamedTuple):
    """base: the type of most matrices. attention: of fused attention projections. file_type: llama.cpp's number."""

    base: str
    attention: str
    file_type: int


def _uniform(kind: str, file_type: int) -> Mix:
    return Mix(kind, kind, file_type)


MIXES: Mapping[str, Mix] = {
    "F16": _uniform("F16", 1),
    "Q4_0": _uniform("Q4_0", 2),
    "Q4_1": _uniform("Q4_1", 3),
    "Q8_0": _uniform("Q8_0", 7),
    "Q5_0": _uniform("Q5_0", 8),
    "Q5_1": _uniform("Q5_1", 9),
    "Q2_K": _uniform("Q2_K", 10),
    "Q3_K": _uniform("Q3_K", 11),
    "Q3_K_S": _uniform("Q3_K", 11),
    "Q3_K_M": Mix("Q3_K", "Q4_K", 12),
    "Q3_K_L": Mix("Q3_K", "Q4_K", 13),
    "Q4_K": _uniform("Q4_K", 14),
    "Q4_K_S": _uniform("Q4_K", 14),
    "Q4_K_M": Mix("Q4_K", "Q5_K", 15),
    "Q5_K": _uniform("Q5_K", 16),
    "Q5_K_S": _uniform("Q5_K", 16),
    "Q5_K_M": Mix("Q5_K", "Q6_K", 17),
    "Q6_K": _uniform("Q6_K", 18),
    "IQ4_NL": _uniform("IQ4_NL", 25),
    "IQ4_XS": _uniform("IQ4_XS", 30),
    "BF16": _uniform("BF16", 32),
}


def type_of(mix: Mix, name: str, shape: tuple[int, ...], stored: str) -> str:
    """The GGML type of a tensor. name: Black Forest Labs'. stored: how the source has it ("bf16", "fp8_e4m3fn")."""
    values = 1
    for length in shape:
        values *= length
    if len(shape) < 2 or values <= SMALLEST:
        return "F32"
    if mix.base in ("F16", "BF16"):
        return mix.base
    if name.startswith(ENDS):
        return "BF16" if stored == "bf16" else "F16"
    return mix.attention if FUSED_ATTENTION in name else mix.base
