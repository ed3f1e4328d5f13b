"""The editor's format beyond plain graphs: subgraphs, widgets turned into inputs, modes, counters, saved again."""

import json
from copy import deepcopy
from typing import Any

import pytest

from engine import api
from engine.errors import GraphInvalid
from schemas.settings import Settings
from tests.convert.editor_rules import faults, overlaps

NO_MODELS = Settings(models=[])
MODEL_LINK = {"id": 7, "origin_id": 65, "origin_slot": 0, "target_id": 66, "target_slot": 0, "type": "MODEL"}
NAME_LINK = {"id": 8, "origin_id": -10, "origin_slot": 1, "target_id": 65, "target_slot": 0, "type": "COMBO"}


def converted(document: dict[str, Any], to: str, **options: Any) -> dict[str, Any]:
    return api.convert(json.dumps(document).encode(), to, NO_MODELS, **options).document


def node(number: int, kind: str, values: list[Any], **more: Any) -> dict[str, Any]:
    base = {"id": number, "type": kind, "pos": [0, 200 * (number % 7)], "size": [300, 80], "flags": {}, "order": 0}
    return {**base, "mode": 0, "inputs": [], "outputs": [], "properties": {}, "widgets_values": values, **more}


def with_subgraph(values: list[Any], proxies: list[list[str]] | None) -> dict[str, Any]:
    """A loader inside a subgraph, its file shown on the subgraph's face beside a text."""
    shown = {"name": "unet_name", "type": "COMBO", "widget": {"name": "unet_name"}, "link": 8}
    model = {"name": "MODEL", "type": "MODEL", "links": [7]}
    inner = [
        node(65, "UNETLoader", ["flux1-dev-fp8.safetensors", "default"], inputs=[shown], outputs=[model]),
        node(66, "Mystery", [], inputs=[{"name": "model", "type": "MODEL", "link": 7}]),
    ]
    definition = {
        "id": "0b1c",
        "name": "Flux",
        "version": 1,
        "state": {"lastNodeId": 66, "lastLinkId": 8},
        "inputs": [{"name": "text", "type": "STRING", "linkIds": []}, {"name": "unet_name", "linkIds": [8]}],
        "outputs": [],
        "nodes": inner,
        "links": [dict(MODEL_LINK), dict(NAME_LINK)],
    }
    properties = {} if proxies is None else {"proxyWidgets": proxies}
    instance = node(70, "0b1c", values, properties=properties)
    root = {"last_node_id": 70, "last_link_id": 8, "nodes": [instance], "links": [], "version": 0.4}
    return {**root, "definitions": {"subgraphs": [definition]}}


@pytest.mark.parametrize(
    ("values", "proxies", "after"),
    [
        ([], [["66", "text"], ["65", "unet_name"]], []),
        (["a", "flux1-dev-fp8.safetensors"], [["66", "text"], ["65", "unet_name"]], ["a", "flux1-dev-Q8_0.gguf"]),
        (["mine-fp8.safetensors"], [["-1", "unet_name"]], ["mine-Q8_0.gguf"]),
        (["mine-fp8.safetensors"], None, ["mine-Q8_0.gguf"]),
        ([None], None, [None]),
    ],
)
def test_a_file_shown_on_a_subgraphs_face_changes_there_too(
    values: list[Any], proxies: list[list[str]] | None, after: list[Any]
) -> None:
    before = with_subgraph(values, proxies)
    document = converted(before, "gguf")
    loader = document["definitions"]["subgraphs"][0]["nodes"][0]
    assert document["nodes"][0]["widgets_values"] == after
    assert loader["type"] == "UnetLoaderGGUF"
    assert loader["inputs"] == before["definitions"]["subgraphs"][0]["nodes"][0]["inputs"]
    assert converted(document, "fp8") == before


def test_a_file_fed_from_outside_the_subgraph_is_refused() -> None:
    document = with_subgraph([], None)
    document["nodes"][0]["inputs"] = [{"name": "unet_name", "type": "COMBO", "link": 9}]
    with pytest.raises(GraphInvalid) as caught:
        converted(document, "gguf")
    assert caught.value.problems[0].field == "unet_name"


def checkpoint_graph(mode: int = 0) -> dict[str, Any]:
    outputs = [
        {"name": "MODEL", "type": "MODEL", "links": [1]},
        {"name": "CLIP", "type": "CLIP", "links": [2]},
        {"name": "VAE", "type": "VAE", "links": None},
    ]
    models = [{"name": "flux1-dev-fp8.safetensors", "url": "https://example.com", "directory": "checkpoints"}]
    loader = node(
        3,
        "CheckpointLoaderSimple",
        ["flux1-dev-fp8.safetensors"],
        outputs=outputs,
        mode=mode,
        title="Load Checkpoint",
        properties={"models": models, "cnr_id": "comfy-core", "ver": "0.3.40", "mine": 1},
    )
    slots = [{"name": "model", "type": "MODEL", "link": 1}, {"name": "clip", "type": "CLIP", "link": 2}]
    links = [[1, 3, 0, 4, 0, "MODEL"], [2, 3, 1, 4, 1, "CLIP"]]
    reader = node(4, "Mystery", [], inputs=slots)
    return {"last_node_id": 4, "last_link_id": 2, "nodes": [loader, reader], "links": links, "version": 0.4}


@pytest.mark.parametrize("mode", [0, 2, 4])
def test_a_muted_or_bypassed_loader_is_converted_and_what_is_added_sleeps_too(mode: int) -> None:
    document = converted(checkpoint_graph(mode), "gguf")
    assert [each["mode"] for each in document["nodes"]] == [mode, 0, mode]
    assert faults(document) == []


def test_only_outputs_that_somebody_reads_get_a_loader() -> None:
    document = converted(checkpoint_graph(), "gguf")
    assert [each["type"] for each in document["nodes"]] == ["UnetLoaderGGUF", "Mystery", "DualCLIPLoader"]


def test_what_was_said_of_the_old_class_goes_and_the_rest_of_a_node_stays() -> None:
    loader = converted(checkpoint_graph(), "gguf")["nodes"][0]
    assert set(loader["properties"]) == {"mine", "Node name for S&R", "comfyless"}
    assert loader["title"] == "Unet Loader (GGUF)"
    named = checkpoint_graph()
    named["nodes"][0]["title"] = "my model"
    assert converted(named, "gguf")["nodes"][0]["title"] == "my model"


def test_added_loaders_cover_nothing() -> None:
    document = checkpoint_graph()
    document["nodes"][0]["outputs"][2]["links"] = [3]
    document["nodes"][1]["inputs"].append({"name": "vae", "type": "VAE", "link": 3})
    document["links"].append([3, 3, 2, 4, 2, "VAE"])
    wall = [node(10 + at, "Note", [], pos=[-400 + 320 * (at % 3), 300 + 130 * (at // 3)]) for at in range(9)]
    document["nodes"] += [each | {"size": [300, 90]} for each in wall]
    document["last_node_id"] = 20
    before = overlaps(document)
    assert overlaps(converted(document, "gguf")) == before


def test_a_graph_saved_again_by_the_editor_still_goes_back() -> None:
    before = checkpoint_graph()
    document = converted(before, "gguf")
    saved = deepcopy(document)
    for each in saved["nodes"]:
        if each["type"] == "DualCLIPLoader":
            each["pos"] = [5000, 5000]
            each["properties"]["cnr_id"] = "comfy-core"
            each["inputs"] = [{"name": "clip_name1", "type": "COMBO", "widget": {"name": "clip_name1"}, "link": None}]
    assert converted(saved, "fp8") == before


def test_a_new_reader_of_an_added_loader_reads_the_checkpoint_after_going_back() -> None:
    document = converted(checkpoint_graph(), "gguf")
    document["nodes"].append(node(9, "Mystery", [], inputs=[{"name": "clip", "type": "CLIP", "link": 30}]))
    document["nodes"][2]["outputs"][0]["links"].append(30)
    document["links"].append([30, 5, 0, 9, 0, "CLIP"])
    document["last_node_id"] = 9
    back = converted(document, "fp8")
    assert faults(back) == []
    assert back["links"][-1] == [30, 3, 1, 9, 0, "CLIP"]
    assert back["nodes"][0]["outputs"][1]["links"] == [2, 30]


def test_a_group_node_is_said_to_be_in_the_way() -> None:
    document = {"nodes": [node(1, "workflow>mine", [])], "links": [], "last_node_id": 1}
    with pytest.raises(GraphInvalid) as caught:
        converted(document, "gguf")
    assert "Group nodes" in caught.value.problems[0].fix


@pytest.mark.parametrize("broken", [{"nodes": [{"id": 1}], "links": []}, {"nodes": [], "links": [[1, 2]]}])
def test_a_broken_file_is_told_of(broken: dict[str, Any]) -> None:
    with pytest.raises(GraphInvalid) as caught:
        converted(broken, "gguf")
    assert caught.value.problems[0].code == "malformed-node"


@pytest.mark.parametrize("key", ["was", "now", "added", "hosts", "last"])
@pytest.mark.parametrize("value", [None, 5, [], {}, {"36": {}}])
def test_a_memory_that_somebody_has_spoilt_is_no_obstacle(key: str, value: Any) -> None:
    document = converted(checkpoint_graph(), "gguf")
    document["nodes"][0]["properties"]["comfyless"][key] = value
    after = converted(document, "bf16")
    assert after["nodes"][0]["type"] in ("UNETLoader", "CheckpointLoaderSimple")
    assert faults(after) == []
