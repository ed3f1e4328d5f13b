"""`--object-info`: the classes of packs that only the user's ComfyUI knows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import api
from tests.cli.conftest import Ended

Command = Callable[..., Ended]
BLUR = {
    "input": {"required": {"image": ["IMAGE"], "radius": ["INT", {"default": 3}], "kind": [["box", "round"], {}]}},
    "output": ["IMAGE"],
    "display_name": "Pack Blur",
    "category": "blur",
    "python_module": "custom_nodes.comfyui-blurs",
}
NODES = [
    {
        "id": 1,
        "type": "LoadImage",
        "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
        "widgets_values": ["a.png", "image"],
    },
    {
        "id": 2,
        "type": "PackBlur",
        "inputs": [{"name": "image", "type": "IMAGE", "link": 1}],
        "widgets_values": [7, "box"],
    },
    {"id": 3, "type": "SaveImage", "inputs": [{"name": "images", "type": "IMAGE", "link": 2}], "widgets_values": ["b"]},
]
GRAPH = {"version": 0.4, "nodes": NODES, "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]]}


@pytest.fixture
def files(empty_folder: Path) -> Path:
    """A graph with a class of a pack, and the schemas of two ComfyUIs."""
    (empty_folder / "graph.json").write_text(json.dumps(GRAPH))
    (empty_folder / "mine.json").write_text(json.dumps({"PackBlur": BLUR}))
    newer = BLUR | {"input": {"required": {"image": ["IMAGE"], "size": ["INT"], "kind": [["box"]]}}}
    (empty_folder / "newer.json").write_text(json.dumps({"PackBlur": newer}))
    return empty_folder


def exported(ended: Ended) -> Any:
    return json.loads(ended.out)["2"]["inputs"]


def test_values_of_such_a_class_get_their_names(files: Path, command: Command) -> None:
    assert exported(command("export", "graph.json")) == {"image": ["1", 0]}
    ended = command("export", "graph.json", "--object-info", "mine.json")
    assert exported(ended) == {"radius": 7, "kind": "box", "image": ["1", 0]}
    assert "nothing is known" not in ended.err


def test_a_later_file_counts_before_an_earlier(files: Path, command: Command) -> None:
    ended = command("export", "graph.json", "--object-info", "mine.json", "--object-info", "newer.json")
    assert exported(ended) == {"size": 7, "kind": "box", "image": ["1", 0]}


def test_the_setting_may_come_from_anywhere(files: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "comfyless.toml").write_text('object_info = ["newer.json"]')
    assert "size" in exported(command("export", "graph.json"))
    monkeypatch.setenv("COMFYLESS_OBJECT_INFO", "mine.json")
    assert "radius" in exported(command("export", "graph.json"))
    assert api.load("graph.json").prompt.nodes["2"].inputs["radius"] == 7


def test_a_file_that_changes_is_read_again(files: Path, command: Command) -> None:
    settings = api.Settings(object_info=[Path("mine.json")])
    assert api.catalogue(settings).find("PackBlur").by_name.keys() == {"image", "radius", "kind"}
    (files / "mine.json").write_bytes((files / "newer.json").read_bytes())
    assert api.catalogue(settings).find("PackBlur").by_name.keys() == {"image", "size", "kind"}


def test_it_still_cannot_run_and_the_pack_is_named(files: Path, command: Command) -> None:
    for verb in ("validate", "run"):
        ended = command(verb, "graph.json", "--object-info", "mine.json")
        assert ended.code == 2
        assert "node class 'PackBlur' is not available in this version; it belongs to the pack comfyui-blurs." in (
            ended.out + ended.err
        )


def test_nodes_tells_of_them(files: Path, command: Command) -> None:
    told = command("nodes", "pack blur", "--object-info", "mine.json")
    assert told.out.startswith("PackBlur (Pack Blur): blur\nIt cannot run here; the pack comfyui-blurs has it.\n")
    assert "radius" in told.out
    rows = command("nodes", "graph.json", "--object-info", "mine.json").out
    assert "cannot run; the pack comfyui-blurs has it" in rows
    assert command("nodes", "PackBlur").code == 2


def test_a_damaged_class_is_passed_over_with_a_remark(files: Path, command: Command) -> None:
    (files / "mine.json").write_text(json.dumps({"PackBlur": {"input": {"required": 3}}, "Other": {"input": 3}}))
    ended = command("export", "graph.json", "--object-info", "mine.json")
    assert ended.code == 0
    assert "graph.json: object_info: the class 'PackBlur' is passed over: 'required' is no object" in ended.err
    assert "Other" not in ended.err


@pytest.mark.parametrize("verb", ["run", "validate", "export", "nodes"])
@pytest.mark.parametrize(("text", "said"), [("{", "is no JSON"), ('{"1": {}}', "no class in it has inputs")])
def test_a_file_that_is_none_is_told(files: Path, command: Command, verb: str, text: str, said: str) -> None:
    (files / "bad.json").write_text(text)
    ended = command(verb, "graph.json", "--object-info", "bad.json")
    assert ended.code == 2
    assert "object_info: bad.json" in ended.out + ended.err
    assert said in ended.out + ended.err
    assert "/object_info" in ended.out + ended.err


def test_a_file_that_is_not_there_is_told(files: Path, command: Command) -> None:
    ended = command("export", "graph.json", "--object-info", "nowhere.json")
    assert (ended.code, ended.out) == (2, "")
    assert "--object-info: 'nowhere.json' does not exist. Give JSON files that exist" in ended.err
