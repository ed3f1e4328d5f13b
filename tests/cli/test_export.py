"""`comfyless export`: one graph as API JSON, as a picture and as mermaid text; what would be lost is never written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from graphs.generate import HERE
from schemas.report import RunReport
from tests.cli.conftest import Ended

API, EDITOR = str(HERE / "flux_dev_fp8.json"), str(HERE / "ui" / "flux_dev_fp8.json")
Command = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _elsewhere(empty_folder: Path) -> None:
    """Room for files."""


def test_an_editors_graph_becomes_a_prompt_on_standard_output(command: Command) -> None:
    ended = command("export", EDITOR)
    assert ended.code == 0
    assert json.loads(ended.out)["31"]["class_type"] == "KSampler"
    assert "became 8 nodes" in ended.err


def test_a_prompt_goes_to_a_file_with_values_changed(command: Command) -> None:
    assert command("export", API, "-q", "-o", "new.json", "--set", "31.seed=7") == Ended(0, "", "")
    assert json.loads(Path("new.json").read_text())["31"]["inputs"]["seed"] == 7


def test_choices_in_prompts_are_made_by_a_seed_or_left(command: Command) -> None:
    node = {"id": 1, "type": "CLIPTextEncode", "widgets_values": ["{a|b|c|d|e|f|g|h}"]}
    Path("g.json").write_text(json.dumps({"nodes": [node], "links": []}))
    seeds = ["0", *"01234", "off"]
    texts = [
        json.loads(command("export", "g.json", "--prompt-seed", seed).out)["1"]["inputs"]["text"] for seed in seeds
    ]
    assert texts[0] == texts[1] == json.loads(command("export", "g.json").out)["1"]["inputs"]["text"]
    assert len(set(texts[:-1])) > 1
    assert texts[-1] == "{a|b|c|d|e|f|g|h}"


def test_unknown_classes_are_told_once_each_and_exported(command: Command) -> None:
    graph = {name: {"class_type": "Nobody's", "inputs": {}} for name in "12"}
    Path("g.json").write_text(json.dumps(graph))
    ended = command("export", "g.json")
    assert (ended.code, json.loads(ended.out)) == (0, graph)
    assert ended.err.count('warning: nothing is known of the class "Nobody\'s" of 2 nodes, 1, 2') == 1


@pytest.mark.parametrize("source", [API, EDITOR])
def test_a_picture_carries_its_graph_and_is_drawn_again_the_same(command: Command, source: str) -> None:
    assert command("export", source, "-o", "a.png", "--no-check").code == 0
    with Image.open("a.png") as picture:
        assert min(picture.size) > 300
        assert ("workflow" in picture.text) == (source == EDITOR)  # type: ignore[attr-defined]
        assert "prompt" in picture.text  # type: ignore[attr-defined]
    assert command("export", "a.png", "--no-check", "-o", "b.png").code == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert json.loads(command("export", "a.png").out)["31"]["class_type"] == "KSampler"


def test_problems_are_drawn_and_counted(command: Command) -> None:
    ended = command("export", EDITOR, "-o", "a.png")
    assert (ended.code, ended.err) == (0, f"{EDITOR}: 1 node with problems drawn in red\n")


def test_a_report_is_drawn_and_what_it_is_not_about_is_refused(command: Command) -> None:
    report = RunReport(file="elsewhere/flux_dev_fp8.json", status="failed", error="it broke", failed_node="31")
    Path("r.json").write_text('{"event": "run"}\n' + report.model_dump_json() + "\n")
    assert command("export", EDITOR, "-o", "a.png", "--report", "r.json").err.endswith(
        "1 node with problems drawn in red\n"
    )
    renamed = command("export", API, "-o", "b.png", "--report", "r.json")
    assert "the report is on another file" not in renamed.err
    Path("other.json").write_text(Path(API).read_text())
    other = command("export", "other.json", "-o", "b.png", "--report", "r.json")
    assert "other.json: the report is on another file, elsewhere/flux_dev_fp8.json\n" in other.err
    both = report.model_copy(update={"file": "x"}).model_dump_json() + "\n" + report.model_dump_json()
    Path("r.json").write_text(both.replace("flux_dev_fp8", "y"))
    refused = command("export", EDITOR, "-o", "a.png", "--report", "r.json")
    assert refused.code == 2
    assert "holds 2 reports, and none is on" in refused.err


def test_mermaid_text_is_written_by_the_ending_of_its_file(command: Command) -> None:
    assert command("export", EDITOR, "-o", "a.mmd").code == 0
    assert Path("a.mmd").read_text().startswith("flowchart LR\n")
    assert command("export", EDITOR, "-q", "--to", "mermaid").out == Path("a.mmd").read_text()


def test_a_picture_that_a_graph_has_made_is_never_overwritten(command: Command) -> None:
    Image.new("RGB", (4, 4)).save("made.png")
    before = Path("made.png").read_bytes()
    for argv in (("-o", "made.png"), ("--to", "api", "-o", "made.png"), ("--to", "mermaid", "-o", "made.png")):
        ended = command("export", EDITOR, *argv)
        assert (ended.code, "would-overwrite" in ended.err) == (2, True)
    assert Path("made.png").read_bytes() == before


def test_a_drawing_is_replaced_by_a_new_one(command: Command) -> None:
    assert command("export", API, "-o", "a.png", "--no-check").code == 0
    before = Path("a.png").read_bytes()
    assert command("export", EDITOR, "-o", "a.png", "--no-check").code == 0
    assert Path("a.png").read_bytes() != before
    assert [path.name for path in Path().iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--to", "png"), "a picture cannot be shown on a terminal"),
        (("-o", "no/a.png"), "'no' is no folder"),
        (("--to", "png", "-o", ""), "the name of the file is empty"),
        (("--report", "r.json"), "--report is for pictures"),
        (("--no-check",), "--no-check is for pictures"),
        (("-o", "a.png", "--report", "none.json"), "'none.json' cannot be read"),
        (("--set", "99.x=1"), "99"),
    ],
)
def test_what_cannot_be_is_told_and_ends_with_2(command: Command, argv: tuple[str, ...], said: str) -> None:
    ended = command("export", EDITOR, *argv)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert list(Path().iterdir()) == []


def test_a_damaged_file_ends_with_2(command: Command) -> None:
    Path("g.json").write_text('{"nodes": [7], "links": []}')
    for form in ("api", "png", "mermaid"):
        assert command("export", "g.json", "--to", form, "-o", f"a.{form}").code == 2
    assert [path.name for path in Path().iterdir()] == ["g.json"]


def test_a_changed_value_is_in_the_picture_too(command: Command) -> None:
    assert command("export", EDITOR, "-o", "a.png", "--no-check", "--set", "31.seed=7").code == 0
    with Image.open("a.png") as picture:
        texts = picture.text  # type: ignore[attr-defined]
    assert json.loads(texts["prompt"])["31"]["inputs"]["seed"] == 7
    sampler = next(node for node in json.loads(texts["workflow"])["nodes"] if node["id"] == 31)
    assert sampler["widgets_values"][0] == 7
