"""Llama 3 is told from its header, other language models are named, and what cannot be run is refused."""

from dataclasses import replace
from typing import Any

import pytest

from engine.checkpoints import runnable, weights
from engine.checkpoints.detect import parts
from engine.checkpoints.families import llama
from engine.checkpoints.families.llama import LlamaSizes
from engine.checkpoints.index import TensorIndex
from engine.checkpoints.keymaps.llama import IN_BLOCK, OUTSIDE, hugging_face
from engine.errors import ModelFileInvalid
from tests.checkpoints.tables import index_of

PUBLISHED = LlamaSizes(4096, 32, 14_336, 32, 8, 128_256, paired=False)
SMALL = LlamaSizes(256, 2, 512, 2, 1, 300, paired=False)
VOCABULARY: dict[str, Any] = {
    f"tokenizer.ggml.{name}": value
    for name, value in {"model": "gpt2", "pre": "llama-bpe", "tokens": (), "merges": (), "token_type": ()}.items()
}


def table(sizes: LlamaSizes, dtype: str = "fp16") -> dict[str, Any]:
    """Llama by Hugging Face's names, with the head that predicts words."""
    found = {name: (dtype, shape) for name, shape in llama.shapes(sizes).items()}
    return found | {"lm_head.weight": (dtype, (sizes.tokens, sizes.width))}


def llama_cpp(sizes: LlamaSizes) -> dict[str, Any]:
    """The same by llama.cpp's names, matrices as Q8_0."""
    names = {f"model.layers.{number}.{theirs}": f"blk.{number}.{ours}" for ours, theirs in IN_BLOCK.items()
             for number in range(sizes.layers)}  # fmt: skip
    names |= {theirs: ours for ours, theirs in OUTSIDE.items()}
    held = {
        names[name]: ("gguf:Q8_0" if len(shape) == 2 else "fp32", shape) for name, (_, shape) in table(sizes).items()
    }
    return held | {"rope_freqs.weight": ("fp32", (64,))}


def gguf(changes: dict[str, Any] | None = None, **metadata: Any) -> TensorIndex:
    """A small GGUF file's index. metadata: in place of the vocabulary's, by keys with _ for the dots."""
    known = {"general.architecture": "llama", **VOCABULARY, "llama.rope.dimension_count": 128}
    chosen = {key: metadata.get(key.replace(".", "_"), value) for key, value in known.items()}
    given = {key: value for key, value in chosen.items() if value is not None}
    return replace(index_of(llama_cpp(SMALL) | (changes or {})), path="llama.gguf", format="gguf", metadata=given)


def test_the_published_sizes_follow_from_shapes() -> None:
    (part,) = parts(index_of(table(PUBLISHED, "bf16")))
    assert (part.kind, part.layout, part.sizes, part.parameters) == ("llama", "hf", PUBLISHED, 8_030_261_248)
    (part,) = parts(index_of(llama_cpp(PUBLISHED)))
    assert (part.layout, part.sizes, part.storage) == ("llama.cpp", replace(PUBLISHED, paired=True), "gguf:Q8_0")


def test_llama_cpps_names_become_those_of_hugging_face() -> None:
    (part,) = parts(gguf())
    assert set(weights.of_part(gguf(), part)) == {*table(SMALL), "rope_freqs.weight"}
    assert hugging_face("blk.0.attn_q.bias") == "blk.0.attn_q.bias"
    assert runnable.require(gguf(), "llama") == part


@pytest.mark.parametrize(
    "alien",
    ["self_attn.k_proj.bias", "self_attn.q_norm.weight", "post_feedforward_layernorm.weight"],
)
def test_other_language_models_are_only_named(alien: str) -> None:
    (part,) = parts(index_of(table(SMALL) | {f"model.layers.0.{alien}": ("fp16", (128,))}))
    assert part.kind == "language_model"


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"general_architecture": "qwen2"}, "says general.architecture 'qwen2'"),
        ({"tokenizer_ggml_tokens": None}, "but no tokenizer for it. Use a GGUF file of Llama 3.1 8B Instruct"),
        ({"tokenizer_ggml_merges": None}, "but no tokenizer for it"),
        ({"tokenizer_ggml_model": "llama"}, r"a tokenizer that is not Llama 3's \(llama, llama-bpe\)"),
        ({"tokenizer_ggml_pre": "tekken"}, r"a tokenizer that is not Llama 3's \(gpt2, tekken\)"),
        ({"llama_rope_dimension_count": 64}, "heads of 64 values, where 128 are known"),
    ],
)
def test_metadata_of_another_model_are_refused(metadata: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelFileInvalid, match=said):
        runnable.require(gguf(**metadata), "llama")


def test_shapes_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ModelFileInvalid, match="the number of heads would be 200 / 128"):
        parts(gguf({"blk.0.attn_q.weight": ("fp16", (200, 256))}))
    with pytest.raises(ModelFileInvalid, match="the number of heads per key would be 2 / 3"):
        parts(gguf({"blk.0.attn_k.weight": ("fp16", (384, 256))}))
    with pytest.raises(ModelFileInvalid, match=r"mlp.up_proj.weight has shape \[511, 256\] instead of \[512, 256\]"):
        runnable.require(gguf({"blk.1.ffn_up.weight": ("fp16", (511, 256))}), "llama")
