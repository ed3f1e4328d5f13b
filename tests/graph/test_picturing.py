"""Programs draw graphs, with what a check or a run found, and have them as text."""

import io
import json

import pytest
from PIL import Image

from engine import api
from engine.drawing import marks
from engine.drawing.scene import Mark
from graphs.generate import HERE
from schemas.report import RunReport

API, EDITOR = HERE / "flux_dev_fp8.json", HERE / "ui" / "flux_dev_fp8.json"


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Mark]:
    """What pictures were marked with."""
    found: dict[str, Mark] = {}
    monkeypatch.setattr(marks, "apply", lambda panels, given: found.update(given))
    return found


@pytest.mark.parametrize("file", [API, EDITOR])
def test_a_picture_carries_its_graph(file: object, marked: dict[str, Mark]) -> None:
    workflow = api.load(str(file))
    with Image.open(io.BytesIO(api.picture(workflow))) as picture:
        texts = {name: json.loads(text) for name, text in picture.text.items() if name in ("prompt", "workflow")}  # type: ignore[attr-defined]
    assert texts["prompt"] == workflow.prompt.as_json()
    assert texts.get("workflow") == workflow.workflow
    assert [name for name, mark in marked.items() if mark.failed] == ["30"]


def test_a_report_is_shown_in_place_of_problems(marked: dict[str, Mark]) -> None:
    workflow = api.load(API)
    api.picture(workflow, report=RunReport(file="a", status="failed", failed_node="31", error="too hot"))
    assert {name: mark.failed for name, mark in marked.items()} == {"31": "too hot"}


@pytest.mark.parametrize("file", [API, EDITOR])
def test_a_graph_is_told_as_mermaid_text(file: object) -> None:
    assert api.mermaid(api.load(str(file))).startswith("flowchart LR\n")
