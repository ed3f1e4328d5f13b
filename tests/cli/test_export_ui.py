"""`comfyless export --to ui`: the editor's graph as it was, but for what --set changes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from graphs.generate import HERE
from tests.cli.conftest import Ended

API, EDITOR = HERE / "flux_dev_fp8.json", HERE / "ui" / "flux_dev_fp8.json"
Command = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _elsewhere(empty_folder: Path) -> None:
    """Room for files."""


def test_the_editors_graph_is_written_as_it_was(command: Command) -> None:
    ended = command("export", str(EDITOR), "--to", "ui")
    assert (ended.code, json.loads(ended.out)) == (0, json.loads(EDITOR.read_text()))


def test_only_what_is_set_changes(command: Command) -> None:
    assert command("export", str(EDITOR), "--to", "ui", "-o", "a.json", "--set", "31.seed=7").code == 0
    before, after = json.loads(EDITOR.read_text()), json.loads(Path("a.json").read_text())
    (changed,) = (node for node in after["nodes"] if node not in before["nodes"])
    assert (changed["id"], changed["widgets_values"][0]) == (31, 7)
    assert command("export", "a.json").out == command("export", str(EDITOR), "--set", "31.seed=7").out


def test_what_the_editors_graph_has_no_place_for_is_told(command: Command) -> None:
    graph = {"nodes": [{"id": 1, "type": "Nobody's", "widgets_values": [5]}], "links": []}
    Path("g.json").write_text(json.dumps(graph))
    ended = command("export", "g.json", "--to", "ui", "--set", "1.size=6")
    assert (ended.code, json.loads(ended.out)) == (0, graph)
    assert "g.json: 1 Nobody's: size: the editor's graph has no place for 6\n" in ended.err


def test_a_file_without_an_editors_graph_is_refused(command: Command) -> None:
    ended = command("export", str(API), "--to", "ui", "-o", "a.json")
    assert (ended.code, Path("a.json").exists()) == (2, False)
    assert "holds no editor's graph" in ended.err


def test_options_for_pictures_are_refused(command: Command) -> None:
    ended = command("export", str(EDITOR), "--to", "ui", "--no-check")
    assert ended.code == 2
    assert "--no-check is for pictures, and this is the editor's format" in ended.err
