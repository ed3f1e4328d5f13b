"""A file that we make gives the picture that the published file of its kind gives."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.checkpoints.index import read
from engine.cli.main import main
from engine.quantize import job as jobs
from engine.quantize.checkpoint_files import job
from schemas.weight_types import parse
from tests.models.fixture import tiny_models

GOLDENS = Path(__file__).parents[1] / "goldens"
FP8, BF16 = "checkpoints/flux1-dev-fp8.safetensors", "diffusion_models/flux1-dev.safetensors"
PREFIX = "model.diffusion_model."


def all_in_one_in_bf16(target: Path) -> Path:
    tensors = load_file(tiny_models(FP8) / FP8)
    tensors |= {PREFIX + name: values for name, values in load_file(tiny_models(BF16) / BF16).items()}
    save_file(tensors, target)
    return target


@pytest.mark.slow
@pytest.mark.parametrize(("case", "to"), [("flux_nf4_v2", "nf4"), ("flux_nf4_v1", "nf4:v1")])
def test_our_nf4_makes_comfyuis_picture(case, to, tmp_path):
    graph = GOLDENS / case / "workflow_api.json"
    (name,) = (
        node["inputs"]["ckpt_name"] for node in json.loads(graph.read_text()).values() if "NF4" in node["class_type"]
    )
    (tmp_path / "checkpoints").mkdir()
    source = all_in_one_in_bf16(tmp_path / "source.safetensors")
    jobs.run(job(read(source), parse(to)), tmp_path / "checkpoints" / name, processes=1)

    options = ["--models", str(tmp_path), "--output", str(tmp_path / "out"), "--device", "cpu", "--quiet"]
    assert main(["run", str(graph), *options]) == 0
    (made,), (expected,) = (sorted(folder.rglob("*.png")) for folder in (tmp_path / "out", GOLDENS / case))
    apart = np.abs(np.asarray(Image.open(made)).astype(int) - np.asarray(Image.open(expected)).astype(int))
    assert apart.max() <= 2
