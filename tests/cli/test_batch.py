"""`comfyless batch`: the command, from its options to its exit code."""

import csv
import io
import json
import signal
import sqlite3
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.batching.request import Request
from engine.batching.state import BatchFolder
from engine.cli.console import Console
from engine.cli.repeating import Batch
from engine.cli.views import Records
from engine.journal.journal import Journal
from schemas.settings import Settings
from tests.cli.conftest import EDITOR, Ended

Command = Callable[..., Ended]

GRAPH: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}
SAMPLER = {"5": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20, "model": ["1", 0]}}}


@pytest.fixture
def batch(command: Command, empty_folder: Path) -> Command:
    """Call `batch` in a folder with a graph, on one thread, without a cache."""
    (empty_folder / "g.json").write_text(json.dumps(GRAPH))
    return lambda *options: command("batch", *options, "--device", "cpu", "--cache", "off")


def folders() -> list[Path]:
    return sorted(Path("output/batches").glob("g-*"))


def table() -> list[dict[str, str]]:
    (folder,) = folders()
    return list(csv.DictReader(io.StringIO((folder / "manifest.csv").read_text(), newline="")))


def pictures() -> int:
    return len(list(Path("output").glob("*.png")))


def test_rows_of_a_file_become_pictures(batch: Command) -> None:
    Path("rows.csv").write_text("EmptyImage.color,size,#note\n255,16,first\n,24,second\n")
    ended = batch("g.json", "--rows", "rows.csv", "--map", "size=1.width", "--map", "size=1.height")
    assert ended.code == 0
    assert [line.split()[:3] for line in ended.out.splitlines()] == [
        ["[1/2]", "done", "row-000001"],
        ["[2/2]", "done", "row-000002"],
        ["2", "done"],
    ]
    assert [(row["EmptyImage.color"], row["size"], row["state"]) for row in table()] == [
        *[("255", "16", "done"), ("", "24", "done")]
    ]
    with Image.open(table()[0]["outputs"]) as picture:
        assert (picture.size, picture.getpixel((0, 0))) == ((16, 16), (0, 0, 255))


def test_the_same_command_again_says_that_all_is_done(batch: Command) -> None:
    options = ("g.json", "--grid", "1.color=0..2", "--zip", "1.width=8,16", "--zip", "1.height=8,16")
    assert batch(*options).code == 0
    again = batch(*options)
    assert (again.code, pictures(), len(folders())) == (0, 6, 1)
    assert "all 6 rows are done" in again.err
    assert batch(*options, "--again").code == 0
    assert (pictures(), len(folders())) == (12, 2)


def test_other_rows_or_another_graph_are_another_batch(batch: Command) -> None:
    batch("g.json", "--grid", "1.color=0,1")
    batch("g.json", "--grid", "1.color=0,1", "--set", "1.width=16")
    batch("g.json", "--zip", "1.color=0,1")
    Path("g.json").write_text(json.dumps(GRAPH, indent=1))
    batch("g.json", "--grid", "1.color=0,1")
    assert (len(folders()), pictures()) == (4, 8)


def test_a_graph_runs_once_if_nothing_varies(batch: Command) -> None:
    assert batch("g.json").code == 0
    assert (len(table()), pictures()) == (1, 1)


def test_json_lines_tell_what_became_of_each_row(batch: Command) -> None:
    ended = batch("g.json", "--grid", "1.color=0,1", "--json")
    ends = [record for record in ended.records if record["event"] == "job-ended"]
    assert [(record["name"], record["state"], len(record["outputs"])) for record in ends] == [
        *[("row-000001", "done", 1), ("row-000002", "done", 1)]
    ]
    assert ended.records[-1] == {"event": "summary", "done": 2, "failed": 0, "waiting": 0}


def test_a_bad_command_runs_nothing_and_tells_every_fault(batch: Command) -> None:
    Path("rows.csv").write_text("1.color,1.width\nblue,8\n1,8\n-1,8\n")
    ended = batch("g.json", "--rows", "rows.csv")
    assert (ended.code, ended.out) == (2, "")
    assert "rows.csv:2:1: column 1.color: 'blue' is not a whole number." in ended.err
    assert "rows.csv:4:1: column 1.color: -1 is out of range." in ended.err
    assert not Path("output").exists()
    assert not any(path.suffix == ".sqlite" for path in Path().rglob("*"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "there is no graph"),
        (("none.json",), "there is no such file"),
        (("g.json", "--rows", "none.csv"), "there is no such file"),
        (("g.json", "--grid", "1.colour=1"), "EmptyImage has no input 'colour'"),
        (("g.json", "--map", "x=colour"), "'colour' is no NODE.FIELD"),
        (("g.json", "--zip", "1.width=1,2", "--zip", "1.height=1"), "different lengths"),
        (("g.json", "--grid", "1.color=0..9", "--sheet-axes", "1.width"), "--sheet-axes: '1.width' does not name"),
        (("--resume", "nowhere"), "does not exist"),
        (("--resume", "nowhere", "--grid", "1.color=1"), "--grid changes it"),
        (("g.json", "--resume", "nowhere"), "'g.json' changes it"),
        (("g.json", "--threads", "none"), "--threads"),
    ],
)
def test_what_cannot_be_run_as_given_ends_with_2(batch: Command, options: tuple[str, ...], said: str) -> None:
    ended = batch(*options)
    assert ended.code == 2
    assert said in ended.err
    assert batch(*options, "--json").records[0]["status"] == "invalid"


def test_a_failed_row_ends_with_1_and_resume_runs_it_again(batch: Command) -> None:
    Path("input").mkdir()
    Image.new("RGB", (8, 8)).save("input/good.png")
    Path("input/bad.png").write_bytes(Path("input/good.png").read_bytes()[:40])
    loading = {**GRAPH, "1": {"class_type": "LoadImage", "inputs": {"image": "good.png"}}}
    Path("g.json").write_text(json.dumps(loading))
    ended = batch("g.json", "--grid", "1.image=bad.png,good.png", "--output", "made/here")
    assert ended.code == 1
    assert "failed  row-000001" in ended.err
    (folder,) = Path("made/here/batches").glob("g-*")
    assert f"--resume {folder}" in ended.err
    Path("g.json").unlink()
    Image.new("RGB", (8, 8)).save("input/bad.png")
    assert batch("--resume", str(folder)).code == 0
    assert len(list(Path("made/here").glob("*.png"))) == 2


def test_a_picture_and_standard_input_are_graphs_too(batch: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    batch("g.json", "--set", "1.color=7")
    picture = next(Path("output").glob("*.png"))
    assert batch(str(picture), "--grid", "1.width=8,16").code == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(GRAPH).encode())))
    assert batch("-", "--grid", "1.width=8,16").code == 0
    kept = {path.parent.name.rpartition("-")[0]: path.name for path in Path("output/batches").glob("*/graph.*")}
    assert kept == {"g": "graph.json", picture.stem.strip("_"): "graph.png", "graph": "graph.json"}


def prompts_of_run(arguments: Namespace, times: int) -> list[Any]:
    runs = Batch("g.json", arguments, Records(Console(), quiet=True))
    return [runs.following().prompt for _ in range(times)]


@pytest.mark.parametrize("graph", [SAMPLER, EDITOR], ids=["api", "editor"])
@pytest.mark.parametrize("control", [None, "increment", "randomize", "fixed"])
@pytest.mark.parametrize("sets", [[], ["5.steps=3"], ["1.value=50", "6.text=a {dog|bird|fish}"]])
def test_repeated_rows_are_the_runs_of_run_repeat(
    empty_folder: Path, graph: dict[str, Any], control: str | None, sets: list[str]
) -> None:
    sets = [each for each in sets if (each[0] == "5") == (graph is SAMPLER)]
    Path("g.json").write_text(json.dumps(graph))
    common = {"control": control, "prompt_seed": 5, "json": True, "verbose": False}
    wanted = prompts_of_run(Namespace(sets=sets, **common), 4)
    data = Path("g.json").read_bytes()
    request = Request(data, "g.json", grids=sets, repeat=4, prompt_seed=5, control=control)
    base = request.base(Settings())
    assert [base.workflow_of(row).prompt for row in request.combination(base).rows()] == wanted


def test_an_interrupted_batch_ends_with_130_and_the_same_command_goes_on(batch: Command) -> None:
    options = ["g.json", "--grid", "1.color=0..999", "--device", "cpu", "--cache", "off"]
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", "batch", *options],
        **{"env": {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "", "OMP_NUM_THREADS": "1"}, "text": True},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    (folder,) = folders()
    assert f"comfyless batch --resume {folder}" in said
    with Journal(folder / "journal.sqlite") as journal:
        counts = journal.counts()
    assert counts["done"] == pictures() == len(table()) > 0
    assert counts["waiting"] == 1000 - counts["done"]


def test_a_journal_that_cannot_be_written_is_told_in_a_line(batch: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Journal, job: int, outcome: str) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "finishing", full)
        ended = batch("g.json", "--grid", "1.color=0,1")
    assert ended.code == 1
    assert "full" in ended.err
    assert "Traceback" not in ended.err
    assert batch("g.json", "--grid", "1.color=0,1").code == 0
    assert pictures() == 2


def test_a_batch_that_is_at_work_elsewhere_is_left_to_it(batch: Command) -> None:
    batch("g.json")
    (folder,) = folders()
    with BatchFolder(folder).open():
        ended = batch("g.json")
    assert ended.code == 2
    assert "is at work in another process" in ended.err


def test_a_dry_run_tells_what_is_shared_and_writes_nothing(batch: Command) -> None:
    options = ("g.json", "--grid", "1.color=0,1", "--grid", "3.filename_prefix=a,b", "--dry-run")
    ended = batch(*options)
    assert ended.code == 0
    assert "4 rows" in ended.out
    assert "1.color" in ended.out
    (record,) = batch(*options, "--json").records
    assert (record["event"], record["steps"], record["distinct"], record["shared"]) == ("forecast", 8, 6, 2)
    assert [path.name for path in Path().iterdir()] == ["g.json"]


def test_a_sheets_axis_may_be_a_column_that_the_first_row_leaves_empty(batch: Command) -> None:
    Path("rows.csv").write_text("1.width,1.color\n8,\n8,255\n")
    ended = batch("g.json", "--rows", "rows.csv", "--sheet-axes", "1.color")
    assert (ended.code, pictures()) == (0, 2)
    assert list(table()[0])[:3] == ["row", "1.width", "1.color"]


def test_a_name_that_is_mapped_and_never_used_is_told(batch: Command) -> None:
    ended = batch("g.json", "--grid", "size=8,16", "--map", "size=1.width", "--map", "sise=1.height")
    assert (ended.code, pictures()) == (0, 2)
    assert "--map 'sise': no column of the rows and no list has this name\n" in ended.err
    assert "'size'" not in ended.err


def test_the_same_command_goes_on_with_the_rest_when_a_file_has_vanished(batch: Command) -> None:
    Path("input").mkdir()
    for name in ("good.png", "bad.png"):
        Path("input", name).write_bytes(b"no picture")
    graph = {"1": {"class_type": "LoadImage", "inputs": {"image": "good.png"}}, "3": GRAPH["3"]}
    Path("g.json").write_text(json.dumps(graph))
    options = ("g.json", "--grid", "1.image=bad.png,good.png")
    assert batch(*options).code == 1
    Path("input/bad.png").unlink()
    Image.new("RGB", (8, 8)).save("input/good.png")
    ended = batch(*options)
    assert (ended.code, pictures()) == (1, 1)
    assert "'bad.png' is in none of the folders" in ended.err
    assert [row["state"] for row in sorted(table(), key=lambda row: row["row"])] == ["failed", "done"]
    ended = batch(*options, "--again")
    assert (ended.code, pictures(), len(folders())) == (2, 1, 1)


@pytest.mark.parametrize("option", [("--repeat", "2"), ("--control", "fixed"), ("--prompt-seed", "5"), ("--set", "a")])
def test_what_would_change_a_batch_that_goes_on_is_refused(batch: Command, option: tuple[str, str]) -> None:
    batch("g.json")
    ended = batch("--resume", str(folders()[0]), *option)
    assert ended.code == 2
    assert f"--resume goes on with a batch as it is; {option[0]} changes it" in ended.err
