"""The bundled graphs: the NF4 and GGUF ones are what convert makes of the fp8 one, and both forms mean the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine import api
from engine.cli.graph_file import text_of
from graphs.generate import HERE, MADE, PICTURE, SOURCE, generated
from schemas.settings import Settings
from tests.convert.editor_rules import as_api, faults

NAMES = ("flux_dev_fp8.json", "flux_dev_fp8_split.json", *MADE.values())
NO_MODELS = Settings(models=[])


def loaded(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return value


def test_the_generated_graphs_are_what_convert_makes_now() -> None:
    for path, text in generated():
        assert path.read_text("utf-8") == text, f"{path.name}: run python -m graphs.generate"


@pytest.mark.parametrize("name", NAMES)
def test_an_editors_graph_means_what_the_api_graph_says(name: str) -> None:
    ui, prompt = loaded(HERE / "ui" / name), loaded(HERE / name)
    assert faults(ui) == []
    assert as_api(ui) == {key: {part: node[part] for part in ("class_type", "inputs")} for key, node in prompt.items()}


@pytest.mark.parametrize("folder", ["", "ui"])
@pytest.mark.parametrize("name", ["flux_dev_fp8.json", "flux_dev_fp8_split.json"])
@pytest.mark.parametrize("way", [["nf4"], ["gguf:Q4_K_S"], ["gguf", "nf4:v1", "bf16"]])
def test_a_bundled_graph_comes_back_to_the_letter(folder: str, name: str, way: list[str]) -> None:
    text = (HERE / folder / name).read_text("utf-8")
    document = text
    for to in [*way, "fp8"]:
        document = text_of(api.convert(document.encode(), to, NO_MODELS).document) + "\n"
    assert document == text


@pytest.mark.parametrize(("to", "now"), [("nf4", "UNETLoaderNF4"), ("gguf", "UnetLoaderGGUF")])
def test_the_split_form_changes_in_one_node(to: str, now: str) -> None:
    before = loaded(HERE / "flux_dev_fp8_split.json")
    after = api.convert(HERE / "flux_dev_fp8_split.json", to, NO_MODELS).document
    assert [name for name in before if before[name] != after[name]] == ["12"]
    assert after["12"]["class_type"] == now
    assert "weight_dtype" not in after["12"]["inputs"]


def test_the_checkpoint_form_becomes_nf4_one_to_one() -> None:
    before = loaded(HERE / "flux_dev_fp8.json")
    after = loaded(HERE / "flux_dev_nf4.json")
    assert [name for name in before if before[name] != after[name]] == ["30"]
    assert after["30"]["inputs"] == {"ckpt_name": "flux1-dev-bnb-nf4-v2.safetensors"}
    assert after["30"]["class_type"] == "CheckpointLoaderNF4"


def test_kept_checkpoint_gives_text_encoders_and_vae() -> None:
    conversion = api.convert(HERE / "flux_dev_fp8.json", "gguf", NO_MODELS, keep_checkpoint=True)
    (added,) = conversion.changes[0].added
    assert (added.class_type, added.values) == ("CheckpointLoaderSimple", {"ckpt_name": "flux1-dev-fp8.safetensors"})
    assert conversion.document["6"]["inputs"]["clip"] == [added.node, 1]
    assert conversion.document["8"]["inputs"]["vae"] == [added.node, 2]
    assert conversion.document["31"]["inputs"]["model"] == ["30", 0]


def test_the_picture_in_the_readme_carries_the_graph_that_it_shows() -> None:
    drawn, written = api.load(PICTURE), api.load(HERE / "ui" / SOURCE)
    assert drawn.prompt.as_json() == written.prompt.as_json()
    assert drawn.workflow == written.workflow
