"""`comfyless demo`: the graph for the real model, on the embedded one, changed in nothing but what it must be."""

import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from engine import api
from engine.cli.demo import CHECKPOINT, GRAPH, changes
from tests.cli.conftest import Ended

GRAPHS = Path(__file__).parents[2] / "graphs"


def test_the_demo_changes_file_name_size_steps_and_prompt_and_nothing_else() -> None:
    graph = api.load(GRAPHS / GRAPH)
    demo = api.override(graph, changes("a = cross", None))
    before, after = graph.prompt.as_json(), demo.prompt.as_json()
    changed = {
        (node, field): (before[node]["inputs"][field], value)
        for node in after
        for field, value in after[node]["inputs"].items()
        if value != before[node]["inputs"][field]
    }
    assert changed.pop(("6", "text"))[1] == "a = cross"
    assert changed == {
        ("30", "ckpt_name"): ("flux1-dev-fp8.safetensors", CHECKPOINT),
        ("27", "width"): (1024, 64),
        ("27", "height"): (1024, 64),
    }
    assert [dict(node, inputs=0) for node in before.values()] == [dict(node, inputs=0) for node in after.values()]


def test_a_seed_is_changed_too_if_wished() -> None:
    demo = api.override(api.load(GRAPHS / GRAPH), changes("a", "7"))
    assert demo.prompt.nodes["31"].inputs["seed"] == 7


def test_the_demo_makes_a_picture_and_says_where(command: Callable[..., Ended], empty_folder: Path) -> None:
    ended = command("demo", "--threads", "1", "--device", "cpu")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("done: 8 steps, ")
    assert ended.out.endswith("→ output/ComfyUI_00001_.png\n")
    assert "[8/8]  9 SaveImage" in ended.err
    with Image.open(empty_folder / "output" / "ComfyUI_00001_.png") as picture:
        assert picture.size == (64, 64)
        carried = json.loads(picture.info["prompt"])
        models = json.loads(picture.info["comfyless"])["models"]
    assert carried["30"]["inputs"]["ckpt_name"] == CHECKPOINT
    assert {model["name"] for model in models} == {CHECKPOINT}


def test_a_bad_seed_is_told(command: Callable[..., Ended], empty_folder: Path) -> None:
    ended = command("demo", "--seed", "-1")
    assert ended.code == 2
    assert "KSampler.seed" in ended.err
