"""CLIP text encoders: L (Flux, SD 1.x), H (SD 2.x) and G (SDXL, SD3), in Hugging Face and OpenCLIP key layout.

The three differ in depth: 12, 24 and 32 layers as published, so that the 23rd and the 31st layer tell them apart.
"""

from dataclasses import dataclass
from typing import Literal

from engine.checkpoints.families.family import Family, Unsized, View

HEAD_WIDTH = 64
OWNED = ("text_model.", "text_projection", "logit_scale")
OWNED_OPENCLIP = (
    "transformer.resblocks.",
    "token_embedding.",
    "positional_embedding",
    "ln_final.",
    "text_projection",
    "logit_scale",
    "attn_mask",
)


@dataclass(frozen=True)
class ClipSizes:
    """All that shapes tell about a CLIP text encoder.

    tokens: size of the vocabulary. positions: longest prompt in tokens, start and end included. heads: width / 64.
    projection: the file carries the matrix behind the pooled output.
    """

    width: int
    layers: int
    feed_forward: int
    tokens: int
    positions: int
    heads: int
    activation: Literal["quick_gelu", "gelu"]
    projection: bool


def sizes(view: View, activation: Literal["quick_gelu", "gelu"]) -> ClipSizes:
    """Sizes from shapes, Hugging Face names. Raises Unsized if shapes are missing or contradict one another."""
    tokens, width = view.shape("text_model.embeddings.token_embedding.weight", 2)
    positions, position_width = view.shape("text_model.embeddings.position_embedding.weight", 2)
    feed_forward, block_width = view.shape("text_model.encoder.layers.0.mlp.fc1.weight", 2)
    if not width == position_width == block_width:
        raise Unsized(f"widths {width}, {position_width} and {block_width} do not fit together")
    return ClipSizes(
        width=width,
        layers=view.count("text_model.encoder.layers.{}.mlp.fc1.weight"),
        feed_forward=feed_forward,
        tokens=tokens,
        positions=positions,
        heads=view.ratio(width, HEAD_WIDTH, "the number of heads"),
        activation=activation,
        projection="text_projection.weight" in view or "text_projection" in view,
    )


def sizes_openclip(view: View) -> ClipSizes:
    """Sizes from shapes, OpenCLIP names. Raises Unsized if shapes are missing or contradict one another."""
    tokens, width = view.shape("token_embedding.weight", 2)
    feed_forward, block_width = view.shape("transformer.resblocks.0.mlp.c_fc.weight", 2)
    if width != block_width:
        raise Unsized(f"widths {width} and {block_width} do not fit together")
    return ClipSizes(
        width=width,
        layers=view.count("transformer.resblocks.{}.mlp.c_fc.weight"),
        feed_forward=feed_forward,
        tokens=tokens,
        positions=view.shape("positional_embedding", 2)[0],
        heads=view.ratio(width, HEAD_WIDTH, "the number of heads"),
        activation="gelu",
        projection="text_projection" in view,
    )


def shapes(sizes: ClipSizes) -> dict[str, tuple[int, ...]]:
    """Every tensor of an encoder of these sizes by Hugging Face's name, with its shape, but for the projection."""
    wide, inner = sizes.width, sizes.feed_forward
    layers = {f"self_attn.{part}_proj": (wide, wide) for part in ("q", "k", "v", "out")}
    layers |= {"mlp.fc1": (inner, wide), "mlp.fc2": (wide, inner)}
    found: dict[str, tuple[int, ...]] = {
        "text_model.embeddings.token_embedding.weight": (sizes.tokens, wide),
        "text_model.embeddings.position_embedding.weight": (sizes.positions, wide),
    }
    norms = ["text_model.final_layer_norm"]
    for number in range(sizes.layers):
        at = f"text_model.encoder.layers.{number}."
        found |= {f"{at}{name}.weight": shape for name, shape in layers.items()}
        found |= {f"{at}{name}.bias": shape[:1] for name, shape in layers.items()}
        norms += [f"{at}layer_norm1", f"{at}layer_norm2"]
    return found | {f"{norm}.{part}": (wide,) for norm in norms for part in ("weight", "bias")}


def shapes_projected(sizes: ClipSizes) -> dict[str, tuple[int, ...]]:
    """The same with the projection, which only the pooled outputs of G and H go through."""
    return shapes(sizes) | {"text_projection.weight": (sizes.width, sizes.width)}


def block(number: int) -> str:
    """A name that every layer has, Hugging Face."""
    return f"text_model.encoder.layers.{number}.mlp.fc1.weight"


def resblock(number: int) -> str:
    """A name that every layer has, OpenCLIP."""
    return f"transformer.resblocks.{number}.mlp.c_fc.weight"


FAMILIES = (
    Family(
        kind="clip_l",
        title="a CLIP-L text encoder",
        layout="hf",
        evidence=(block(0), "text_model.embeddings.token_embedding.weight"),
        absent=(block(22), "text_model.head.weight"),
        owns=OWNED,
        sizes=lambda view: sizes(view, "quick_gelu"),
    ),
    Family(
        kind="clip_h",
        title="a CLIP-H text encoder",
        layout="hf",
        evidence=(block(22), "text_model.embeddings.token_embedding.weight"),
        absent=(block(30), "text_model.head.weight"),
        owns=OWNED,
        sizes=lambda view: sizes(view, "gelu"),
    ),
    Family(
        kind="clip_g",
        title="a CLIP-G text encoder",
        layout="hf",
        evidence=(block(30), "text_model.embeddings.token_embedding.weight"),
        absent=("text_model.head.weight",),
        owns=OWNED,
        sizes=lambda view: sizes(view, "gelu"),
    ),
    Family(
        kind="clip_h",
        title="a CLIP-H text encoder",
        layout="openclip",
        evidence=(resblock(22), "token_embedding.weight"),
        absent=(resblock(30),),
        owns=OWNED_OPENCLIP,
        sizes=sizes_openclip,
    ),
    Family(
        kind="clip_g",
        title="a CLIP-G text encoder",
        layout="openclip",
        evidence=(resblock(30), "token_embedding.weight"),
        owns=OWNED_OPENCLIP,
        sizes=sizes_openclip,
    ),
)
