"""The watch end to end, on graphs without models: every graph once, in `done` or `failed`, with its report."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.errors import GraphInvalid
from engine.journal.journal import Journal
from engine.watching.places import JOURNAL
from engine.watching.watch import Options, watch
from engine.working.status import read_status
from schemas.job import JobEnded
from schemas.report import Event
from schemas.settings import Settings

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


def graph(colour: int = 0, **save: Any) -> dict[str, Any]:
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": colour}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x", **save}},
    }


EDITORS = {
    "nodes": [
        {"id": 1, "type": "EmptyImage", "inputs": [], "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
         "widgets_values": [8, 8, 1, 5]},
        {"id": 2, "type": "SaveImage", "inputs": [{"name": "images", "type": "IMAGE", "link": 1}], "outputs": [],
         "widgets_values": ["x"]},
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"]],
    "version": 0.4,
}  # fmt: skip
NO_MODEL = {**graph(), "3": {"class_type": "VAELoader", "inputs": {"vae_name": "none.safetensors"}},
            "4": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["3", 0]}},
            "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 16, "height": 16, "batch_size": 1}},
            "6": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "x"}}}  # fmt: skip


class Heard:
    """Who listens to a watch."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.notes: list[str] = []

    def event(self, event: Event, job: int | None = None) -> None:
        self.events.append(event)

    def note(self, said: str) -> None:
        self.notes.append(said)

    def ended(self) -> list[tuple[str, str]]:
        return [(event.name, event.state) for event in self.events if isinstance(event, JobEnded)]


@pytest.fixture
def folder(empty_folder: Path) -> Path:
    (empty_folder / "in").mkdir()
    return empty_folder / "in"


def put(folder: Path, name: str, what: Any, mtime: float | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(what if isinstance(what, bytes) else json.dumps(what).encode())
    if mtime is not None:
        os.utime(path, (mtime, mtime))
    return path


def files(folder: Path) -> list[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if path.parts[0] != ".comfyless")


def once(folder: Path, **options: Any) -> Heard:
    heard = Heard()
    settings = Settings(cache="off")
    watch(folder, settings, Options(once=True, settle=0.1, **options), heard, stop=lambda: False)
    return heard


def test_every_graph_is_put_away_with_its_report(folder: Path) -> None:
    put(folder, "good.json", graph())
    put(folder, "sub/editors.json", EDITORS)
    put(folder, "cut.json", b'{"1": {')
    put(folder, "empty.png", b"")
    put(folder, "class.json", {"1": {"class_type": "Nope", "inputs": {}}})
    put(folder, "model.json", NO_MODEL)
    put(folder, "notes.md", b"keep me")
    once(folder)
    assert files(folder) == [
        "done/good.json", "done/good.report.json", "done/sub/editors.json", "done/sub/editors.report.json",
        "failed/class.error.txt", "failed/class.json", "failed/class.report.json",
        "failed/cut.error.txt", "failed/cut.json", "failed/cut.report.json",
        "failed/empty.png", "failed/empty.png.error.txt", "failed/empty.png.report.json",
        "failed/model.error.txt", "failed/model.json", "failed/model.report.json", "notes.md",
    ]  # fmt: skip
    report = json.loads((folder / "done/good.report.json").read_text())
    assert (report["file"], report["status"]) == ("good.json", "done")
    (picture,) = report["outputs"]["2"]
    assert Path(picture).parent == folder.parent / "output"
    assert files(folder.parent / "output") == ["x_00001_.png", "x_00002_.png"]
    assert "none.safetensors" in (folder / "failed/model.error.txt").read_text()


def test_a_picture_that_carries_a_graph_is_run(folder: Path) -> None:
    put(folder, "a.json", graph(7))
    once(folder)
    (folder.parent / "output/x_00001_.png").rename(folder / "again.png")
    once(folder)
    assert "done/again.png" in files(folder)
    assert files(folder.parent / "output") == ["x_00001_.png"]


def test_they_run_oldest_first(folder: Path) -> None:
    for name, mtime in (("c.json", 10), ("a.json", 30), ("b.json", 20)):
        put(folder, name, graph(), mtime)
    assert [name for name, _ in once(folder).ended()] == ["c.json", "b.json", "a.json"]


def test_a_graph_that_was_run_before_runs_again_and_gets_a_number(folder: Path) -> None:
    for _ in range(2):
        put(folder, "a.json", graph())
        assert once(folder).ended() == [("a.json", "done")]
    assert files(folder) == ["done/a-2.json", "done/a-2.report.json", "done/a.json", "done/a.report.json"]
    assert files(folder.parent / "output") == ["x_00001_.png", "x_00002_.png"]


def test_pictures_have_folders_of_their_graphs_if_wanted(folder: Path) -> None:
    put(folder, "sub/a.json", graph())
    put(folder, "b.json", graph(filename_prefix="y/z"))
    once(folder, per_graph=True)
    assert files(folder.parent / "output") == ["b/y/z_00001_.png", "sub/a/x_00001_.png"]


def test_a_graph_that_fails_while_running_is_told_with_its_node(folder: Path) -> None:
    put(folder, "a.json", graph(filename_prefix="x" * 300))
    put(folder, "b.json", graph())
    assert sorted(once(folder).ended()) == [("a.json", "failed"), ("b.json", "done")]
    assert "SaveImage" in (folder / "failed/a.error.txt").read_text()


def test_a_failing_graph_is_tried_again_as_often_as_asked(folder: Path) -> None:
    put(folder, "a.json", graph(filename_prefix="x" * 300))
    ended = once(folder, retries=2).ended()
    assert ended == [("a.json", "waiting"), ("a.json", "waiting"), ("a.json", "failed")]


def test_the_journal_may_lie_elsewhere_but_belongs_to_one_folder(folder: Path) -> None:
    put(folder, "a.json", graph())
    state = folder.parent / "state"
    once(folder, state=state)
    assert not (folder / ".comfyless").exists()
    assert read_status(state / JOURNAL).done == 1
    other = folder.parent / "other"
    other.mkdir()
    with pytest.raises(GraphInvalid, match="keeps what became of another folder"):
        once(other, state=state)


def test_by_model_runs_them_all(folder: Path) -> None:
    for number in range(20):
        put(folder, f"{number:02}.json", graph(number, filename_prefix=f"{number % 2}.safetensors"))
    assert len(once(folder, by_model=True).ended()) == 20
    assert len(files(folder.parent / "output")) == 20


def test_the_command_tells_what_ended_and_fails_if_one_failed(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    put(folder, "a.json", graph())
    arguments = ["watch", "in", "--once", "--cache", "off", "--settle", "0.1"]
    assert main(arguments) == 0
    captured = capfd.readouterr()
    assert captured.out.startswith("done    a.json  ")
    assert captured.out.endswith("s → output/x_00001_.png\n1 done\n")
    put(folder, "b.json", b"{")
    assert main([*arguments, "--json"]) == 1
    records = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [each["event"] for each in records] == ["job-ended", "summary"]
    assert main(["status", "in", "--json"]) == 0
    status = json.loads(capfd.readouterr().out)
    assert (status["done"], status["failed"], status["workers"]) == (1, 1, [])


@pytest.mark.parametrize("verb", ["watch", "status"])
def test_a_folder_that_is_not_there_is_told_with_what_to_do(
    empty_folder: Path, capfd: pytest.CaptureFixture[str], verb: str
) -> None:
    assert main([verb, "in"]) == 2
    said = capfd.readouterr().err
    assert ("mkdir -p in" if verb == "watch" else "has no journal") in said
    assert list(empty_folder.iterdir()) == []


@pytest.mark.parametrize("argument", [["--settle", "-1"], ["--poll", "x"], ["--retries", "-2"], ["--workers", "1.5"]])
def test_a_bad_number_is_told(folder: Path, capfd: pytest.CaptureFixture[str], argument: list[str]) -> None:
    assert main(["watch", "in", *argument]) == 2
    assert argument[1] in capfd.readouterr().err


class Process:
    """A watch in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "engine", "watch", str(folder), "--cache", "off", "--json", *options]
        self.process = subprocess.Popen(
            command, cwd=folder.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ended(self) -> tuple[int, list[dict[str, Any]], str]:
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for each in started:
        each.process.kill()
        each.process.communicate()


def until(holds: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_puts_the_unfinished_back_and_ends_clean(
    folder: Path, processes: list[Process], asked: signal.Signals
) -> None:
    for number in range(400):
        put(folder, f"{number:03}.json", graph(number, filename_prefix=f"{number:03}"))
    processes.append(Process(folder))
    until(lambda: len(list((folder / "done").glob("*.report.json"))) > 2)
    processes[0].process.send_signal(asked)
    code, records, err = processes[0].ended()
    assert code == 0
    assert "Traceback" not in err
    done = len(list((folder / "done").glob("*.report.json")))
    assert 0 < done < 400
    assert records[-1] == {"event": "summary", "done": done, "failed": 0, "waiting": 400 - done}
    assert len(list(folder.glob("*.json"))) == 400 - done
    status = read_status(folder / ".comfyless" / JOURNAL)
    assert (status.waiting, status.running, status.done, status.workers) == (400 - done, 0, done, [])


@pytest.mark.slow
def test_two_watchers_share_a_folder_and_do_nothing_twice(folder: Path, processes: list[Process]) -> None:
    for number in range(40):
        put(folder, f"{number:02}.json", graph(number, filename_prefix=f"{number:02}"))
    processes += [Process(folder, "--once"), Process(folder, "--once")]
    ended = [each.ended() for each in processes]
    assert [code for code, _, _ in ended] == [0, 0]
    names = [each["name"] for _, records, _ in ended for each in records if each["event"] == "job-ended"]
    assert sorted(names) == [f"{number:02}.json" for number in range(40)]
    assert files(folder.parent / "output") == [f"{number:02}_00001_.png" for number in range(40)]
    assert len(files(folder / "done")) == 80


@pytest.mark.slow
def test_a_killed_watch_is_seen_and_the_next_one_finishes(folder: Path, processes: list[Process]) -> None:
    for number in range(60):
        put(folder, f"{number:02}.json", graph(number, filename_prefix=f"{number:02}"))
    processes.append(Process(folder))
    until(lambda: list((folder / "done").glob("*.report.json")))
    alive = read_status(folder / ".comfyless" / JOURNAL)
    assert [(worker.alive, worker.pid, worker.verb) for worker in alive.workers] == [
        (True, processes[0].process.pid, "watch")
    ]
    processes[0].process.kill()
    processes[0].ended()
    assert not any(worker.alive for worker in read_status(folder / ".comfyless" / JOURNAL).workers)
    once(folder)
    assert files(folder.parent / "output") == [f"{number:02}_00001_.png" for number in range(60)]
    assert len(files(folder / "done")) == 120
    with Journal(folder / ".comfyless" / JOURNAL) as journal:
        assert journal.counts()["done"] == 60


@pytest.mark.slow
def test_a_folder_that_goes_away_ends_the_watch_with_its_name(folder: Path, processes: list[Process]) -> None:
    put(folder, "a.json", graph())
    processes.append(Process(folder))
    until(lambda: (folder / "done/a.report.json").exists())
    folder.rename(folder.with_name("elsewhere"))
    code, _, err = processes[0].ended()
    assert code == 1
    assert f"{folder}: the watched folder is gone" in err
    assert "Traceback" not in err
