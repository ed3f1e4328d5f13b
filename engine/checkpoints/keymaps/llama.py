"""Llama: llama.cpp's key names, and Hugging Face's for the same tensors."""

import re
from collections.abc import Mapping

from engine.checkpoints.keymaps.llama_cpp import renamed

BLOCK = re.compile(r"blk\.(\d+)\.(.+)")

IN_BLOCK: Mapping[str, str] = {
    "attn_norm.weight": "input_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight",
    "attn_k.weight": "self_attn.k_proj.weight",
    "attn_v.weight": "self_attn.v_proj.weight",
    "attn_output.weight": "self_attn.o_proj.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight",
    "ffn_down.weight": "mlp.down_proj.weight",
}
"""Behind "blk.N." to behind "model.layers.N."."""

OUTSIDE: Mapping[str, str] = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def hugging_face(name: str) -> str:
    """Hugging Face's name of a tensor by llama.cpp's; a name that Llama has not stays as it is."""
    return renamed(name, BLOCK, "model.layers", IN_BLOCK, OUTSIDE)
