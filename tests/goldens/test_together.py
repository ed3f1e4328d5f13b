"""Graphs that run as one make, number for number, what each makes alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import api
from engine.plugins.registry import Registry
from schemas.report import RunReport
from schemas.settings import Settings
from tests.goldens.recording import Recorded, recording
from tests.goldens.test_comfyui_pictures import HERE, model_files
from tests.models.fixture import tiny_models

CASES = ("flux_dev_checkpoint_fp8", "flux_img2img", "flux_lora_kohya", "flux_unicode", "flux_weights_brackets")
"""They share a checkpoint, an empty text, and no whole graph."""


@pytest.fixture
def session(tmp_path: Path) -> Callable[..., tuple[api.Session, Recorded]]:
    """A session over the files of all cases, and what its nodes will have given."""
    models = tiny_models(*sorted({name for case in CASES for name in model_files(graph(case))}))

    def make(folder: str, **options: Any) -> tuple[api.Session, Recorded]:
        recorded: Recorded = {}
        places = {"models": [models], "input": HERE / "_inputs", "output": tmp_path / folder}
        settings = Settings(**places, temp=tmp_path / "temp", device="cpu", **options)
        return api.Session(settings, registry=recording(Registry.builtin(), recorded)), recorded

    return make


def graph(case: str) -> Any:
    return json.loads((HERE / case / "workflow_api.json").read_text())


def task(number: int, case: str, settings: Settings) -> api.Task:
    loaded = api.load((HERE / case / "workflow_api.json").read_bytes(), case, None, settings)
    return api.Task(number, api.located(loaded, settings), None)


def written(report: RunReport) -> dict[str, list[bytes]]:
    return {node: [Path(path).read_bytes() for path in paths] for node, paths in report.outputs.items()}


@pytest.mark.slow
@pytest.mark.parametrize("ram", [None, 400_000])
def test_a_merged_run_makes_every_picture_of_the_single_ones(
    session: Callable[..., tuple[api.Session, Recorded]], ram: int | None
) -> None:
    alone: list[dict[str, list[bytes]]] = []
    numbers: list[Recorded] = []
    for case in CASES:
        one, recorded = session(case)
        with one:
            report = one.run(task(0, case, one.settings).workflow)
        assert report.status == "done", report.error
        alone.append(written(report))
        numbers.append(recorded)
    together, recorded = session("together", ram=ram)
    reports: dict[int, RunReport] = {}
    with together:
        tasks = [task(number, case, together.settings) for number, case in enumerate(CASES)]
        together.run_all(tasks, lambda number, report, failure: reports.setdefault(number, report) and None)
    assert [reports[number].status for number in range(len(CASES))] == ["done"] * len(CASES)
    assert [written(reports[number]) for number in range(len(CASES))] == alone
    assert sum(report.work.loads for report in reports.values()) < len(CASES) * 3
    given = {value.tobytes() for value in recorded.values()}
    assert given <= {value.tobytes() for each in numbers for value in each.values()}
    assert all(np.isfinite(value).all() for value in recorded.values())
