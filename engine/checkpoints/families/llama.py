"""Llama 3 as a text encoder (HiDream), in Hugging Face and llama.cpp key layout."""

from dataclasses import dataclass

from engine.checkpoints.families.family import Family, Unsized, View

HEAD_WIDTH = 128
"""Values per head, which no shape tells; as ComfyUI fixes it."""

ROTATED = "llama.rope.dimension_count"
"""A GGUF file's key for the same number."""


@dataclass(frozen=True)
class LlamaSizes:
    """All that shapes tell about a Llama.

    heads: width of the queries / 128. shared_heads: the same of keys and values, each of which serves several queries.
    tokens: size of the vocabulary. paired: the rows of queries and keys stand as llama.cpp puts them: of each head, the
    two values that are rotated together are neighbours, not half a head apart.
    """

    width: int
    layers: int
    feed_forward: int
    heads: int
    shared_heads: int
    tokens: int
    paired: bool


@dataclass(frozen=True)
class Names:
    """Where a layout keeps what tells the sizes. alien: names that other language models have besides."""

    embedding: str
    query: str
    key: str
    gate: str
    block: str
    alien: tuple[str, ...]


HF = Names(
    embedding="model.embed_tokens.weight",
    query="model.layers.0.self_attn.q_proj.weight",
    key="model.layers.0.self_attn.k_proj.weight",
    gate="model.layers.0.mlp.gate_proj.weight",
    block="model.layers.{}.self_attn.q_proj.weight",
    alien=(
        "model.layers.0.self_attn.q_proj.bias",
        "model.layers.0.self_attn.k_proj.bias",
        "model.layers.0.self_attn.q_norm.weight",
        "model.layers.0.post_feedforward_layernorm.weight",
    ),
)
LLAMA_CPP = Names(
    embedding="token_embd.weight",
    query="blk.0.attn_q.weight",
    key="blk.0.attn_k.weight",
    gate="blk.0.ffn_gate.weight",
    block="blk.{}.attn_q.weight",
    alien=(
        "blk.0.attn_q.bias",
        "blk.0.attn_k.bias",
        "blk.0.attn_q_norm.weight",
        "blk.0.post_ffw_norm.weight",
        "blk.0.post_attention_norm.weight",
    ),
)


def sizes(view: View, names: Names) -> LlamaSizes:
    """Sizes from shapes. Raises Unsized if shapes are missing or contradict one another."""
    tokens, width = view.shape(names.embedding, 2)
    queries, query_width = view.shape(names.query, 2)
    feed_forward, gate_width = view.shape(names.gate, 2)
    if not width == query_width == gate_width:
        raise Unsized(f"widths {width}, {query_width} and {gate_width} do not fit together")
    heads = view.ratio(queries, HEAD_WIDTH, "the number of heads")
    shared = view.ratio(view.shape(names.key, 2)[0], HEAD_WIDTH, "the number of heads of the keys")
    view.ratio(heads, shared, "the number of heads per key")
    return LlamaSizes(
        width=width,
        layers=view.count(names.block),
        feed_forward=feed_forward,
        heads=heads,
        shared_heads=shared,
        tokens=tokens,
        paired=names is LLAMA_CPP,
    )


def shapes(sizes: LlamaSizes) -> dict[str, tuple[int, ...]]:
    """Every tensor of an encoder of these sizes by Hugging Face's name, with its shape."""
    wide, inner = sizes.width, sizes.feed_forward
    queries, keys = sizes.heads * HEAD_WIDTH, sizes.shared_heads * HEAD_WIDTH
    layer: dict[str, tuple[int, ...]] = {
        "input_layernorm": (wide,),
        "self_attn.q_proj": (queries, wide),
        "self_attn.k_proj": (keys, wide),
        "self_attn.v_proj": (keys, wide),
        "self_attn.o_proj": (wide, queries),
        "post_attention_layernorm": (wide,),
        "mlp.gate_proj": (inner, wide),
        "mlp.up_proj": (inner, wide),
        "mlp.down_proj": (wide, inner),
    }
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (sizes.tokens, wide)}
    for number in range(sizes.layers):
        found |= {f"model.layers.{number}.{name}.weight": shape for name, shape in layer.items()}
    return found | {"model.norm.weight": (wide,)}


def family(layout: str, names: Names, owns: tuple[str, ...]) -> Family:
    """The family in one layout."""
    return Family(
        kind="llama",
        title="a Llama text encoder",
        layout=layout,
        evidence=(names.query, names.gate, names.embedding),
        absent=names.alien,
        owns=owns,
        sizes=lambda view: sizes(view, names),
    )


FAMILIES = (
    family("hf", HF, ("model.", "lm_head.")),
    family("llama.cpp", LLAMA_CPP, ("blk.", "token_embd.", "output_norm.", "output.", "rope_freqs.")),
)
