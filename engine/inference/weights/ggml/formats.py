"""The block formats there are: how large a block is, and what decodes it."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from engine.inference.weights.ggml import codebooks, iq4, k_quants, legacy, ternary, tiny_floats

Decoder = Callable[[Tensor], Tensor]
"""(n, bytes) uint8 → (n, values) float32, on the same device."""


NarrowDecoder = Callable[[Tensor, torch.dtype], Tensor]
"""The same in the given type, arithmetic included."""


class BlockFormat(NamedTuple):
    """values, bytes: of one block. narrow: for the kinds that ComfyUI-GGUF decodes in a type that can be chosen."""

    values: int
    bytes: int
    decode: Decoder
    narrow: NarrowDecoder | None = None


DECODERS: Mapping[str, BlockFormat] = {
    "Q1_0": BlockFormat(128, 18, legacy.q1_0),
    "Q4_0": BlockFormat(32, 18, legacy.q4_0, legacy.q4_0),
    "Q4_1": BlockFormat(32, 20, legacy.q4_1, legacy.q4_1),
    "Q5_0": BlockFormat(32, 22, legacy.q5_0, legacy.q5_0),
    "Q5_1": BlockFormat(32, 24, legacy.q5_1, legacy.q5_1),
    "Q8_0": BlockFormat(32, 34, legacy.q8_0, legacy.q8_0),
    "Q2_K": BlockFormat(256, 84, k_quants.q2_k, k_quants.q2_k),
    "Q3_K": BlockFormat(256, 110, k_quants.q3_k, k_quants.q3_k),
    "Q4_K": BlockFormat(256, 144, k_quants.q4_k, k_quants.q4_k),
    "Q5_K": BlockFormat(256, 176, k_quants.q5_k, k_quants.q5_k),
    "Q6_K": BlockFormat(256, 210, k_quants.q6_k, k_quants.q6_k),
    "IQ1_S": BlockFormat(256, 50, codebooks.iq1_s),
    "IQ1_M": BlockFormat(256, 56, codebooks.iq1_m),
    "IQ2_XXS": BlockFormat(256, 66, codebooks.iq2_xxs),
    "IQ2_XS": BlockFormat(256, 74, codebooks.iq2_xs),
    "IQ2_S": BlockFormat(256, 82, codebooks.iq2_s),
    "IQ3_XXS": BlockFormat(256, 98, codebooks.iq3_xxs),
    "IQ3_S": BlockFormat(256, 110, codebooks.iq3_s),
    "IQ4_NL": BlockFormat(32, 18, iq4.iq4_nl, iq4.iq4_nl),
    "IQ4_XS": BlockFormat(256, 136, iq4.iq4_xs, iq4.iq4_xs),
    "TQ1_0": BlockFormat(256, 54, ternary.tq1_0),
    "TQ2_0": BlockFormat(256, 66, ternary.tq2_0),
    "MXFP4": BlockFormat(32, 17, tiny_floats.mxfp4),
    "NVFP4": BlockFormat(64, 36, tiny_floats.nvfp4),
}
"""By ggml's name. Q8_1 and Q8_K are no formats of files: ggml makes them of activations while it computes."""


def block_format(kind: str) -> BlockFormat:
    """The format of that name. Raises ValueError that lists the formats there are."""
    if kind not in DECODERS:
        raise ValueError(f"no decoder for GGUF blocks of type {kind}; there are {', '.join(DECODERS)}")
    return DECODERS[kind]
