"""Each family claims its own key tables, with the published sizes, and no other."""

from typing import Any

import pytest

from engine.checkpoints.detect import FAMILIES, parts, require, tensors_of, unclaimed
from engine.checkpoints.families.clip import ClipSizes
from engine.checkpoints.families.flux import FluxSizes, variant
from engine.checkpoints.families.kl_vae import VaeSizes
from engine.checkpoints.families.t5 import T5Sizes
from engine.errors import ModelFileInvalid
from tests.checkpoints.tables import NAMES, index_of, load

FLUX = FluxSizes(3072, 128, 24, 19, 38, 64, 64, 4096, 768, 12288, True)
SCHNELL = FluxSizes(3072, 128, 24, 19, 38, 64, 64, 4096, 768, 12288, False)
FILL = FluxSizes(3072, 128, 24, 19, 38, 384, 64, 4096, 768, 12288, True)
CLIP_L = ClipSizes(768, 12, 3072, 49408, 77, 12, "quick_gelu", True)
CLIP_G = ClipSizes(1280, 32, 5120, 49408, 77, 20, "gelu", True)
T5 = T5Sizes(4096, 24, 10240, 64, 64, 32128, 32)
FLUX_VAE = VaeSizes(128, (1, 2, 4, 4), 2, 16, False)
SD_VAE = VaeSizes(128, (1, 2, 4, 4), 2, 4, True)

REAL: dict[str, list[tuple[Any, ...]]] = {
    # kind, layout, prefix, storage, sizes, parameters (as published), largest part first
    "flux_dev": [("flux", "bfl", "", "bf16", FLUX, 11_901_408_320)],
    "flux_schnell": [("flux", "bfl", "", "bf16", SCHNELL, 11_891_178_560)],
    "flux_fill": [("flux", "bfl", "", "bf16", FILL, 11_902_391_360)],
    "flux_kontext_fp8_scaled": [("flux", "bfl", "", "fp8_e4m3fn scaled", FLUX, 11_901_408_320)],
    "flux_dev_diffusers": [("flux", "diffusers", "", "bf16", FLUX, 11_901_408_320)],
    "flux_dev_fp8_all_in_one": [
        ("flux", "bfl", "model.diffusion_model.", "fp8_e4m3fn", FLUX, 11_901_408_320),
        ("t5xxl", "hf", "text_encoders.t5xxl.transformer.", "fp8_e4m3fn", T5, 4_762_310_656),
        ("kl_vae", "ldm", "vae.", "fp32", FLUX_VAE, 83_819_683),
        ("clip_l", "hf", "text_encoders.clip_l.transformer.", "fp16", CLIP_L, 123_650_304),
    ],
    "clip_l": [("clip_l", "hf", "", "fp16", CLIP_L, 123_650_304)],
    "clip_g": [("clip_g", "hf", "", "fp16", CLIP_G, 694_659_840)],
    "t5xxl_fp16": [("t5xxl", "hf", "", "fp16", T5, 4_762_310_656)],
    "t5xxl_fp8": [("t5xxl", "hf", "", "fp8_e4m3fn", T5, 4_762_310_656 + 32128 * 4096)],
    "t5xxl_fp8_scaled": [("t5xxl", "hf", "", "fp8_e4m3fn scaled", T5, 4_762_310_656)],
    "t5xxl_llama_cpp": [("t5xxl", "llama.cpp", "", "gguf:Q8_0", T5, 4_762_310_656)],
    "flux_vae": [("kl_vae", "ldm", "", "fp32", FLUX_VAE, 83_819_683)],
    "sd_vae": [("kl_vae", "ldm", "", "fp32", SD_VAE, 83_653_863)],
    "flux_vae_diffusers": [("kl_vae", "diffusers", "", "bf16", FLUX_VAE, 83_819_683)],
}

NAMED: dict[str, set[str]] = {
    "sd15": {"sd15", "clip_l", "kl_vae"},
    "sdxl": {"sdxl", "clip_l", "clip_g", "kl_vae"},
    "sd3": {"sd3", "clip_l", "clip_g", "kl_vae"},
    "controlnet_flux": {"controlnet"},
    "controlnet_flux_xlabs": {"controlnet"},
    "controlnet_sd15": {"controlnet"},
    "clip_vision": {"clip_vision"},
    "siglip": {"clip_vision"},
    "redux": {"style_model"},
    "ip_adapter": {"ip_adapter"},
    "ip_adapter_xlabs": {"ip_adapter"},
    "esrgan": {"upscaler"},
    "embedding": {"embedding"},
    "embedding_sdxl": {"embedding"},
    **{name: {"lora"} for name in NAMES if name.startswith("lora_")},
    "stranger_UNet2DConditionModel": {"unet"},
    "stranger_FluxControlNetModel": {"controlnet"},
}

SIZED = {"flux", "clip_l", "clip_g", "t5xxl", "kl_vae"}


@pytest.mark.parametrize("name", REAL)
def test_published_files_are_recognised_with_their_sizes(name: str) -> None:
    found = parts(index_of(load(name)))
    assert [(part.kind, part.layout, part.prefix, part.storage, part.sizes, part.parameters) for part in found] == REAL[
        name
    ]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REAL])
def test_other_families_are_named_or_left_alone(name: str) -> None:
    found = {part.kind for part in parts(index_of(load(name)))}
    expected = NAMED.get(name, set())
    assert expected <= found
    assert not (found & SIZED) - expected


def test_every_table_is_expected_to_be_something() -> None:
    assert {name for name in NAMES if not name.startswith("stranger_")} == {*REAL, *NAMED} - {
        "stranger_UNet2DConditionModel",
        "stranger_FluxControlNetModel",
    }


def test_a_file_of_one_family_is_claimed_by_one_family_only() -> None:
    for name in (*REAL, "controlnet_flux", "controlnet_flux_xlabs", "clip_vision", "esrgan", "redux"):
        index = index_of(load(name))
        prefixes = [part.prefix for part in parts(index)]
        assert len(prefixes) == len(set(prefixes)), name


def test_tensors_of_an_all_in_one_file_are_dealt_out_without_prefix() -> None:
    table = load("flux_dev_fp8_all_in_one")
    index = index_of(table)
    dealt = {part.kind: tensors_of(index, part) for part in parts(index)}
    assert {kind: len(tensors) for kind, tensors in dealt.items()} == {
        "flux": 780,
        "t5xxl": 219,
        "kl_vae": 244,
        "clip_l": 197,
    }
    assert dealt["flux"].keys() == load("flux_dev").keys()
    assert dealt["clip_l"]["text_projection.weight"].shape == (768, 768)
    assert unclaimed(index) == ("text_encoders.clip_l.logit_scale", "text_encoders.t5xxl.logit_scale")
    assert sum(len(tensors) for tensors in dealt.values()) + 2 == len(table)


def test_the_marks_of_a_storage_belong_to_the_part() -> None:
    index = index_of(load("t5xxl_fp8_scaled"))
    (part,) = parts(index)
    tensors = tensors_of(index, part)
    assert "scaled_fp8" in tensors
    assert "encoder.block.0.layer.0.SelfAttention.q.scale_weight" in tensors
    assert unclaimed(index) == ()


def test_an_adapter_file_is_one_part_with_all_its_tensors() -> None:
    index = index_of(load("lora_flux_kohya"))
    (part,) = parts(index)
    assert part.title == "a LoRA for Flux"
    assert tensors_of(index, part) == index.tensors
    assert unclaimed(index) == ()


@pytest.mark.parametrize("missing", ["img_in.weight", "txt_in.weight", "final_layer.linear.weight"])
def test_a_flux_file_without_a_size_is_broken_or_unknown_never_guessed(missing: str) -> None:
    table = load("flux_dev")
    del table[missing]
    try:
        found = parts(index_of(table))
    except ModelFileInvalid as error:
        assert missing in str(error)  # noqa: PT017
    else:
        assert found == ()


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("txt_in.weight", (3000, 4096)),
        ("double_blocks.0.img_attn.norm.key_norm.scale", (100,)),
        ("img_in.weight", (3072, 64, 1)),
        ("img_in.weight", (0, 64)),
    ],
)
def test_shapes_that_contradict_one_another_are_told(key: str, shape: tuple[int, ...]) -> None:
    table = load("flux_dev")
    table[key] = ("bf16", shape)
    with pytest.raises(ModelFileInvalid, match="looks like a Flux model, but is damaged"):
        parts(index_of(table))


def test_require_says_what_a_file_is_instead() -> None:
    with pytest.raises(ModelFileInvalid) as caught:
        require(index_of(load("sdxl")), "flux")
    assert "holds an SDXL model and a CLIP-L text encoder" in caught.value.said
    assert "not a Flux model" in caught.value.said
    assert require(index_of(load("sdxl")), "kl_vae").kind == "kl_vae"


def test_require_says_when_nothing_is_recognised() -> None:
    with pytest.raises(ModelFileInvalid, match="no model that we recognise"):
        require(index_of({"a": ("fp32", (1,))}), "flux")


@pytest.mark.parametrize(
    ("name", "expected"), [("flux_dev", "dev"), ("flux_schnell", "schnell"), ("flux_fill", "fill")]
)
def test_variants_of_flux_are_told_by_shapes(name: str, expected: str) -> None:
    (part,) = parts(index_of(load(name)))
    assert isinstance(part.sizes, FluxSizes)
    assert variant(part.sizes) == expected


def test_tiny_and_odd_sizes_are_read_from_shapes() -> None:
    table = {
        key: (dtype, tuple(length // 12 if length % 3072 == 0 else length for length in shape))
        for key, (dtype, shape) in load("flux_schnell").items()
        if "single_blocks" not in key and not any(f"double_blocks.{number}." in key for number in range(1, 19))
    }
    (part,) = parts(index_of(table))
    assert part.sizes == FluxSizes(256, 128, 2, 1, 0, 64, 64, 4096, 768, 1024, False)


def test_any_prefix_is_found() -> None:
    table = {f"some.wrapper.{key}": entry for key, entry in load("clip_l").items()}
    (part,) = parts(index_of(table))
    assert (part.kind, part.prefix, part.sizes) == ("clip_l", "some.wrapper.", CLIP_L)


def test_a_prefix_ends_at_a_dot() -> None:
    table = {f"xx{key}": entry for key, entry in load("flux_dev").items()}
    assert parts(index_of(table)) == ()


def test_mixed_storage_is_called_mixed() -> None:
    table = load("flux_vae")
    for number, key in enumerate(list(table)):
        table[key] = (("fp32", "fp16", "bf16")[number // 2 % 3], table[key][1])
    (part,) = parts(index_of(table))
    assert part.storage == "mixed"


def test_evidence_of_families_is_there_in_the_file() -> None:
    for name in REAL:
        index = index_of(load(name))
        for part in parts(index):
            assert all(key in index.tensors for key in part.evidence)


def test_no_two_families_ask_for_the_same_evidence() -> None:
    asked = [(family.evidence, family.absent) for family in FAMILIES]
    assert len(asked) == len(set(asked))
