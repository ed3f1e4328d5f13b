"""T5's encoder: llama.cpp's key names, and Hugging Face's for the same tensors."""

import re
from collections.abc import Mapping

from engine.checkpoints.keymaps.llama_cpp import renamed

BLOCK = re.compile(r"enc\.blk\.(\d+)\.(.+)")

IN_BLOCK: Mapping[str, str] = {
    "attn_q.weight": "layer.0.SelfAttention.q.weight",
    "attn_k.weight": "layer.0.SelfAttention.k.weight",
    "attn_v.weight": "layer.0.SelfAttention.v.weight",
    "attn_o.weight": "layer.0.SelfAttention.o.weight",
    "attn_rel_b.weight": "layer.0.SelfAttention.relative_attention_bias.weight",
    "attn_norm.weight": "layer.0.layer_norm.weight",
    "ffn_gate.weight": "layer.1.DenseReluDense.wi_0.weight",
    "ffn_up.weight": "layer.1.DenseReluDense.wi_1.weight",
    "ffn_down.weight": "layer.1.DenseReluDense.wo.weight",
    "ffn_norm.weight": "layer.1.layer_norm.weight",
}
"""Behind "enc.blk.N." to behind "encoder.block.N."."""

OUTSIDE: Mapping[str, str] = {
    "token_embd.weight": "shared.weight",
    "enc.output_norm.weight": "encoder.final_layer_norm.weight",
}


def hugging_face(name: str) -> str:
    """Hugging Face's name of a tensor by llama.cpp's; a name that T5's encoder has not stays as it is."""
    return renamed(name, BLOCK, "encoder.block", IN_BLOCK, OUTSIDE)
