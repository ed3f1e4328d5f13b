"""Runs that are finished: a picture, a folder of them, or what `run --json` printed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.comparing.finished import finished
from engine.errors import GraphInvalid
from engine.running.outputs import encode_png
from schemas.report import Peak, RunReport, StepReport


def save(path: Path, value: int, seed: int | None = None) -> Path:
    texts = {}
    if seed is not None:
        graph = {"1": {"class_type": "KSampler", "inputs": {"seed": seed}}}
        texts = {"prompt": json.dumps(graph), "comfyless": json.dumps({"models": [{"name": "flux.safetensors"}]})}
    path.write_bytes(encode_png(np.full((16, 16, 3), value, np.uint8), texts, 1))
    return path


def report(path: Path, *outputs: Path, **more: Any) -> Path:
    steps = [
        StepReport(node="1", class_type="KSampler", state="run", seconds=2.0),
        StepReport(node="2", class_type="SaveImage", state=more.pop("state", "run"), seconds=0.5),
    ]
    told = RunReport(
        **{"file": "g.json", "status": "done", "outputs": {"2": [str(output) for output in outputs]}, **more},
        steps=steps,
        peak=Peak(ram=7),
    )
    path.write_text(f'{{"event": "run-started"}}\n{told.model_dump_json()}\n')
    return path


def test_a_picture_is_one_with_the_seed_graph_and_models_it_carries(tmp_path: Path) -> None:
    side = finished(str(save(tmp_path / "a.png", 9, seed=5)))
    assert side is not None
    assert [(shot.seed, shot.label, int(shot.pixels.max())) for shot in side.shots] == [(5, "a.png", 9)]
    assert [file.name for file in side.files] == ["flux.safetensors"]
    assert side.prompt is not None
    assert list(side.prompt.nodes) == ["1"]


def test_a_folder_is_its_pictures_in_the_order_people_count(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        save(tmp_path / f"p_{number}.png", number)
    (tmp_path / "notes.txt").write_text("")
    side = finished(str(tmp_path))
    assert side is not None
    assert [shot.label for shot in side.shots] == ["p_1.png", "p_9.png", "p_10.png"]
    assert {shot.seed for shot in side.shots} == {None}


def test_a_report_is_what_it_wrote_with_its_times_and_memory(tmp_path: Path) -> None:
    picture = save(tmp_path / "a.png", 9)
    side = finished(str(report(tmp_path / "run.jsonl", picture)))
    assert side is not None
    assert (len(side.shots), side.seconds, side.sampling, side.peak) == (1, 2.5, 2.0, Peak(ram=7))


def test_times_of_a_run_that_was_partly_cached_are_told_only_as_far_as_it_ran(tmp_path: Path) -> None:
    picture = save(tmp_path / "a.png", 9)
    side = finished(str(report(tmp_path / "run.jsonl", picture, state="cached")))
    assert side is not None
    assert (side.seconds, side.sampling) == (None, 2.0)


def test_a_graph_is_nothing_finished(tmp_path: Path) -> None:
    graph = tmp_path / "graph.json"
    graph.write_text('{"1": {"class_type": "KSampler", "inputs": {}}}')
    assert finished(str(graph)) is None
    assert finished(str(tmp_path / "missing.json")) is None


def test_what_is_finished_but_cannot_be_compared_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.png").write_bytes(b"no picture")
    failed = report(tmp_path / "failed.jsonl", status="failed", error="x")
    nothing = report(tmp_path / "nothing.jsonl")
    gone = report(tmp_path / "gone.jsonl", tmp_path / "gone.png")
    said = {
        tmp_path / "empty": "no picture in this folder",
        tmp_path / "broken.png": "cannot be read as a picture",
        failed: "ended as failed",
        nothing: "wrote no picture",
        gone: "gone.png cannot be read",
    }
    for path, expected in said.items():
        with pytest.raises(GraphInvalid, match=expected):
            finished(str(path))
