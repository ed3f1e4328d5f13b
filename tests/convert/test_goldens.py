"""The graphs that ComfyUI's conversions were recorded with are what convert makes, ids and titles aside."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine import api
from schemas.settings import Settings

GOLDENS = Path(__file__).parent.parent / "goldens"


def unfolded(graph: dict[str, Any]) -> list[str]:
    """What each output node computes, written out, so that ids do not matter. Graphs here are small trees."""

    def told(name: str) -> Any:
        node = graph[name]
        inputs = {
            key: [told(value[0]), value[1]] if isinstance(value, list) else value
            for key, value in node["inputs"].items()
        }
        return [node["class_type"], inputs]

    return sorted(
        json.dumps(told(name), sort_keys=True) for name, node in graph.items() if node["class_type"] == "SaveImage"
    )


@pytest.mark.parametrize(
    ("case", "to", "keep"),
    [
        ("flux_convert_nf4", "nf4", False),
        ("flux_convert_gguf_split", "gguf", False),
        ("flux_convert_gguf_keep", "gguf", True),
    ],
)
def test_convert_makes_the_recorded_graph(case: str, to: str, keep: bool) -> None:
    source = GOLDENS / "flux_dev_checkpoint_fp8" / "workflow_api.json"
    recorded = json.loads((GOLDENS / case / "workflow_api.json").read_text("utf-8"))
    made = api.convert(source, to, Settings(models=[]), keep_checkpoint=keep).document
    assert unfolded(made) == unfolded(recorded)
