"""Files in the editor's format through the public surface: loaded, checked, changed and run as others are."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine import api
from schemas.workflow import Workflow
from tests.models.fixture import tiny_models
from tests.reading.pictures import png, text

CHECKPOINT = "checkpoints/flux1-dev-fp8.safetensors"


def node(
    number: int, kind: str, values: list[Any], inputs: dict[str, int] | None = None, out: str = ""
) -> dict[str, Any]:
    """A node as the editor saves it. inputs: links by name. out: type of its only output."""
    slots = [{"name": name, "type": "*", "link": link} for name, link in (inputs or {}).items()]
    outputs = [{"name": out, "type": out, "links": [number]}] if out else []
    return {"id": number, "type": kind, "inputs": slots, "outputs": outputs, "widgets_values": values}


def picture_graph(name: str) -> dict[str, Any]:
    """A picture is read and saved; link 1 leads from node 1 to node 2."""
    nodes = [node(1, "LoadImage", [name, "image"], out="IMAGE"), node(2, "SaveImage", ["copy"], {"images": 1})]
    return {"version": 0.4, "nodes": nodes, "links": [[1, 1, 0, 2, 0, "IMAGE"]]}


def loaded(graph: dict[str, Any]) -> Workflow:
    return api.load(json.dumps(graph).encode(), "graph.json")


@pytest.fixture
def settings(tmp_path: Path) -> api.Settings:
    """An input folder with a picture in it and one below it, and a models folder with a file in a folder below."""
    (tmp_path / "input" / "sub").mkdir(parents=True)
    for place in ("cat.png", "sub/cat.png"):
        Image.new("RGB", (8, 4), "red").save(tmp_path / "input" / place)
    below = tmp_path / "models" / "checkpoints" / "flux"
    below.mkdir(parents=True)
    (below / "tiny.safetensors").symlink_to(Path(tiny_models(CHECKPOINT)) / CHECKPOINT)
    places = {"input": tmp_path / "input", "output": tmp_path / "output", "temp": tmp_path / "temp"}
    return api.Settings(models=[tmp_path / "models"], device="cpu", **places)


@pytest.mark.parametrize("name", ["cat.png", "cat.png [input]", "sub\\cat.png", "sub/cat.png [input]"])
def test_pictures_are_found_as_editors_name_them(settings: api.Settings, name: str) -> None:
    assert api.validate(loaded(picture_graph(name)), settings) == []


def test_a_picture_that_is_not_there_is_told_with_its_node(settings: api.Settings) -> None:
    (found,) = api.validate(loaded(picture_graph("dog.png [input]")), settings)
    assert (found.code, found.node, found.field) == ("missing-file", "1", "image")


@pytest.mark.parametrize("name", ["flux\\tiny.safetensors", "flux/tiny.safetensors"])
def test_models_are_found_under_either_slash(settings: api.Settings, name: str) -> None:
    graph = {"nodes": [node(1, "CheckpointLoaderSimple", [name]), node(2, "SaveImage", ["a"])], "links": []}
    (found,) = api.validate(loaded(graph), settings)
    assert (found.code, found.field) == ("missing-input", "images")
    graph["nodes"][1] = node(2, "VAEDecode", [], {"vae": 1})
    graph["nodes"].append(node(3, "SaveImage", ["a"], {"images": 2}))
    graph["links"] = [[1, 1, 2, 2, 0, "VAE"], [2, 2, 0, 3, 0, "IMAGE"]]
    assert [problem.field for problem in api.validate(loaded(graph), settings)] == ["samples"]


@pytest.mark.slow
def test_a_run_saves_the_editors_graph_and_the_prompt_made_of_it(settings: api.Settings) -> None:
    graph = picture_graph("sub\\cat.png [input]")
    report = api.run(loaded(graph), settings)
    assert (report.status, report.problems) == ("done", [])
    (saved,) = report.outputs["2"]
    with Image.open(saved) as picture:
        assert json.loads(picture.info["workflow"]) == graph
        assert json.loads(picture.info["prompt"])["2"]["inputs"] == {"filename_prefix": "copy", "images": ["1", 0]}
    again = api.load(saved)
    assert (again.form, again.workflow) == ("picture", graph)
    assert "is not what runs" in again.notes[1]


def test_a_picture_with_only_the_editors_graph_is_made_a_prompt(settings: api.Settings) -> None:
    graph = picture_graph("cat.png")
    found = api.load(png(text("workflow", json.dumps(graph))), "a.png")
    assert (found.form, found.workflow, list(found.prompt.nodes)) == ("picture", graph, ["1", "2"])
    assert found.notes[0] == "the graph was found in the PNG's text chunk 'workflow'"
    assert found.notes[1].startswith("the editor's format 0.4: 2 nodes")
    assert api.validate(found, settings) == []


def test_values_can_be_overridden_by_title_and_id(settings: api.Settings) -> None:
    changed = api.override(loaded(picture_graph("dog.png")), ["LoadImage.image=cat.png", "2.filename_prefix=other"])
    assert changed.prompt.nodes["2"].inputs["filename_prefix"] == "other"
    assert api.validate(changed, settings) == []
    expected = picture_graph("cat.png")
    expected["nodes"][1]["widgets_values"] = ["other"]
    assert changed.workflow == expected


def test_the_graph_beside_a_prompt_is_overridden_too_unless_it_is_damaged(settings: api.Settings) -> None:
    graph, prompt = picture_graph("cat.png"), loaded(picture_graph("cat.png")).prompt.as_json()
    both = api.load(png(text("workflow", json.dumps(graph)) + text("prompt", json.dumps(prompt))), "a.png")
    changed = api.override(both, ["1.image=sub/cat.png"])
    assert (changed.workflow, changed.notes) == (picture_graph("sub/cat.png"), both.notes)
    damaged = api.load(
        png(text("workflow", '{"nodes": [5], "links": []}') + text("prompt", json.dumps(prompt))), "a.png"
    )
    changed = api.override(damaged, ["1.image=sub/cat.png"])
    assert changed.workflow == {"nodes": [5], "links": []}
    assert changed.notes[-2].startswith(
        "the editor's graph beside the prompt is damaged, and left as it is: 5 is no node"
    )
    assert changed.notes[-1] == "1 LoadImage: image: the editor's graph has no place for 'sub/cat.png'"


def test_a_subgraph_saved_alone_is_a_building_block(settings: api.Settings) -> None:
    name = "0f9a3b9e-8d0e-4b8e-9f0c-0123456789ab"
    inner = {
        "id": name,
        "name": "Decode",
        "inputs": [{"id": "i", "name": "samples", "type": "LATENT", "linkIds": [1]}],
        "outputs": [{"id": "o", "name": "IMAGE", "type": "IMAGE", "linkIds": [3]}],
        "nodes": [
            node(7, "VAEDecode", [], {"samples": 1, "vae": 2}, "IMAGE"),
            node(8, "CheckpointLoaderSimple", ["nowhere.safetensors"]),
        ],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 7, "target_slot": 0, "type": "LATENT"},
            {"id": 2, "origin_id": 8, "origin_slot": 2, "target_id": 7, "target_slot": 1, "type": "VAE"},
            {"id": 3, "origin_id": 7, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "IMAGE"},
        ],
    }
    block = loaded({"nodes": [node(5, name, [])], "links": [], "definitions": {"subgraphs": [inner]}})
    assert (block.building_block, block.open_inputs) == (True, {"5:7": ["samples"]})
    assert [problem.code for problem in api.validate(block, settings)] == ["missing-file"]
    report = api.run(api.override(block, ["5:8.ckpt_name=flux/tiny.safetensors"]), settings)
    assert (report.status, [problem.code for problem in report.problems]) == ("invalid", ["no-output"])


def muted(graph: dict[str, Any], number: int, mode: int = 2) -> dict[str, Any]:
    graph["nodes"][number]["mode"] = mode
    return graph


def test_what_reads_a_muted_node_is_explained() -> None:
    notes = loaded(muted(picture_graph("cat.png"), 0)).notes
    assert "1 Load Image: muted, so nothing comes out for the nodes that read it" in notes


@pytest.mark.parametrize("mode", [2, 4])
def test_a_graph_whose_savers_are_all_switched_off_says_which(settings: api.Settings, mode: int) -> None:
    (found,) = api.validate(loaded(muted(picture_graph("cat.png"), 1, mode)), settings)
    assert found.code == "no-output"
    assert found.fix == "Switch on in the editor what would, muted or bypassed as it is: 2 SaveImage."


def test_savers_hand_their_pictures_on(settings: api.Settings) -> None:
    graph = picture_graph("cat.png")
    graph["nodes"][1]["outputs"] = [{"name": "images", "type": "IMAGE", "links": [2]}]
    graph["nodes"].append(node(3, "PreviewImage", [], {"images": 2}))
    graph["links"].append([2, 2, 0, 3, 0, "IMAGE"])
    report = api.run(loaded(graph), settings)
    assert (report.status, sorted(report.outputs)) == ("done", ["2", "3"])


@pytest.mark.parametrize("properties", [{}, {"cnr_id": "pack-of-bumps"}])
def test_near_names_are_offered_only_for_classes_that_nobody_has(properties: dict[str, str]) -> None:
    graph = picture_graph("cat.png")
    graph["nodes"][1] |= {"type": "SaveImag", "properties": properties}
    (found,) = [each for each in api.validate(loaded(graph)) if each.code == "unknown-class"]
    assert found.fix.startswith("Replace" if properties else "Did you mean 'SaveImage'")
    graph["nodes"][1]["type"] = "SaveVideo"
    (found,) = [each for each in api.validate(loaded(graph)) if each.code == "unknown-class"]
    assert found.fix == "comfyless does not have it yet: replace the node or remove it."


@pytest.mark.parametrize("prefix", ["../copy", "a/../../copy", "..\\copy", "C:copy"])
def test_file_names_that_lead_out_are_refused_before_anything_is_computed(settings: api.Settings, prefix: str) -> None:
    graph = picture_graph("cat.png")
    graph["nodes"][1]["widgets_values"] = [prefix]
    (found,) = api.validate(loaded(graph), settings)
    assert (found.code, found.field) == ("out-of-range", "filename_prefix")
    assert api.validate(api.override(loaded(graph), ["2.filename_prefix=a/../copy"]), settings) == []


@pytest.mark.parametrize(
    ("kind", "said"), [("CreateVideo", "since core 0.3.64 or before."), ("BatchMasksNode", "since core 0.33.0.")]
)
def test_releases_that_have_a_class_are_told_as_far_as_they_are_known(kind: str, said: str) -> None:
    graph = picture_graph("cat.png")
    graph["nodes"][1]["type"] = kind
    (found,) = [each for each in api.validate(loaded(graph)) if each.code == "unknown-class"]
    assert found.said.endswith(f"ComfyUI has it {said}")
