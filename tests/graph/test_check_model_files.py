"""A model file is looked into before the run: what its header shows must be something that the node can run."""

from pathlib import Path
from typing import Any

import pytest

from engine.checkpoints.families import llama
from engine.checkpoints.families.llama import LlamaSizes
from engine.folders import Folders
from engine.graph.check import check
from engine.plugins.registry import Registry
from schemas.report import Problem
from tests.checkpoints.tables import load, safetensors_bytes, write_safetensors
from tests.graph.fakes import node, workflow

NAME = "model.safetensors"


def problems_with(root: Path, folder: str, class_type: str, **inputs: Any) -> list[Problem]:
    """What is said of a loader whose output a PreviewImage cannot but need."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    graph = {"1": node(class_type, **inputs), "2": node("PreviewImage", images=["1", 0])}
    found = check(workflow(graph), Registry.builtin(), Folders([root]))
    return [problem for problem in found if problem.node == "1"]


@pytest.mark.parametrize(
    ("table", "folder", "class_type", "field", "said"),
    [
        ("sdxl", "checkpoints", "CheckpointLoaderSimple", "ckpt_name", "SDXL"),
        ("lora_flux_kohya", "diffusion_models", "UNETLoader", "unet_name", "LoRA"),
        ("flux_fill", "diffusion_models", "UNETLoader", "unet_name", "384 channels"),
        ("flux_dev", "vae", "VAELoader", "vae_name", "not a VAE"),
    ],
)
def test_a_file_of_another_kind_is_told_before_the_run(
    tmp_path: Path, table: str, folder: str, class_type: str, field: str, said: str
) -> None:
    (tmp_path / folder).mkdir()
    write_safetensors(tmp_path / folder / NAME, load(table))
    extra = {"weight_dtype": "default"} if class_type == "UNETLoader" else {}
    [problem] = problems_with(tmp_path, folder, class_type, **{field: NAME}, **extra)
    assert (problem.code, problem.field) == ("bad-file", field)
    assert said in problem.said
    assert NAME in problem.said


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"version https://git-lfs.github.com/spec/v1\n", "git-lfs"), (b"<!DOCTYPE html>", "page"), (b"", "empty")],
)
def test_what_is_no_model_file_is_told_before_the_run(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / NAME).write_bytes(data)
    [problem] = problems_with(tmp_path, "checkpoints", "CheckpointLoaderSimple", ckpt_name=NAME)
    assert problem.code == "bad-file"
    assert said in problem.said


def test_a_choice_that_comfyui_has_and_we_have_not_is_unavailable(tmp_path: Path) -> None:
    [problem] = problems_with(tmp_path, "vae", "VAELoader", vae_name="pixel_space")
    assert (problem.code, problem.field, problem.found) == ("unavailable", "vae_name", "pixel_space")


def test_the_types_that_cannot_be_joined_are_unavailable(tmp_path: Path) -> None:
    (tmp_path / "text_encoders").mkdir()
    for name in ("clip_l", "t5xxl_fp16"):
        write_safetensors(tmp_path / "text_encoders" / f"{name}.safetensors", load(name))
    names = {"clip_name1": "clip_l.safetensors", "clip_name2": "t5xxl_fp16.safetensors"}
    [problem] = problems_with(tmp_path, "text_encoders", "DualCLIPLoader", **names, type="hunyuan_video")
    assert (problem.code, problem.fix) == ("unavailable", "Choose from: sdxl, sd3, flux, hidream.")
    assert problems_with(tmp_path, "text_encoders", "DualCLIPLoader", **names, type="flux") == []
    lone = {"clip_name": "t5xxl_fp16.safetensors"}
    [problem] = problems_with(tmp_path, "text_encoders", "CLIPLoader", **lone, type="wan")
    known = "stable_diffusion, stable_cascade, sd3, mochi, ltxv, pixart, hidream, chroma"
    assert (problem.code, problem.fix) == ("unavailable", f"Choose from: {known}.")
    assert problems_with(tmp_path, "text_encoders", "CLIPLoader", **lone, type="chroma") == []


@pytest.mark.parametrize("loader", ["QuadrupleCLIPLoader", "QuadrupleCLIPLoaderGGUF"])
def test_a_language_model_without_a_vocabulary_is_refused_beside_three_good_encoders(
    tmp_path: Path, loader: str
) -> None:
    (tmp_path / "text_encoders").mkdir()
    for name in ("clip_l", "clip_g", "t5xxl_fp16"):
        write_safetensors(tmp_path / "text_encoders" / f"{name}.safetensors", load(name))
    small = LlamaSizes(128, 1, 256, 1, 1, tokens=8, paired=False)
    tensors = {name: ("fp16", shape) for name, shape in llama.shapes(small).items()}
    (tmp_path / "text_encoders" / "llama.safetensors").write_bytes(safetensors_bytes(tensors))
    names = ("llama", "clip_g", "t5xxl_fp16", "clip_l")
    fields = {f"clip_name{number + 1}": f"{name}.safetensors" for number, name in enumerate(names)}
    [problem] = problems_with(tmp_path, "text_encoders", loader, **fields)
    assert (problem.code, problem.field) == ("bad-file", "clip_name1")
    assert "holds a Llama text encoder, but no tokenizer for it" in problem.said
    assert problem.fix.startswith("Use a GGUF file of Llama 3.1 8B Instruct")


MUTED = {"strength_model": 0, "strength_clip": "0.0"}
STRONG = {"strength_model": 0, "strength_clip": 1.0}


def problems_with_lora(root: Path, table: dict[str, Any], strengths: dict[str, Any]) -> list[Problem]:
    """What is said of the file of a LoraLoader."""
    (root / "loras").mkdir()
    write_safetensors(root / "loras" / NAME, table)
    found = problems_with(root, "loras", "LoraLoader", lora_name=NAME, **strengths)
    return [problem for problem in found if problem.field == "lora_name"]


DORA = {
    "diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight": ("fp16", [4, 256]),
    "diffusion_model.double_blocks.0.img_attn.qkv.lora_B.weight": ("fp16", [768, 4]),
    "diffusion_model.double_blocks.0.img_attn.qkv.dora_scale": ("fp16", [768, 1]),
}
SD3 = {
    f"lora_unet_joint_blocks_0_x_block_attn_qkv.lora_{side}.weight": ("fp16", shape)
    for side, shape in (("down", [4, 256]), ("up", [768, 4]))
}
WHOLE_NUMBERS = {name: ("int8", shape) for name, (_, shape) in DORA.items() if "dora" not in name}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (DORA, "DoRA"),
        (WHOLE_NUMBERS, "int8"),
        (SD3, "SD3"),
        (load("lora_sd15"), "Stable Diffusion U-Net"),
        (load("lora_sdxl"), "SDXL"),
        (load("lora_flux_xlabs"), "XLabs"),
        (load("lora_flux_control"), "control LoRA"),
    ],
    ids=["dora", "whole numbers", "sd3", "sd15", "sdxl", "xlabs", "control"],
)
def test_a_lora_that_can_work_with_no_flux_is_told_before_the_run(
    tmp_path: Path, table: dict[str, Any], said: str
) -> None:
    [problem] = problems_with_lora(tmp_path, table, STRONG)
    assert (problem.code, problem.node, problem.field) == ("bad-file", "1", "lora_name")
    assert said in problem.said
    assert NAME in problem.said
    assert problem.fix


def test_a_lora_of_strength_0_is_not_looked_into(tmp_path: Path) -> None:
    assert problems_with_lora(tmp_path, load("lora_sdxl"), MUTED) == []


TEXT_DORA = {
    f"lora_te1_text_model_encoder_layers_0_mlp_fc1.{role}": ("fp16", [4, 4])
    for role in ("lora_down.weight", "lora_up.weight", "dora_scale")
}


@pytest.mark.parametrize(
    "table",
    [load("lora_flux_kohya"), load("lora_flux_peft"), TEXT_DORA, load("lora_flux_kohya") | TEXT_DORA],
    ids=["kohya", "peft", "text alone", "text besides"],
)
def test_a_lora_that_some_flux_may_take_is_left_to_the_run(tmp_path: Path, table: dict[str, Any]) -> None:
    assert problems_with_lora(tmp_path, table, STRONG) == []


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("clip_l", "clip_l", "'clip_l.safetensors' is named in clip_name1 already."),
        (
            "clip_l",
            "other",
            "'other.safetensors' holds a CLIP-L text encoder, as 'clip_l.safetensors' in clip_name1 does.",
        ),
        (
            "both",
            "clip_l",
            "'clip_l.safetensors' holds a CLIP-L text encoder, as 'both.safetensors' in clip_name1 does.",
        ),
        ("clip_l", "both", None),
        ("clip_l", "t5xxl_fp16", None),
    ],
)
def test_two_files_with_the_same_text_encoder_are_told_before_the_run(
    tmp_path: Path, first: str, second: str, said: str | None
) -> None:
    (tmp_path / "text_encoders").mkdir()
    prefixed = {f"text_encoders.clip_l.transformer.{name}": held for name, held in load("clip_l").items()}
    prefixed |= {f"text_encoders.t5xxl.transformer.{name}": held for name, held in load("t5xxl_fp16").items()}
    tables = {"clip_l": load("clip_l"), "other": load("clip_l"), "both": prefixed, "t5xxl_fp16": load("t5xxl_fp16")}
    for name in {first, second}:
        write_safetensors(tmp_path / "text_encoders" / f"{name}.safetensors", tables[name])
    names = {"clip_name1": f"{first}.safetensors", "clip_name2": f"{second}.safetensors"}
    for class_type in ("DualCLIPLoader", "DualCLIPLoaderGGUF"):
        found = problems_with(tmp_path, "text_encoders", class_type, **names, type="flux")
        assert [(problem.code, problem.field, problem.said) for problem in found] == (
            [] if said is None else [("bad-file", "clip_name2", said)]
        )
