"""The same random weights in our Flux and in diffusers' give the same answer."""

import pytest
import torch
from torch import Tensor

from engine.checkpoints.families.flux import FluxSizes
from engine.inference.models.flux import Flux
from tests.inference.random_weights import with_random_weights

SIZES = FluxSizes(
    hidden=96, head_dim=32, heads=3, double_blocks=2, single_blocks=2, in_channels=64, out_channels=64, text_width=40,
    pooled_width=20, mlp_width=384, guided=True,
)  # fmt: skip

EMBEDDERS = {"time_in": "timestep_embedder", "vector_in": "text_embedder", "guidance_in": "guidance_embedder"}
STREAMS = (
    ("img", "norm1", ("to_q", "to_k", "to_v"), "to_out.0", "ff", "norm_"),
    ("txt", "norm1_context", ("add_q_proj", "add_k_proj", "add_v_proj"), "to_add_out", "ff_context", "norm_added_"),
)


def moved(ours: dict[str, Tensor], name: str, *others: str, parts: list[int] | None = None) -> dict[str, Tensor]:
    """Weight and bias of one layer under one or, cut by rows, several other names."""
    found = {}
    for end in (".weight", ".bias"):
        tensor = ours[name + end]
        for other, rows in zip(others, tensor.split(parts or len(tensor)), strict=True):
            found[other + end] = rows
    return found


def double_block(ours: dict[str, Tensor], block: str, other: str) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for stream, norm, qkv, proj, mlp, heads in STREAMS:
        found |= moved(ours, f"{block}.{stream}_mod.lin", f"{other}.{norm}.linear")
        inner = [f"{other}.attn.{part}" for part in qkv]
        found |= moved(ours, f"{block}.{stream}_attn.qkv", *inner, parts=[SIZES.hidden] * 3)
        found |= moved(ours, f"{block}.{stream}_attn.proj", f"{other}.attn.{proj}")
        found |= moved(ours, f"{block}.{stream}_mlp.0", f"{other}.{mlp}.net.0.proj")
        found |= moved(ours, f"{block}.{stream}_mlp.2", f"{other}.{mlp}.net.2")
        for kind in ("query", "key"):
            found[f"{other}.attn.{heads}{kind[0]}.weight"] = ours[f"{block}.{stream}_attn.norm.{kind}_norm.scale"]
    return found


def single_block(ours: dict[str, Tensor], block: str, other: str) -> dict[str, Tensor]:
    found = moved(ours, f"{block}.modulation.lin", f"{other}.norm.linear")
    found |= moved(ours, f"{block}.linear2", f"{other}.proj_out")
    inner = [f"{other}.attn.{part}" for part in ("to_q", "to_k", "to_v")] + [f"{other}.proj_mlp"]
    found |= moved(ours, f"{block}.linear1", *inner, parts=[SIZES.hidden] * 3 + [SIZES.mlp_width])
    for kind in ("query", "key"):
        found[f"{other}.attn.norm_{kind[0]}.weight"] = ours[f"{block}.norm.{kind}_norm.scale"]
    return found


def renamed(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our names and fused tensors as diffusers has them."""
    found: dict[str, Tensor] = {}

    for name, other in EMBEDDERS.items():
        found |= moved(ours, f"{name}.in_layer", f"time_text_embed.{other}.linear_1")
        found |= moved(ours, f"{name}.out_layer", f"time_text_embed.{other}.linear_2")
    found |= moved(ours, "txt_in", "context_embedder")
    found |= moved(ours, "img_in", "x_embedder")
    found |= moved(ours, "final_layer.linear", "proj_out")
    for end in ("weight", "bias"):
        shift, scale = ours[f"final_layer.adaLN_modulation.1.{end}"].chunk(2)
        found[f"norm_out.linear.{end}"] = torch.cat((scale, shift))
    for number in range(SIZES.double_blocks):
        found |= double_block(ours, f"double_blocks.{number}", f"transformer_blocks.{number}")
    for number in range(SIZES.single_blocks):
        found |= single_block(ours, f"single_blocks.{number}", f"single_transformer_blocks.{number}")
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_flux_equals_diffusers_flux() -> None:
    from diffusers import FluxTransformer2DModel

    ours, tensors = with_random_weights(Flux(SIZES))
    theirs = FluxTransformer2DModel(
        in_channels=64, num_layers=2, num_single_layers=2, attention_head_dim=32, num_attention_heads=3,
        joint_attention_dim=40, pooled_projection_dim=20, guidance_embeds=True, axes_dims_rope=(4, 14, 14),
    ).eval()  # fmt: skip
    theirs.load_state_dict(renamed(tensors))
    generator = torch.Generator().manual_seed(4)
    x, tokens, pooled = (torch.randn(shape, generator=generator) for shape in ((2, 16, 6, 4), (2, 9, 40), (2, 20)))
    timestep, guidance = torch.tensor([0.25, 0.9]), torch.tensor([3.5, 2.0])
    patches = torch.nn.functional.pixel_unshuffle(x, 2)
    ids = torch.cartesian_prod(torch.zeros(1), torch.arange(3.0), torch.arange(2.0))
    with torch.no_grad():
        wanted = theirs(
            hidden_states=patches.flatten(2).transpose(1, 2), encoder_hidden_states=tokens, pooled_projections=pooled,
            timestep=timestep, guidance=guidance, img_ids=ids, txt_ids=torch.zeros(9, 3),
        ).sample  # fmt: skip
        found = ours(x, timestep, tokens, pooled, guidance)
    wanted = torch.nn.functional.pixel_shuffle(wanted.transpose(1, 2).unflatten(2, (3, 2)), 2)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
