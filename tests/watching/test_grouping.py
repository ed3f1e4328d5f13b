"""Grouping: graphs of the same models have the same group, whatever the form of their file."""

import json
from pathlib import Path

import pytest

from engine.watching.grouping import group_of

API = {
    "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux.safetensors", "weight_dtype": "default"}},
    "2": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.SFT"}},
    "3": {"class_type": "LoraLoader", "inputs": {"lora_name": "style.safetensors", "model": ["1", 0]}},
    "4": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}
UI = {
    "nodes": [
        {"id": 1, "type": "UNETLoader", "widgets_values": ["flux.safetensors", "default"]},
        {"id": 2, "type": "VAELoader", "widgets_values": ["ae.SFT"]},
        {"id": 3, "type": "LoraLoaderModelOnly", "widgets_values": ["style.safetensors", 1]},
    ],
    "links": [],
    "version": 0.4,
}


@pytest.mark.parametrize("graph", [API, UI], ids=["api", "ui"])
def test_a_group_is_the_names_of_the_models_without_those_of_loras(tmp_path: Path, graph: object) -> None:
    (tmp_path / "a.json").write_text(json.dumps(graph))
    assert group_of(tmp_path / "a.json") == "ae.SFT\nflux.safetensors"


def test_a_file_that_cannot_be_read_has_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    assert group_of(tmp_path / "a.json") == group_of(tmp_path / "b.json") == ""
