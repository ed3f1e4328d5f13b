"""What a batch would do: its rows merged and counted, nothing computed or written."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.batching import foretelling
from engine.batching.foretelling import foretold
from engine.batching.request import Request
from schemas.batch import Forecast, Row
from schemas.settings import Settings

GRAPH: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}


def tell(grids: list[str], folder: Path) -> tuple[list[Row], Forecast]:
    settings = Settings(output=folder / "output", cache=folder / "cache", device="cpu")
    request = Request(json.dumps(GRAPH).encode(), "graph.json", grids=grids)
    base = request.base(settings)
    return foretold(base, request.combination(base), settings)


def test_shared_steps_are_counted_once_and_nothing_is_written(tmp_path: Path) -> None:
    rows, found = tell(["1.color=1,2", "3.filename_prefix=a,b,c"], tmp_path)
    assert len(rows) == found.rows == 6
    assert (found.steps, found.distinct, found.shared) == (18, 10, 8)
    assert {each.class_type: each.runs for each in found.classes} == {
        **{"EmptyImage": 2, "ImageInvert": 2, "SaveImage": 6}
    }
    assert list(tmp_path.iterdir()) == []


def test_no_more_rows_are_merged_than_can_be_in_reasonable_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foretelling, "MOST_ROWS", 4)
    rows, found = tell(["1.color=0..99"], tmp_path)
    assert [row.index for row in rows] == [1, 2, 3, 4]
    assert found.rows == 4
