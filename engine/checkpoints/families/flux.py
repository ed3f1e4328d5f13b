"""Flux.1: the diffusion transformer of Black Forest Labs (dev, schnell, fill, canny, depth, kontext)."""

from dataclasses import dataclass

from engine.checkpoints.families.family import Family, Unsized, View

TIME_WIDTH = 256
"""Values that a timestep or a guidance is spread over."""


@dataclass(frozen=True)
class FluxSizes:
    """All that shapes tell about a Flux transformer.

    head_dim: of the rotary axes 1/8, 7/16, 7/16 each. in_channels: after 2×2 patching (64; canny and depth 128, fill
    384). text_width: of T5's output; pooled_width: of CLIP's. mlp_width: inner width of the feed-forward. guided: has a
    guidance embedding (dev), or not (schnell).
    """

    hidden: int
    head_dim: int
    heads: int
    double_blocks: int
    single_blocks: int
    in_channels: int
    out_channels: int
    text_width: int
    pooled_width: int
    mlp_width: int
    guided: bool


DEV = FluxSizes(
    hidden=3072,
    head_dim=128,
    heads=24,
    double_blocks=19,
    single_blocks=38,
    in_channels=64,
    out_channels=64,
    text_width=4096,
    pooled_width=768,
    mlp_width=12288,
    guided=True,
)
"""Flux.1 dev, as published."""


@dataclass(frozen=True)
class Names:
    """Where a layout keeps what tells the sizes."""

    image_in: str
    text_in: str
    pooled_in: str
    guidance_in: str
    out: str
    mlp: str
    head: str
    double_block: str
    single_block: str


BFL = Names(
    image_in="img_in.weight",
    text_in="txt_in.weight",
    pooled_in="vector_in.in_layer.weight",
    guidance_in="guidance_in.in_layer.weight",
    out="final_layer.linear.weight",
    mlp="double_blocks.0.img_mlp.0.weight",
    head="double_blocks.0.img_attn.norm.key_norm.scale",
    double_block="double_blocks.{}.img_attn.norm.key_norm.scale",
    single_block="single_blocks.{}.norm.key_norm.scale",
)
DIFFUSERS = Names(
    image_in="x_embedder.weight",
    text_in="context_embedder.weight",
    pooled_in="time_text_embed.text_embedder.linear_1.weight",
    guidance_in="time_text_embed.guidance_embedder.linear_1.weight",
    out="proj_out.weight",
    mlp="transformer_blocks.0.ff.net.0.proj.weight",
    head="transformer_blocks.0.attn.norm_added_k.weight",
    double_block="transformer_blocks.{}.attn.norm_added_k.weight",
    single_block="single_transformer_blocks.{}.attn.norm_k.weight",
)


def sizes(view: View, names: Names) -> FluxSizes:
    """Sizes from shapes. Raises Unsized if shapes are missing or contradict one another."""
    hidden, in_channels = view.shape(names.image_in, 2)
    (head_dim,) = view.shape(names.head, 1)
    out_channels, out_width = view.shape(names.out, 2)
    mlp_width, mlp_in = view.shape(names.mlp, 2)
    text_out, text_width = view.shape(names.text_in, 2)
    if {out_width, mlp_in, text_out} != {hidden} or head_dim % 16:
        raise Unsized(
            f"widths {hidden}, {text_out}, {mlp_in}, {out_width} and head size {head_dim} do not fit together"
        )
    return FluxSizes(
        hidden=hidden,
        head_dim=head_dim,
        heads=view.ratio(hidden, head_dim, "the number of heads"),
        double_blocks=view.count(names.double_block),
        single_blocks=view.count(names.single_block),
        in_channels=in_channels,
        out_channels=out_channels,
        text_width=text_width,
        pooled_width=view.shape(names.pooled_in, 2)[1],
        mlp_width=mlp_width,
        guided=names.guidance_in in view,
    )


def variant(sizes: FluxSizes) -> str:
    """Which of the published models has these sizes. Canny and depth are alike, and Kontext is like dev."""
    if sizes.in_channels == 384:
        return "fill"
    if sizes.in_channels == 128:
        return "canny or depth"
    return "dev" if sizes.guided else "schnell"


def shapes(sizes: FluxSizes) -> dict[str, tuple[int, ...]]:
    """Every tensor of a model of these sizes by Black Forest Labs' name, with its shape."""
    wide, mlp, head = sizes.hidden, sizes.mlp_width, sizes.head_dim
    layers = {
        "img_in": (wide, sizes.in_channels),
        "txt_in": (wide, sizes.text_width),
        **_embedder("time_in", TIME_WIDTH, wide),
        **_embedder("vector_in", sizes.pooled_width, wide),
        **(_embedder("guidance_in", TIME_WIDTH, wide) if sizes.guided else {}),
        "final_layer.adaLN_modulation.1": (2 * wide, wide),
        "final_layer.linear": (sizes.out_channels, wide),
    }
    scales = []
    for number in range(sizes.double_blocks):
        for side in (f"double_blocks.{number}.img_", f"double_blocks.{number}.txt_"):
            layers |= {f"{side}mod.lin": (6 * wide, wide), f"{side}attn.qkv": (3 * wide, wide)}
            layers |= {f"{side}attn.proj": (wide, wide), f"{side}mlp.0": (mlp, wide), f"{side}mlp.2": (wide, mlp)}
            scales += [f"{side}attn.norm.query_norm.scale", f"{side}attn.norm.key_norm.scale"]
    for number in range(sizes.single_blocks):
        block = f"single_blocks.{number}."
        layers |= {f"{block}linear1": (3 * wide + mlp, wide), f"{block}linear2": (wide, wide + mlp)}
        layers |= {f"{block}modulation.lin": (3 * wide, wide)}
        scales += [f"{block}norm.query_norm.scale", f"{block}norm.key_norm.scale"]
    weights = {f"{name}.weight": shape for name, shape in layers.items()}
    biases = {f"{name}.bias": shape[:1] for name, shape in layers.items()}
    return weights | biases | {name: (head,) for name in scales}


def _embedder(name: str, width: int, wide: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.in_layer": (wide, width), f"{name}.out_layer": (wide, wide)}


FAMILIES = (
    Family(
        kind="flux",
        title="a Flux model",
        layout="bfl",
        evidence=(BFL.head, BFL.image_in, BFL.pooled_in),
        absent=("controlnet_blocks.0.weight", "pos_embed_input.weight"),
        sizes=lambda view: sizes(view, BFL),
    ),
    Family(
        kind="flux",
        title="a Flux model",
        layout="diffusers",
        evidence=(DIFFUSERS.head, DIFFUSERS.image_in, DIFFUSERS.text_in, DIFFUSERS.pooled_in),
        absent=("controlnet_blocks.0.weight", "controlnet_x_embedder.weight", "pos_embed.proj.weight"),
        sizes=lambda view: sizes(view, DIFFUSERS),
    ),
)
