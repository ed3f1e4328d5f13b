"""The measure of truth: same workflow, same model files, same seed, the same picture as ComfyUI 0.3.64.

Each folder here is a case: the graph, ComfyUI's latents and pictures as numbers, the PNG files it wrote, and the
tolerances, whose reasons stand in README.md. The model files are those of tests/models/make_models.py.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.cli.main import main
from engine.plugins.registry import Registry
from tests.goldens.recording import Recorded, recording
from tests.models.fixture import tiny_models

HERE = Path(__file__).parent
CASES = sorted(folder.name for folder in HERE.iterdir() if (folder / "workflow_api.json").is_file())
FOLDERS = {
    "ckpt_name": "checkpoints",
    "unet_name": "diffusion_models",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
    "clip_name3": "text_encoders",
    "clip_name4": "text_encoders",
    "clip_name": "text_encoders",
    "vae_name": "vae",
    "lora_name": "loras",
}


def model_files(graph: dict[str, Any]) -> list[str]:
    """The model files a graph names, as paths in a models folder."""
    named = (
        (FOLDERS[field], value)
        for node in graph.values()
        for field, value in node["inputs"].items()
        if field in FOLDERS
    )
    return sorted({f"{folder}/{name}" for folder, name in named})


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_command_line_makes_comfyuis_picture(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    graph, meta = (json.loads((HERE / case / name).read_text()) for name in ("workflow_api.json", "meta.json"))
    recorded: Recorded = {}
    listening = recording(Registry.builtin(), recorded)
    monkeypatch.setattr(Registry, "builtin", classmethod(lambda cls: listening))
    models = tiny_models(*model_files(graph))
    options = ["--models", str(models), "--input", str(HERE / "_inputs"), "--output", str(tmp_path), "--device", "cpu"]

    assert main(["run", str(HERE / case / "workflow_api.json"), *options, "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])

    assert report["status"] == "done"
    compare_numbers(np.load(HERE / case / "expected.npz"), recorded, graph, meta["tolerance"])
    for node, names in meta["png"].items():
        for name, path in zip(names, report["outputs"][node], strict=True):
            difference = levels(Path(path)) - levels(HERE / case / name)
            assert np.abs(difference).max() <= meta["tolerance"]["png_levels"], name


def compare_numbers(expected: Any, recorded: Recorded, graph: dict[str, Any], tolerance: dict[str, float]) -> None:
    """Every number of ComfyUI's against ours, but for pictures by the largest of them; all that are off are told."""
    off = []
    for key in expected.files:
        wanted, ours = expected[key], recorded[key]
        assert ours.shape == wanted.shape, key
        picture = key.startswith("image.")
        scale = 1.0 if picture else max(1.0, float(np.abs(wanted).max()))
        limit = tolerance["image_max_abs" if picture else "latent_max_rel"]
        difference = float(np.abs(ours - wanted).max()) / scale
        if not difference <= limit:
            off.append(f"{key}: {difference:.2e} > {limit:.2e}")
    assert not off


def levels(path: Path) -> Any:
    """A picture's levels, signed so that they can be subtracted."""
    return np.asarray(Image.open(path)).astype(int)
