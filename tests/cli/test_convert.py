"""`comfyless convert`: the graph to a file or standard output, what was done to standard error, refusals with 2."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.convert import weights
from graphs.generate import HERE
from tests.cli.conftest import Ended
from tests.models.fixture import tiny_models

CHECKPOINT, SPLIT = str(HERE / "flux_dev_fp8.json"), str(HERE / "flux_dev_fp8_split.json")


@pytest.fixture(autouse=True)
def _elsewhere(empty_folder: Path) -> None:
    """No models folder, and room for files."""


def test_the_graph_goes_to_standard_output_and_the_diff_to_standard_error(command: Callable[..., Ended]) -> None:
    ended = command("convert", SPLIT, "--to", "gguf:Q4_K_S")
    assert ended.code == 0
    assert json.loads(ended.out)["12"]["inputs"] == {"unet_name": "flux1-dev-Q4_K_S.gguf"}
    lines = ended.err.splitlines()
    assert lines[0] == f"{SPLIT}: node 12 (Load Diffusion Model)"
    assert lines[1] == "- UNETLoader: unet_name = flux1-dev-fp8-e4m3fn.safetensors, weight_dtype = default"
    assert lines[2].startswith("+ UnetLoaderGGUF: unet_name = flux1-dev")
    assert lines[3] == "  links that stay: 31.model"
    assert lines[4].startswith("  One to one: ")


def test_links_that_move_are_told(command: Callable[..., Ended]) -> None:
    ended = command("convert", CHECKPOINT, "--to", "gguf", "-o", "out.json")
    assert ended.out == ""
    assert "  links moved from 30 to 36: 6.clip, 33.clip\n  links moved from 30 to 37: 8.vae\n" in ended.err
    assert Path("out.json").read_text("utf-8") == (HERE / "flux_dev_gguf.json").read_text("utf-8")
    assert list(Path().iterdir()) == [Path("out.json")]


def test_links_that_leave_a_subgraph_are_told_in_words(command: Callable[..., Ended]) -> None:
    loader = {"id": 1, "type": "UNETLoader", "widgets_values": ["flux1-dev.safetensors", "default"]}
    loader["outputs"] = [{"name": "MODEL", "type": "MODEL", "links": [1]}]
    link = {"id": 1, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "MODEL"}
    sub = {"id": "s", "name": "Models", "inputs": [], "outputs": [{"name": "MODEL", "type": "MODEL", "linkIds": [1]}]}
    graph = {"nodes": [{"id": 5, "type": "s"}], "links": [], "version": 0.4}
    graph["definitions"] = {"subgraphs": [{**sub, "nodes": [loader], "links": [link]}]}
    Path("g.json").write_text(json.dumps(graph))
    assert "  links that stay: output 0 of the subgraph\n" in command("convert", "g.json", "--to", "nf4").err


def test_back_to_where_it_was_and_into_the_same_file(command: Callable[..., Ended]) -> None:
    command("convert", CHECKPOINT, "--to", "gguf", "-o", "out.json", "-q")
    ended = command("convert", "out.json", "--to", "fp8", "-o", "out.json")
    assert Path("out.json").read_text("utf-8") == Path(CHECKPOINT).read_text("utf-8")
    assert "- node 36, which an earlier conversion had added" in ended.err


def test_nothing_to_do_is_said(command: Callable[..., Ended]) -> None:
    ended = command("convert", CHECKPOINT, "--to", "fp8")
    assert json.loads(ended.out) == json.loads(Path(CHECKPOINT).read_text("utf-8"))
    assert "which is fp8 already: nothing changed" in ended.err


def test_json_holds_changes_files_and_the_graph_unless_it_went_to_a_file(command: Callable[..., Ended]) -> None:
    (record,) = command("convert", CHECKPOINT, "--to", "nf4", "--json").records
    assert record["event"] == "conversion"
    assert record["changes"][0]["after"]["class_type"] == "CheckpointLoaderNF4"
    assert record["document"]["30"]["class_type"] == "CheckpointLoaderNF4"
    assert record["files"][0]["name"] == "flux1-dev-bnb-nf4-v2.safetensors"
    (record,) = command("convert", CHECKPOINT, "--to", "nf4", "--json", "-o", "out.json").records
    assert "document" not in record


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        ((CHECKPOINT, "--to", "q9"), "bad-setting"),
        ((CHECKPOINT, "--to", "nf4", "--node", "31"), "unknown-node"),
        (("nothing.json", "--to", "nf4"), "unreadable-file"),
        ((SPLIT, "--to", "nf4", "--weights"), "missing-file"),
    ],
)
def test_a_refusal_is_one_problem_and_ends_with_2(command: Callable[..., Ended], argv: list[str], code: str) -> None:
    ended = command("convert", *argv, "-o", "out.json", "-q")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith(f"[{code}]\n")
    assert not Path("out.json").exists()
    (record,) = [each for each in command("convert", *argv, "--json", "-q").records if "problems" in each]
    assert record["problems"][0]["code"] == code


@pytest.mark.slow
def test_weights_makes_what_is_not_there_and_keeps_what_is(command: Callable[..., Ended], tmp_path: Path) -> None:
    models = tiny_models("checkpoints/flux1-dev-fp8.safetensors", "vae/ae.safetensors")
    for name in ("checkpoints/flux1-dev-fp8.safetensors", "vae/ae.safetensors"):
        (tmp_path / "m" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(models / name, tmp_path / "m" / name)
    ended = command("convert", CHECKPOINT, "--to", "gguf:Q4_0", "--weights", "--models", "m", "-o", "out.json")
    assert ended.code == 0, ended.err
    assert "vae/ae.safetensors is there and is kept" in ended.err
    assert "diffusion_models/flux1-dev-Q4_0.gguf is made from checkpoints/flux1-dev-fp8.safetensors" in ended.err
    assert sorted(str(path.relative_to("m")) for path in Path("m").rglob("*") if path.is_file()) == [
        "checkpoints/flux1-dev-fp8.safetensors",
        "diffusion_models/flux1-dev-Q4_0.gguf",
        "text_encoders/clip_l.safetensors",
        "text_encoders/t5xxl_fp8_e4m3fn.safetensors",
        "vae/ae.safetensors",
    ]
    assert command("validate", "out.json", "--models", "m").code == 0
    Path("m/diffusion_models/flux1-dev-Q4_0.gguf").unlink()
    again = command("convert", "out.json", "--to", "gguf:Q4_0", "--weights", "--models", "m", "-o", "out.json")
    assert again.code == 0
    assert Path("m/diffusion_models/flux1-dev-Q4_0.gguf").is_file()


def test_a_place_that_will_not_do_is_refused_before_the_long_work(command: Callable[..., Ended]) -> None:
    Path("picture.png").write_bytes(b"\x89PNG")
    ended = command("convert", CHECKPOINT, "--to", "nf4", "--weights", "-o", "picture.png", "-q")
    assert ended.code == 2
    assert ended.err.endswith("Name another file.  [would-overwrite]\n")
    assert ended.err.count("\n") == 1
    assert Path("picture.png").read_bytes() == b"\x89PNG"


def test_a_way_over_the_old_loader_is_told(command: Callable[..., Ended]) -> None:
    command("convert", CHECKPOINT, "--to", "gguf", "-o", "out.json", "-q")
    told = command("convert", "out.json", "--to", "bf16", "--keep-checkpoint", "-o", "out.json").err
    assert "  First it became CheckpointLoaderSimple again. Only the file changes: " in told
    assert "node 30: there is nothing that a kept checkpoint would be needed for" in told


def test_an_empty_name_is_told_as_such_and_not_as_a_folder(command: Callable[..., Ended]) -> None:
    for argv in (
        ("convert", "", "--to", "nf4"),
        ("convert", SPLIT, "--to", "nf4", "-o", ""),
        ("run", ""),
        ("validate", ""),
    ):
        ended = command(*argv)
        assert ended.code == 2
        assert ": the name of the file is empty" in ended.err + ended.out
        assert not (ended.err + ended.out).startswith(":")
        assert "folder" not in ended.err + ended.out


def test_a_source_that_is_missing_is_not_said_to_be_made_from(command: Callable[..., Ended]) -> None:
    ended = command("convert", SPLIT, "--to", "nf4", "--weights", "-o", "out.json")
    assert ended.code == 2
    assert "[missing-file]" in ended.err
    assert "is made from" not in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--to", "gguf", "--jobs", "2"), "--jobs: no model file is made without --weights."),
        (("--to", "nf4", "--weights", "--imatrix", "i.dat"), "is for GGUF; nf4 knows none."),
        (("--to", "gguf", "--weights", "--imatrix", "i.dat"), "--imatrix: 'i.dat' is no file here."),
    ],
)
def test_options_of_making_files_that_mean_nothing_are_told(
    command: Callable[..., Ended], options: tuple[str, ...], said: str
) -> None:
    ended = command("convert", SPLIT, *options, "-o", "out.json")
    assert ended.code == 2
    assert said in ended.err
    assert not Path("out.json").exists()


def test_jobs_and_importance_go_to_who_makes_the_files(
    command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(weights, "make", lambda files, folders, options, begun: asked.append(options) or [])
    Path("i.dat").write_bytes(b"")
    ended = command(
        "convert", SPLIT, "--to", "gguf", "--weights", "--jobs", "3", "--imatrix", "i.dat", "-o", "out.json"
    )
    assert ended.code == 0, ended.err
    assert [(options.processes, options.importance) for options in asked] == [(3, Path("i.dat"))]
