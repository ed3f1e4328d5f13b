"""Sessions against the real folders, outputs and ledger."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import FileMissing
from engine.folders import Folders
from engine.graph.values import bind
from engine.memory import Ledger
from engine.plugins.registry import Registry
from engine.running.outputs import OutputFolder
from engine.running.session import Session
from schemas.node import InputSpec, NodeSpec
from schemas.prompt import Prompt
from schemas.workflow import Workflow
from tests import toys
from tests.running.house import node


def save(values: Any, context: Any) -> tuple[()]:
    """A grey picture, made with a model."""
    context.used_model(context.file("checkpoints", "flux.safetensors"), context.dtype)
    grey = np.full((4, 6, 3), values["grey"], np.uint8)
    context.save_picture(grey, "grey", "output", 0)
    return ()


SAVE = NodeSpec("Save", {"grey": InputSpec("grey", "*")}, (), save, output_node=True)
REGISTRY = Registry.of([*toys.specs(), SAVE])


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """All real, but for the nodes."""
    (tmp_path / "models" / "checkpoints").mkdir(parents=True)
    (tmp_path / "models" / "checkpoints" / "flux.safetensors").write_bytes(b"weights")
    folders = Folders([tmp_path / "models"], input=tmp_path / "input", output=tmp_path / "output")
    return Session(REGISTRY, folders, OutputFolder(folders.output, folders.temp), Ledger(), dtype="bf16")


def workflow(**nodes: Any) -> Workflow:
    return Workflow(name="grey.json", form="api", prompt=Prompt.model_validate({"nodes": nodes}), workflow={"ui": 1})


GREY = workflow(n=node("ToyNumber", value=7), save=node("Save", grey=["n", 0]))


def test_a_picture_carries_its_graph_and_how_it_was_made(session, tmp_path):
    report = session.run(GREY, bind(GREY.prompt, REGISTRY))
    (path,) = report.outputs["save"]
    assert Path(path) == tmp_path / "output" / "grey_00001_.png"
    with Image.open(path) as picture:
        assert picture.getpixel((0, 0)) == (7, 7, 7)
        texts = {keyword: json.loads(text) for keyword, text in picture.text.items()}
    assert texts["prompt"] == GREY.prompt.as_json()
    assert texts["workflow"] == {"ui": 1}
    (model,) = texts["comfyless"]["models"]
    assert (model["name"], model["dtype"]) == ("flux.safetensors", "bf16")


def test_a_plan_tells_what_a_run_then_does(session):
    bound = bind(GREY.prompt, REGISTRY)
    before = session.plan(GREY, bound)
    assert [(step.node, step.state, step.reason) for step in before.steps] == [
        ("n", "run", "first run"),
        ("save", "run", "first run"),
    ]
    report = session.run(GREY, bound)
    after = session.plan(GREY, bound)
    assert [step.state for step in after.steps] == ["cached", "cached"]
    Path(report.outputs["save"][0]).unlink()
    steps = session.plan(GREY, bound).steps
    assert [(step.state, step.reason) for step in steps] == [
        ("cached", ""),
        ("run", f"{report.outputs['save'][0]} is gone"),
    ]


def test_a_changed_value_is_explained_across_files(session):
    session.run(GREY, bind(GREY.prompt, REGISTRY))
    other = workflow(n=node("ToyNumber", value=20), save=node("Save", grey=["n", 0]))
    steps = session.plan(other, bind(other.prompt, REGISTRY)).steps
    assert [step.reason for step in steps] == ["value changed 7 → 20", "input grey changed"]


def test_a_file_that_went_away_is_told_before_anything_runs(session, tmp_path):
    graph = workflow(
        n=node("ToyModel", ckpt_name="flux.safetensors"), keep=node("ToyKeep", token=["n", 0]), c=node("ToyClock")
    )
    bound = bind(graph.prompt, REGISTRY)
    (tmp_path / "models" / "checkpoints" / "flux.safetensors").unlink()
    toys.RUNS.clear()
    with pytest.raises(FileMissing):
        session.run(graph, bound)
    assert toys.RUNS == []


def test_a_changed_file_reruns_what_reads_it(session, tmp_path):
    graph = workflow(m=node("ToyModel", ckpt_name="flux.safetensors"), keep=node("ToyKeep", token=["m", 0]))
    bound = bind(graph.prompt, REGISTRY)
    session.run(graph, bound)
    (tmp_path / "models" / "checkpoints" / "flux.safetensors").write_bytes(b"other weights")
    steps = session.plan(graph, bound).steps
    assert [step.reason for step in steps] == ["file flux.safetensors changed", "input token changed"]
    assert [step.state for step in session.run(graph, bound).steps] == ["run", "run"]
