"""The bundled graph on the demo model draws what it is told, through the whole program."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import api
from graphs.demo.judge import judge
from graphs.demo.measure import read_prompts, score

GRAPHS = Path(str(files("graphs")))
PROMPTS = read_prompts()[::2]
"""Every second of the fixed prompts, which name all shapes and colours."""


@pytest.mark.slow
def test_at_least_nine_in_ten_colours_and_three_in_four_shapes_are_right(tmp_path: Path) -> None:
    assert len(PROMPTS) >= 24
    session = api.Session(api.Settings(models=[GRAPHS / "demo" / "models"], output=tmp_path, device="cpu"))
    graph = api.load(GRAPHS / "flux_dev_fp8.json")
    verdicts = []
    for prompt in PROMPTS:
        changes = ["30.ckpt_name=demo-flux-fp8.safetensors", "27.width=64", "27.height=64", "31.steps=20"]
        report = session.run(api.override(graph, [*changes, f"31.seed={prompt.seed}", f"6.text={prompt.prompt}"]))
        assert report.status == "done", report.error or report.problems
        with Image.open(report.outputs["9"][0]) as picture:
            verdicts.append(judge(np.asarray(picture.convert("RGB"))))

    result = score(PROMPTS, verdicts)

    assert result["colour"] >= 0.9, result
    assert result["background"] >= 0.9, result
    assert result["shape"] >= 0.75, result
