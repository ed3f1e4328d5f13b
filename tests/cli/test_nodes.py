"""`comfyless nodes`: with the classes that comfyless brings."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ended
from tests.graph.fakes import node

Command = Callable[..., Ended]


def test_all_classes_are_listed_by_category(command: Command) -> None:
    ended = command("nodes")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines.index("sampling") < lines.index("utils/primitive")
    assert any(line.startswith("  KSampler  ") for line in lines[lines.index("sampling") :])


@pytest.mark.parametrize("name", ["KSamplerAdvanced", "ksampleradvanced", "KSampler (Advanced)"])
def test_one_class_is_described_by_class_or_shown_name(command: Command, name: str) -> None:
    ended = command("nodes", name)
    assert ended.out.startswith("KSamplerAdvanced (KSampler (Advanced)): sampling\n")
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["model", "MODEL"] in rows
    assert ["noise_seed", "INT", "0", "0", "…", "18446744073709551615"] in rows
    assert ["LATENT", "LATENT"] in rows


def test_a_file_input_names_its_folder(command: Command) -> None:
    assert "a file of checkpoints" in command("nodes", "CheckpointLoaderSimple").out


def test_json_tells_all_that_a_program_needs(command: Command) -> None:
    (record,) = command("nodes", "--json", "KSampler").records
    inputs = {found["name"]: found for found in record["inputs"]}
    assert list(inputs)[:3] == ["model", "seed", "steps"]
    assert (inputs["model"]["wire"], inputs["model"]["type"], inputs["steps"]["wire"]) == (True, "MODEL", False)
    assert (inputs["steps"]["default"], inputs["steps"]["minimum"], inputs["steps"]["maximum"]) == (20, 1, 10000)
    assert "euler" in inputs["sampler_name"]["choices"]
    assert record["outputs"] == [{"name": "LATENT", "type": "LATENT", "is_list": False}]
    assert len(command("nodes", "--json").records) > 20


def test_an_unknown_class_is_told_with_near_names(command: Command) -> None:
    ended = command("nodes", "ksample")
    assert (ended.code, ended.out) == (2, "")
    assert "no node class is named 'ksample'. Did you mean KSampler" in ended.err


def test_a_class_that_cannot_run_is_described_from_its_schema(command: Command) -> None:
    ended = command("nodes", "create video")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("CreateVideo (Create Video): video\nIt cannot run here; ComfyUI has it since core ")
    (record,) = command("nodes", "--json", "ApplyFluxControlNet").records
    assert (record["runs"], record["address"]) == (False, "https://github.com/XLabs-AI/x-flux-comfyui")


@pytest.fixture
def graph(tmp_path: Path) -> str:
    """A file with classes of every kind."""
    nodes = {
        "1": node("KSampler"),
        "2": node("KSampler"),
        "3": node("CreateVideo"),
        "4": {**node("Unheard"), "_meta": {"cnr_id": "some-pack"}},
        "5": node("Unseen"),
    }
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(nodes))
    return str(path)


def test_the_classes_of_a_file_are_listed_with_who_can_run_them(command: Command, graph: str) -> None:
    ended = command("nodes", graph)
    head, *rows = ended.out.splitlines()
    assert (ended.code, head) == (0, f"{graph}: 5 nodes of 4 classes, 1 of which can run here")
    assert rows[0].split() == ["KSampler", "2", "runs"]
    assert rows[1].startswith("  CreateVideo  1  cannot run; ComfyUI has it since core ")
    assert rows[2].endswith("unknown; of the pack 'some-pack', the file says")
    assert rows[3].split() == ["Unseen", "1", "unknown"]


def test_the_classes_of_a_file_in_json_carry_their_nodes(command: Command, graph: str) -> None:
    first, second, *_ = command("nodes", "--json", graph).records
    assert (first["class_type"], first["nodes"], first["runs"]) == ("KSampler", ["1", "2"], True)
    assert (second["class_type"], second["runs"], second["address"]) == ("CreateVideo", False, None)


def test_several_names_and_files_are_told_and_a_bad_one_stops_none(command: Command, graph: str) -> None:
    ended = command("nodes", "VAEDecode", "missing.json", graph)
    assert ended.code == 2
    assert "VAEDecode" in ended.out
    assert "Unseen" in ended.out
    assert "missing.json: there is no such file" in ended.err


def test_a_folder_is_no_class_and_that_is_said(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "graphs").mkdir()
    monkeypatch.chdir(tmp_path)
    ended = command("nodes", "graphs")
    assert (ended.code, ended.out) == (2, "")
    assert "It is a folder: name a workflow file in it." in ended.err
