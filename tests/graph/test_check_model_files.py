"""A model file is looked into before the run: what its header shows must be something that the node can run."""

from pathlib import Path

import pytest

from engine.folders import Folders
from engine.graph.check import check
from engine.plugins.registry import Registry
from schemas.report import Problem
from tests.checkpoints.tables import load, safetensors_bytes, write_safetensors
from tests.graph.fakes import node, workflow

NAME = "model.safetensors"


def problems_with(root: Path, folder: str, class_type: str, **inputs: str) -> list[Problem]:
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
    [problem] = problems_with(tmp_path, "text_encoders", "DualCLIPLoader", **names, type="hidream")
    assert (problem.code, problem.fix) == ("unavailable", "Choose from: sdxl, sd3, flux.")
    assert problems_with(tmp_path, "text_encoders", "DualCLIPLoader", **names, type="flux") == []
    lone = {"clip_name": "t5xxl_fp16.safetensors"}
    [problem] = problems_with(tmp_path, "text_encoders", "CLIPLoader", **lone, type="wan")
    known = "stable_diffusion, stable_cascade, sd3, mochi, ltxv, pixart, chroma"
    assert (problem.code, problem.fix) == ("unavailable", f"Choose from: {known}.")
    assert problems_with(tmp_path, "text_encoders", "CLIPLoader", **lone, type="chroma") == []


def test_four_encoders_are_refused_for_the_language_model_among_them(tmp_path: Path) -> None:
    (tmp_path / "text_encoders").mkdir()
    write_safetensors(tmp_path / "text_encoders" / "clip_l.safetensors", load("clip_l"))
    llama = {"model.layers.0.self_attn.q_proj.weight": ("fp16", (8, 8))}
    (tmp_path / "text_encoders" / "llama.safetensors").write_bytes(safetensors_bytes(llama))
    names = {f"clip_name{number}": "clip_l.safetensors" for number in (1, 2, 3)} | {"clip_name4": "llama.safetensors"}
    [problem] = problems_with(tmp_path, "text_encoders", "QuadrupleCLIPLoaderGGUF", **names)
    assert (problem.code, problem.field) == ("bad-file", "clip_name4")
    assert "a language model, which cannot be run yet" in problem.said
