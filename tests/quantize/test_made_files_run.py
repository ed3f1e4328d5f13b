"""Files that we make draw the picture that ComfyUI drew with a file that gguf's own encoder made."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.cli.main import main
from engine.plugins.registry import Registry
from engine.quantize.quantizing import Options, quantize
from schemas.weight_types import parse
from tests.goldens.recording import Recorded, recording
from tests.goldens.test_comfyui_pictures import HERE, compare_numbers, model_files
from tests.models.fixture import tiny_models

pytest.importorskip("libgguf")


def folder_with(made: str, source: str, to: str, graph: dict[str, Any], folder: Path) -> Path:
    """A models folder for a graph in which one file is of our making."""
    wanted = model_files(graph)
    assert made in wanted
    store = tiny_models(*wanted)
    for name in wanted:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name != made:
            os.link(store / name, folder / name)
    quantize(tiny_models(source) / source, parse(to), folder / made, Options(processes=1))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Q8_0", "Q5_1"])
def test_the_picture_is_comfyuis(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = HERE / f"flux_gguf_{kind.lower()}"
    graph, meta = (json.loads((case / name).read_text()) for name in ("workflow_api.json", "meta.json"))
    made = f"diffusion_models/flux1-dev-{kind}.gguf"
    models = folder_with(made, "diffusion_models/flux1-dev.safetensors", kind, graph, tmp_path / "models")
    recorded: Recorded = {}
    listening = recording(Registry.builtin(), recorded)
    monkeypatch.setattr(Registry, "builtin", classmethod(lambda cls: listening))
    options = ["--models", str(models), "--output", str(tmp_path), "--device", "cpu"]
    assert main(["run", str(case / "workflow_api.json"), *options, "--quiet"]) == 0
    compare_numbers(np.load(case / "expected.npz"), recorded, graph, meta["tolerance"])
