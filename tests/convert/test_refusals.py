"""What cannot be converted says why and what to do, all of it at once, and what need not be is left alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine import api
from engine.errors import GraphInvalid
from schemas.report import Problem
from schemas.settings import Settings
from tests.checkpoints.tables import load, write_safetensors
from tests.models.fixture import tiny_models

NO_MODELS = Settings(models=[])


def loader(class_type: str = "UNETLoader", **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs or {"unet_name": "flux1-dev.safetensors"}}


def reader(*sources: list[Any]) -> dict[str, Any]:
    return {"class_type": "Mystery", "inputs": {f"in{at}": source for at, source in enumerate(sources)}}


def refused(graph: dict[str, Any], to: str = "nf4", settings: Settings = NO_MODELS, **options: Any) -> list[Problem]:
    with pytest.raises(GraphInvalid) as caught:
        api.convert(json.dumps(graph).encode(), to, settings, **options)
    return caught.value.problems


def test_a_graph_without_base_model_is_refused_with_what_would_be_one() -> None:
    (problem,) = refused({"1": reader()})
    assert problem.code == "not-convertible"
    assert "CheckpointLoaderSimple" in problem.fix


@pytest.mark.parametrize(
    ("file", "code", "said"),
    [
        (["2", 0], "not-convertible", "fed by another node"),
        ("", "not-convertible", "names no file"),
        (5, "not-convertible", "names no file"),
        ("flux1-dev.onnx", "not-convertible", "no ending of a model file"),
        ("flux1-dev", "not-convertible", "no ending of a model file"),
    ],
)
def test_a_file_that_is_no_name_is_refused(file: Any, code: str, said: str) -> None:
    (problem,) = refused({"1": loader(unet_name=file), "2": reader(["1", 0])})
    assert (problem.code, problem.node, problem.field) == (code, "1", "unet_name")
    assert said in problem.said


def test_every_loader_that_cannot_be_converted_is_told_of() -> None:
    graph = {"1": loader(unet_name="a.onnx"), "2": loader(unet_name="b.onnx"), "3": reader(["1", 0], ["2", 0])}
    assert [problem.node for problem in refused(graph)] == ["1", "2"]


def test_a_node_that_is_no_base_model_is_refused_with_those_that_are() -> None:
    (problem,) = refused({"1": loader(), "2": reader(["1", 0])}, nodes=["2"])
    assert (problem.code, problem.fix) == ("unknown-node", "These are: 1.")


@pytest.mark.parametrize("to", ["q9", "gguf:Q9", "nf4:v7", ""])
def test_an_unknown_type_is_refused_with_those_there_are(to: str) -> None:
    (problem,) = refused({"1": loader()}, to)
    assert (problem.code, problem.field) == ("bad-setting", "to")
    assert problem.fix.startswith("Give one of ")


@pytest.mark.slow
@pytest.mark.parametrize("to", ["gguf", "nf4"])
def test_an_unet_of_convolutions_is_refused_with_what_to_do_instead(to: str) -> None:
    models = Settings(models=[tiny_models("diffusion_models/sd15-Q8_0.gguf")])
    graph = {"1": loader("UNETLoader", unet_name="sd15-Q8_0.gguf", weight_dtype="default"), "2": reader(["1", 0])}
    (problem,) = refused(graph, to, models)
    assert "convolutions" in problem.said
    assert problem.fix == "Convert to fp8 or bf16, or leave it as it is."


def test_a_damaged_file_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "diffusion_models").mkdir()
    (tmp_path / "diffusion_models" / "flux1-dev.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0{oops")
    (problem,) = refused({"1": loader(), "2": reader(["1", 0])}, settings=Settings(models=[tmp_path]))
    assert problem.code == "bad-file"


def test_only_the_asked_loader_changes() -> None:
    graph = {"1": loader(), "2": loader(), "3": reader(["1", 0], ["2", 0])}
    after = api.convert(json.dumps(graph).encode(), "gguf", NO_MODELS, nodes=["2"]).document
    assert (after["1"], after["3"]) == (graph["1"], graph["3"])
    assert after["2"]["class_type"] == "UnetLoaderGGUF"


def test_a_checkpoint_that_gives_no_model_is_left_alone_and_said() -> None:
    graph = {"1": loader("CheckpointLoaderSimple", ckpt_name="a.safetensors"), "2": reader(["1", 1])}
    conversion = api.convert(json.dumps(graph).encode(), "gguf", NO_MODELS)
    assert conversion.document == graph
    assert conversion.changes == []
    assert "only for its text encoders or VAE" in conversion.said[0]


def test_a_loader_edited_since_is_converted_as_it_is_now() -> None:
    graph = {"1": loader("CheckpointLoaderSimple", ckpt_name="a-fp8.safetensors"), "2": reader(["1", 0], ["1", 1])}
    document = api.convert(json.dumps(graph).encode(), "gguf", NO_MODELS).document
    document["1"]["inputs"]["unet_name"] = "mine-Q5_0.gguf"
    conversion = api.convert(json.dumps(document).encode(), "fp8", NO_MODELS)
    assert conversion.document["1"]["inputs"] == {"unet_name": "mine-fp8.safetensors", "weight_dtype": "default"}
    assert conversion.document["2"] == document["2"]
    assert "was edited since" in conversion.said[0]


@pytest.mark.parametrize("memory", [1, {}, {"was": 1, "now": 2, "added": 3}, {"was": {}, "now": {}, "added": {}}])
def test_a_memory_that_is_none_is_no_obstacle(memory: Any) -> None:
    graph = {"1": {**loader(), "_meta": {"comfyless": memory}}, "2": reader(["1", 0])}
    after = api.convert(json.dumps(graph).encode(), "nf4", NO_MODELS).document
    assert after["1"]["class_type"] == "UNETLoaderNF4"


def test_links_with_ids_as_numbers_come_back_as_numbers() -> None:
    graph = {"1": loader("CheckpointLoaderSimple", ckpt_name="a-fp8.safetensors"), "2": reader(["1", 0], [1, 1])}
    there = api.convert(json.dumps(graph).encode(), "gguf", NO_MODELS).document
    assert there["2"]["inputs"]["in1"] == ["3", 0]
    assert api.convert(json.dumps(there).encode(), "fp8", NO_MODELS).document == graph


def test_an_envelope_stays_around_its_graph() -> None:
    envelope = {"prompt": {"1": loader(), "2": reader(["1", 0])}, "client_id": "x"}
    after = api.convert(json.dumps(envelope).encode(), "nf4", NO_MODELS).document
    assert after["client_id"] == "x"
    assert after["prompt"]["1"]["class_type"] == "UNETLoaderNF4"


@pytest.mark.slow
def test_files_are_chosen_by_what_they_hold() -> None:
    folder = tiny_models(
        "text_encoders/t5-v1_1-xxl-encoder-Q8_0.gguf", "text_encoders/clip_l.safetensors", "vae/ae.safetensors"
    )
    graph = {
        "1": loader("CheckpointLoaderSimple", ckpt_name="a-fp8.safetensors"),
        "2": reader(["1", 0], ["1", 1], ["1", 2]),
    }
    conversion = api.convert(json.dumps(graph).encode(), "gguf", Settings(models=[folder]))
    clip, vae = conversion.changes[0].added
    assert (clip.class_type, vae.values) == ("DualCLIPLoaderGGUF", {"vae_name": "ae.safetensors"})
    assert clip.values == {
        "clip_name1": "t5-v1_1-xxl-encoder-Q8_0.gguf",
        "clip_name2": "clip_l.safetensors",
        "type": "flux",
    }
    assert [(file.name, file.there) for file in conversion.files][1:] == [
        ("t5-v1_1-xxl-encoder-Q8_0.gguf", True),
        ("clip_l.safetensors", True),
        ("ae.safetensors", True),
    ]


def test_a_name_says_at_its_end_how_it_is_stored() -> None:
    graph = {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "x_fp8mixed.safetensors", "weight_dtype": "default"}}
    }
    wider = api.convert(json.dumps(graph).encode(), "bf16", NO_MODELS).document
    assert wider["1"]["inputs"]["unet_name"] == "x_fp8mixed-bf16.safetensors"
    assert not api.convert(json.dumps(wider).encode(), "bf16", NO_MODELS).changes
    assert api.convert(json.dumps(wider).encode(), "fp8", NO_MODELS).document == graph


@pytest.mark.parametrize(
    ("held", "weight_dtype", "to", "kept"),
    [
        ("bf16", "fp8_e4m3fn", "bf16", True),
        ("bf16", "fp8_e5m2", "bf16", True),
        ("fp16", "fp8_e4m3fn_fast", "fp16", True),
        ("fp32", "fp8_e4m3fn", "fp32", True),
        ("fp8_e5m2", "fp8_e4m3fn", "fp8:e5m2", True),
        ("fp16", "fp8_e4m3fn", "bf16", False),
        ("bf16", "fp8_e4m3fn", "gguf", False),
        ("", "fp8_e4m3fn", "bf16", False),
    ],
)
def test_a_file_that_was_only_rounded_while_loading_is_kept(
    tmp_path: Path, held: str, weight_dtype: str, to: str, kept: bool
) -> None:
    (tmp_path / "diffusion_models").mkdir()
    if held:
        table = {name: (held, shape) for name, (_, shape) in load("flux_dev").items()}
        write_safetensors(tmp_path / "diffusion_models" / "flux1-dev.safetensors", table)
    graph = {
        "1": loader(unet_name="flux1-dev.safetensors", weight_dtype=weight_dtype),
        "2": reader(["1", 0]),
    }
    settings = Settings(models=[tmp_path])
    there = api.convert(json.dumps(graph).encode(), to, settings)
    inputs = there.document["1"]["inputs"]
    assert (inputs["unet_name"] == "flux1-dev.safetensors") == kept
    assert inputs.get("weight_dtype", "default") == "default"
    assert [file.there for file in there.files] == [kept]
    assert ("holds weights of this type already" in there.changes[0].said) == kept
    back = "fp8:e5m2" if "e5m2" in weight_dtype else "fp8"
    assert api.convert(json.dumps(there.document).encode(), back, settings).document == graph
