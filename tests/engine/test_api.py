"""The public surface, and what a session saves when graphs share work."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import api
from engine.editor import translating
from engine.errors import FileMissing, GraphInvalid
from engine.folders import Folders
from engine.plugins.registry import Registry
from schemas.prompt import Prompt
from schemas.report import Event, MemoryMoved, RunReport
from schemas.sockets import FileRef
from tests.models.fixture import tiny_models

CASE = Path(__file__).parents[1] / "goldens" / "flux_dev_checkpoint_fp8" / "workflow_api.json"
CHECKPOINT = "checkpoints/flux1-dev-fp8.safetensors"


def settings(output: Path, **more: Any) -> api.Settings:
    return api.Settings(models=[tiny_models(CHECKPOINT)], output=output, temp=output / "temp", device="cpu", **more)


def small(workflow: api.Workflow, *more: str) -> api.Workflow:
    """Two steps of the smallest picture."""
    return api.override(workflow, ["KSampler.steps=2", "5.width=16", "5.height=16", *more])


def states(report: RunReport) -> dict[str, str]:
    return {step.class_type: step.state for step in report.steps if step.class_type != "CLIPTextEncode"} | {
        f"text {step.node}": step.state for step in report.steps if step.class_type == "CLIPTextEncode"
    }


def test_the_public_surface_is_a_sorted_list_of_what_is_there() -> None:
    assert api.__all__ == sorted(api.__all__)
    assert all(hasattr(api, name) for name in api.__all__)


@pytest.mark.slow
def test_another_seed_runs_only_what_depends_on_it_and_loads_no_text_encoder(tmp_path: Path) -> None:
    events: list[Event] = []
    session = api.Session(settings(tmp_path), events=events.append)
    assert session.run(small(api.load(CASE))).status == "done"
    session.forget_models()
    events.clear()

    again = session.run(small(api.load(CASE), "KSampler.seed=1"))

    ran = {step.class_type for step in again.steps if step.state == "run"}
    assert ran == {"KSampler", "VAEDecode", "SaveImage"}
    loaded = [event.label for event in events if isinstance(event, MemoryMoved) and event.action == "load"]
    name = CHECKPOINT.removeprefix("checkpoints/")
    assert loaded == [f"{name} (diffusion model)", f"{name} (VAE)"]


@pytest.mark.slow
def test_the_same_graph_again_is_cached_and_still_tells_its_pictures(tmp_path: Path) -> None:
    session = api.Session(settings(tmp_path))
    first = session.run(small(api.load(CASE)))
    second = session.run(small(api.load(CASE)))
    assert {step.state for step in second.steps} == {"cached"}
    assert second.outputs == first.outputs


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    pictures = []
    for folder in ("a", "b"):
        report = api.run(small(api.load(CASE)), settings(tmp_path / folder))
        pictures.append(Path(report.outputs["8"][0]).read_bytes())
    assert pictures[0] == pictures[1]


def test_a_graph_with_problems_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    graph = json.loads(CASE.read_text())
    graph["6"]["inputs"]["sampler_name"] = "eular"
    graph["9"] = {"class_type": "PreviewImage", "inputs": {"images": ["7", 0]}}
    report = api.run(api.load(json.dumps(graph).encode(), "graph.json"), settings(tmp_path))
    assert report.status == "invalid"
    assert [problem.code for problem in report.problems] == ["unknown-choice"]
    assert list(tmp_path.iterdir()) == []


def test_all_bad_overrides_are_told_with_the_file() -> None:
    with pytest.raises(GraphInvalid) as caught:
        api.override(api.load(CASE), ["KSampler.sede=1", "Nobody.seed=2"])
    assert [problem.code for problem in caught.value.problems] == ["bad-override", "unknown-node"]
    assert all(problem.file == str(CASE) for problem in caught.value.problems)


def test_a_file_that_vanishes_between_check_and_run_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = api.Session(settings(tmp_path))

    def gone(self: Folders, folder: str, name: str) -> FileRef:
        raise FileMissing(folder, name, [], self.searched(folder))

    monkeypatch.setattr(Folders, "require", gone)
    report = session.run(api.load(CASE))
    assert report.status == "invalid"
    assert [problem.code for problem in report.problems] == ["missing-file"]


def test_a_session_can_have_other_nodes_than_ours(tmp_path: Path) -> None:
    specs = [replace(spec, class_type=f"My{spec.class_type}") for spec in Registry.builtin().all()]
    session = api.Session(settings(tmp_path), registry=Registry.of(specs))
    codes = {problem.code for problem in session.validate(api.load(CASE))}
    assert codes == {"unknown-class"}


def test_the_editors_graph_is_translated_as_its_options_say(monkeypatch: pytest.MonkeyPatch) -> None:
    def translate(name: str, graph: Any, catalogue: Any, options: Any = None, **more: Any) -> api.Workflow:
        assert catalogue.find("KSampler") is not None
        assert options == translating.Options(seed=7)
        return api.Workflow(name=name, prompt=Prompt(nodes={}), workflow=graph, **more)

    monkeypatch.setattr(translating, "translate", translate)
    graph = {"nodes": [], "links": []}
    found = api.load(json.dumps({"workflow": graph}).encode(), "a.json", translating.Options(seed=7))
    assert (found.name, found.form, found.workflow) == ("a.json", "envelope", graph)
    assert found.notes == ["the graph was taken from 'workflow' in the file"]
