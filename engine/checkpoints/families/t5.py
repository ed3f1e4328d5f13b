"""T5 v1.1 encoders (gated feed-forward), in Hugging Face and llama.cpp key layout."""

from dataclasses import dataclass

from engine.checkpoints.families.family import Family, Unsized, View

PUBLISHED = (32_100, 32_128)
"""Rows of the embedding of T5's published vocabulary: its entries, and these filled up to a multiple of 128."""


@dataclass(frozen=True)
class T5Sizes:
    """All that shapes tell about a T5 encoder.

    heads, buckets: of the relative position table. head_width: values per head. tokens: size of the vocabulary.
    """

    width: int
    layers: int
    feed_forward: int
    heads: int
    head_width: int
    tokens: int
    buckets: int


@dataclass(frozen=True)
class Names:
    """Where a layout keeps what tells the sizes. embeddings: the first that is there counts."""

    embeddings: tuple[str, ...]
    positions: str
    query: str
    gate: str
    block: str
    later_positions: str
    """Only the multilingual T5 (UMT5) has a position table in the second block too."""


HF = Names(
    embeddings=("shared.weight", "encoder.embed_tokens.weight"),
    positions="encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
    query="encoder.block.0.layer.0.SelfAttention.q.weight",
    gate="encoder.block.0.layer.1.DenseReluDense.wi_1.weight",
    block="encoder.block.{}.layer.0.SelfAttention.q.weight",
    later_positions="encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight",
)
LLAMA_CPP = Names(
    embeddings=("token_embd.weight",),
    positions="enc.blk.0.attn_rel_b.weight",
    query="enc.blk.0.attn_q.weight",
    gate="enc.blk.0.ffn_up.weight",
    block="enc.blk.{}.attn_q.weight",
    later_positions="enc.blk.1.attn_rel_b.weight",
)


def sizes(view: View, names: Names) -> T5Sizes:
    """Sizes from shapes. Raises Unsized if shapes are missing or contradict one another."""
    embedding = next((name for name in names.embeddings if name in view), names.embeddings[0])
    tokens, width = view.shape(embedding, 2)
    buckets, heads = view.shape(names.positions, 2)
    inner, query_width = view.shape(names.query, 2)
    feed_forward, gate_width = view.shape(names.gate, 2)
    if not width == query_width == gate_width:
        raise Unsized(f"widths {width}, {query_width} and {gate_width} do not fit together")
    return T5Sizes(
        width=width,
        layers=view.count(names.block),
        feed_forward=feed_forward,
        heads=heads,
        head_width=view.ratio(inner, heads, "the width of a head"),
        tokens=tokens,
        buckets=buckets,
    )


def shapes(sizes: T5Sizes) -> dict[str, tuple[int, ...]]:
    """Every tensor of an encoder of these sizes by Hugging Face's name, with its shape, but for the embedding."""
    inner = sizes.heads * sizes.head_width
    found: dict[str, tuple[int, ...]] = {HF.positions: (sizes.buckets, sizes.heads)}
    for number in range(sizes.layers):
        attention, feed_forward = (f"encoder.block.{number}.layer.{layer}." for layer in (0, 1))
        found |= {f"{attention}SelfAttention.{part}.weight": (inner, sizes.width) for part in "qkv"}
        found |= {f"{attention}SelfAttention.o.weight": (sizes.width, inner)}
        found |= {f"{feed_forward}DenseReluDense.wi_{part}.weight": (sizes.feed_forward, sizes.width) for part in "01"}
        found |= {f"{feed_forward}DenseReluDense.wo.weight": (sizes.width, sizes.feed_forward)}
        found |= {f"{layer}layer_norm.weight": (sizes.width,) for layer in (attention, feed_forward)}
    return found | {"encoder.final_layer_norm.weight": (sizes.width,)}


def family(layout: str, names: Names, owns: tuple[str, ...]) -> Family:
    """The family in one layout."""
    return Family(
        kind="t5xxl",
        title="a T5 text encoder",
        layout=layout,
        evidence=(names.query, names.gate),
        absent=(names.later_positions,),
        owns=owns,
        sizes=lambda view: sizes(view, names),
    )


FAMILIES = (
    family("hf", HF, ("encoder.", "shared.")),
    family("llama.cpp", LLAMA_CPP, ("enc.", "token_embd.")),
)
