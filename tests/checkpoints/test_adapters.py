"""A LoRA's header tells what it changes; what is damaged or for another model is told in one sentence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checkpoints import adapters
from engine.checkpoints.adapter_matching import matching
from engine.errors import ModelFileInvalid
from tests.checkpoints.tables import index_of, load

FLUX = {
    "double_blocks.0.img_attn.qkv.weight": (768, 256),
    "double_blocks.0.img_attn.qkv.bias": (768,),
    "double_blocks.0.img_attn.norm.query_norm.scale": (128,),
    "single_blocks.0.linear1.weight": (1792, 256),
    "final_layer.adaLN_modulation.1.weight": (512, 256),
}
CLIP = {"text_model.encoder.layers.0.mlp.fc1.weight": (512, 128), "text_model.encoder.layers.0.mlp.fc1.bias": (512,)}
T5 = {"encoder.block.0.layer.0.SelfAttention.q.weight": (256, 256)}
QKV = "diffusion_model.double_blocks.0.img_attn.qkv"


def table(stem: str = QKV, **shapes: Any) -> dict[str, Any]:
    """A module; "lora_A__weight" stands for "lora_A.weight"."""
    return {f"{stem}.{role.replace('__', '.')}": ("fp16", shape) for role, shape in shapes.items()}


def good() -> dict[str, Any]:
    return table(lora_A__weight=[4, 256], lora_B__weight=[768, 4])


@pytest.mark.parametrize(
    ("stem", "network", "parameter", "rows"),
    [
        (QKV, "flux", "double_blocks.0.img_attn.qkv.weight", (0, 768)),
        ("transformer.transformer_blocks.0.attn.to_k", "flux", "double_blocks.0.img_attn.qkv.weight", (256, 512)),
        ("lycoris_transformer_blocks_0_attn_to_v", "flux", "double_blocks.0.img_attn.qkv.weight", (512, 768)),
        ("transformer.single_transformer_blocks.0.proj_mlp", "flux", "single_blocks.0.linear1.weight", (768, 1792)),
        ("diffusion_model.single_blocks.0.linear1_qkv", "flux", "single_blocks.0.linear1.weight", (0, 768)),
        ("transformer.norm_out.linear", "flux", "final_layer.adaLN_modulation.1.weight", (0, 512)),
        ("lora_te1_text_model_encoder_layers_0_mlp_fc1", "clip_l", next(iter(CLIP)), (0, 512)),
        ("lora_te_text_model_encoder_layers_0_mlp_fc1", "clip_l", next(iter(CLIP)), (0, 512)),
        ("text_encoder.text_model.encoder.layers.0.mlp.fc1", "clip_l", next(iter(CLIP)), (0, 512)),
        ("text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1", "clip_l", next(iter(CLIP)), (0, 512)),
        ("lora_te2_encoder_block_0_layer_0_SelfAttention_q", "t5xxl", next(iter(T5)), (0, 256)),
        ("lora_te3_encoder_block_0_layer_0_SelfAttention_q", "t5xxl", next(iter(T5)), (0, 256)),
        ("text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q", "t5xxl", next(iter(T5)), (0, 256)),
    ],
)
def test_stems_find_their_rows(stem: str, network: str, parameter: str, rows: tuple[int, int]) -> None:
    columns = {"clip_l": 128}.get(network, 256)
    names = table(stem, lora_down__weight=[4, columns], lora_up__weight=[rows[1] - rows[0], 4])
    [found] = matching(index_of(names), {"flux": FLUX, "clip_l": CLIP, "t5xxl": T5}).found
    assert found.target[:4] == (network, parameter, *rows)
    assert found.target.swapped == ("norm_out" in stem)


CLIP_G = {name.replace("layers.0", "layers.30"): shape for name, shape in CLIP.items()}


@pytest.mark.parametrize(
    ("stem", "beside", "changed"),
    [
        ("lora_te2_text_model_encoder_layers_30_mlp_fc1", {"clip_l": CLIP}, "clip_g"),
        ("text_encoder_2.text_model.encoder.layers.30.mlp.fc1", {"clip_l": CLIP, "t5xxl": T5}, "clip_g"),
        ("lora_te1_text_model_encoder_layers_30_mlp_fc1", {"clip_l": CLIP}, None),
        ("lora_te_text_model_encoder_layers_30_mlp_fc1", {}, "clip_g"),
        ("text_encoder.text_model.encoder.layers.30.mlp.fc1", {"flux": FLUX}, "clip_g"),
    ],
)
def test_clip_g_is_the_second_text_encoder_unless_it_is_the_only_one(
    stem: str, beside: dict[str, Any], changed: str | None
) -> None:
    names = table(stem, lora_down__weight=[4, 128], lora_up__weight=[512, 4])
    more = table("lora_te2_text_model_encoder_layers_30_mlp_fc1", diff_b=[512]) if changed is None else {}
    found = matching(index_of({**names, **more}), {**beside, "clip_g": CLIP_G})
    assert (len(found.unmatched), found.count("clip_g")) == ((0, 1) if changed else (2, 1))


def test_text_encoders_modules_are_unused_without_text_encoders_and_unmatched_with_others() -> None:
    names = good() | table("lora_te1_text_model_encoder_layers_9_mlp_fc1", lora_down__weight=[4, 128])
    alone = matching(index_of(names), {"flux": FLUX})
    assert (alone.count("flux"), alone.for_text, alone.unmatched) == (1, 1, ())
    both = matching(index_of(names), {"flux": FLUX, "clip_l": CLIP})
    assert (both.count("flux", "clip_l"), both.for_text, len(both.unmatched)) == (1, 0, 1)


DAMAGED = {
    "no up": (table(lora_A__weight=[4, 256]), "has only"),
    "no down": (table(lora_B__weight=[768, 4]), "has only"),
    "alpha alone": (table(alpha=[]), "has only"),
    "ranks that differ": (table(lora_A__weight=[4, 256], lora_B__weight=[768, 8]), "768 × 8"),
    "too few columns": (table(lora_A__weight=[4, 255], lora_B__weight=[768, 4]), "4 × 255"),
    "too many rows": (table(lora_A__weight=[4, 256], lora_B__weight=[769, 4]), "769 × 4"),
    "rank 0": (table(lora_A__weight=[0, 256], lora_B__weight=[768, 0]), "rank 0"),
    "a huge rank": (table(lora_A__weight=[4000, 256], lora_B__weight=[768, 4000]), "rank 4000"),
    "a scalar factor": (table(lora_A__weight=[], lora_B__weight=[]), "does not fit"),
    "half a LoHa": (table(hada_w1_a=[768, 4], hada_w1_b=[4, 256]), "has only"),
    "a LoKr of other sizes": (table(lokr_w1=[2, 2], lokr_w2=[384, 127]), "768 × 254"),
    "a LoKr with one factor": (table(lokr_w1=[2, 2]), "has only"),
    "a LoKr with half a factor": (table(lokr_w1=[2, 2], lokr_w2_a=[384, 2]), "has only"),
    "LoRA and LoHa at once": (good() | table(hada_w1_a=[768, 4]), "has only"),
    "the same twice": (good() | table(lora_down__weight=[4, 256]), "twice"),
    "a difference of another shape": (table(diff=[768, 255]), "768 × 255"),
    "a bias of another length": (table(diff_b=[767]), "767"),
    "a bias where there is none": (
        table("single_blocks.0.linear1", diff_b=[1792]),
        "changes a bias that the model has not",
    ),
    "a matrix for a norm": (
        table("double_blocks.0.img_attn.norm.query_norm.scale", lora_A__weight=[4, 128], lora_B__weight=[128, 4]),
        "vector of 128",
    ),
    "whole numbers": ({name: ("int8", shape) for name, (_, shape) in good().items()}, "int8"),
    "DoRA": (good() | table(dora_scale=[768, 1]), "DoRA"),
    "DoRA by PEFT": (good() | table(lora_magnitude_vector__default__weight=[768]), "DoRA"),
    "OFT": (table(oft_blocks=[4, 8, 8]), "OFT"),
    "GLoRA": (table(a1__weight=[4, 4], a2__weight=[4, 4], b1__weight=[4, 4], b2__weight=[4, 4]), "GLoRA"),
    "Tucker": (good() | table(lora_mid__weight=[4, 4, 3, 3]), "Tucker"),
    "biases of its own": (good() | table(lora_B__bias=[768]), "control LoRA"),
    "replaced weights": (table(set_weight=[768, 256]), "replace"),
}


@pytest.mark.parametrize(("names", "said"), DAMAGED.values(), ids=DAMAGED.keys())
def test_what_cannot_be_laid_on_is_told(names: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelFileInvalid, match=said):
        matching(index_of(names), {"flux": FLUX})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lora_sd15", "Stable Diffusion U-Net"),
        ("lora_sdxl", "SDXL"),
        ("lora_sd3", r"4 × 192 values, the model takes 4 × 256. It seems to be a LoRA for SD3"),
        ("lora_flux_xlabs", "XLabs"),
        ("lora_flux_control", "control LoRA"),
        ("flux_dev", "Flux"),
        ("redux", "Redux"),
    ],
)
def test_a_file_for_something_else_says_what_for(name: str, said: str) -> None:
    with pytest.raises(ModelFileInvalid, match=said):
        matching(index_of(load(name)), {"flux": FLUX})


def test_a_shared_text_encoder_does_not_make_a_lora_for_sd_one_for_flux() -> None:
    with pytest.raises(ModelFileInvalid, match="Stable Diffusion U-Net"):
        matching(index_of(load("lora_sd15")), {"flux": FLUX, "clip_l": CLIP})


def test_one_for_text_encoders_only_names_the_node_that_takes_them() -> None:
    names = table("lora_te1_text_model_encoder_layers_0_mlp_fc1", lora_down__weight=[4, 128], lora_up__weight=[512, 4])
    with pytest.raises(ModelFileInvalid, match="text encoders only.*LoraLoader"):
        matching(index_of(names), {"flux": FLUX})


@pytest.mark.parametrize("name", ["lora_flux_kohya", "lora_flux_peft", "lora_sd15", "lora_sdxl", "lora_sd3"])
def test_every_tensor_of_the_known_forms_is_part_of_a_module(name: str) -> None:
    modules, rest = adapters.modules(index_of(load(name)))
    assert modules
    assert not rest


ROLES = [*adapters.ENDINGS, ".lora_A.weight", ".lora_B.default.weight", ".lora_magnitude_vector", ""]
STEMS = [QKV, "lora_unet_single_blocks_0_linear1", "double_blocks.0.img_attn.norm.query_norm.scale", "odd", ""]
SHAPE = st.lists(st.sampled_from([0, 1, 2, 4, 128, 256, 768, 1792, 1 << 40]), max_size=5)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(STEMS), st.sampled_from(ROLES)).map("".join),
        st.tuples(st.sampled_from(["fp16", "int8", "fp8_e4m3fn"]), SHAPE),
        max_size=6,
    )
)
def test_no_header_is_worse_than_refused(names: dict[str, Any]) -> None:
    try:
        found = matching(index_of(names), {"flux": FLUX})
    except ModelFileInvalid:
        return
    assert found.found
