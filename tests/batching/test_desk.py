"""Batches at work: every row once, whatever stopped the run before, and a line for each."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from engine.batching import batch
from engine.batching.batch import Options, Tally
from engine.batching.manifest import Manifest
from engine.batching.request import Request
from engine.batching.state import BatchFolder
from engine.errors import NotWritten
from engine.working import anywhere
from engine.working.anywhere import Where
from schemas.batch import ManifestLine
from schemas.job import JobEnded, JobStarted
from schemas.report import Event, Saved
from schemas.settings import Settings

GRAPH: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}
LOADING: dict[str, Any] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "good.png"}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}


@dataclass
class Ears:
    """Hears everything; wants to stop when so many rows have ended."""

    enough: int = 1000
    events: list[Event] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def event(self, event: Event, job: int | None = None) -> None:
        self.events.append(event)

    def note(self, said: str) -> None:
        self.notes.append(said)

    def names(self, kind: type[JobEnded] | type[JobStarted]) -> list[str]:
        return [event.name for event in self.events if isinstance(event, kind)]

    def stop(self) -> bool:
        return len([event for event in self.events if isinstance(event, JobEnded)]) >= self.enough


@dataclass
class Bench:
    """One batch in a folder, run as often as a test likes."""

    folder: Path
    settings: Settings

    def run(self, grids: list[str], ears: Ears | None = None, graph: Any = GRAPH, **options: Any) -> Tally:
        ears = ears or Ears()
        request = Request(json.dumps(graph).encode(), "graph.json", grids=grids)
        base = request.base(self.settings)
        folder = request.folder(request.combination(base), self.settings.output)
        with batch.opened(folder, base, self.settings) as opened:
            return batch.work(opened, Options(**options), ears, ears.stop)

    @property
    def pictures(self) -> list[str]:
        return sorted(path.name for path in self.settings.output.glob("*.png"))

    @property
    def batch(self) -> BatchFolder:
        (path,) = self.settings.output.glob("batches/graph-*")
        return BatchFolder(path)

    @property
    def lines(self) -> list[ManifestLine]:
        return sorted(Manifest(self.batch.path).read(), key=lambda line: line.row)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    for name in ("input", "output"):
        (tmp_path / name).mkdir()
    settings = Settings(
        input=tmp_path / "input", output=tmp_path / "output", temp=tmp_path / "temp", cache="off", device="cpu"
    )
    return Bench(tmp_path, settings)


@pytest.fixture
def pictures(bench: Bench) -> Callable[[], None]:
    """Three pictures to load, the second one damaged; called, mends it."""
    from PIL import Image

    for name in ("good", "bad", "fine"):
        Image.new("RGB", (8, 8)).save(bench.settings.input / f"{name}.png")
    whole = (bench.settings.input / "bad.png").read_bytes()
    (bench.settings.input / "bad.png").write_bytes(whole[:40])
    return lambda: (bench.settings.input / "bad.png").write_bytes(whole) and None


def test_every_row_makes_its_picture_and_its_line(bench: Bench) -> None:
    tally = bench.run(["1.color=0..2", "1.width=8,16"])
    assert tally == Tally(done=6, failed=0, waiting=0, before=0)
    assert len(bench.pictures) == 6
    assert [line.row for line in bench.lines] == [1, 2, 3, 4, 5, 6]
    assert bench.lines[3].settings == {"1.color": "1", "1.width": "16"}
    assert {line.attempts for line in bench.lines} == {1}
    assert all(line.state == "done" and Path(line.outputs[0]).is_file() and line.hashes[0] for line in bench.lines)
    assert (bench.batch.path / "contact_sheet.png").is_file()


def test_a_picture_carries_the_graph_of_its_row(bench: Bench) -> None:
    from PIL import Image

    bench.run(["1.color=5,6"])
    for line, colour in zip(bench.lines, (5, 6), strict=True):
        with Image.open(line.outputs[0]) as picture:
            assert json.loads(picture.info["prompt"])["1"]["inputs"]["color"] == colour


def test_the_same_batch_again_runs_nothing(bench: Bench) -> None:
    bench.run(["1.color=0..2"])
    again = Ears()
    assert bench.run(["1.color=0..2"], again) == Tally(done=3, failed=0, waiting=0, before=3)
    assert again.events == []
    assert len(bench.pictures) == 3


def test_a_stopped_batch_goes_on_where_it_was(bench: Bench) -> None:
    first, second = Ears(enough=3), Ears()
    tally = bench.run(["1.color=0..9"], first)
    assert 3 <= tally.done < 10
    assert tally.waiting == 10 - tally.done
    assert not (bench.batch.path / "contact_sheet.png").exists()
    assert bench.run(["1.color=0..9"], second) == Tally(done=10, failed=0, waiting=0, before=tally.done)
    assert len(second.names(JobStarted)) == 10 - tally.done
    assert len(bench.pictures) == 10
    assert [line.row for line in bench.lines] == list(range(1, 11))
    assert not (bench.batch.path / "staging").exists()


def test_a_row_that_fails_stops_no_other_and_runs_again_next_time(bench: Bench, pictures: Callable[[], None]) -> None:
    grids = ["1.image=good.png,bad.png,fine.png"]
    assert bench.run(grids, graph=LOADING) == Tally(done=2, failed=1, waiting=0, before=0)
    assert [line.state for line in bench.lines] == ["done", "failed", "done"]
    assert "bad.png" in (bench.lines[1].error or "")
    pictures()
    again = Ears()
    assert bench.run(grids, again, graph=LOADING) == Tally(done=3, failed=0, waiting=0, before=2)
    assert again.names(JobStarted) == ["row-000002"]
    assert [line.state for line in bench.lines] == ["done"] * 3
    assert len(bench.pictures) == 3


def test_a_row_that_fails_is_tried_as_often_as_wanted(bench: Bench, pictures: Callable[[], None]) -> None:
    ears = Ears()
    assert bench.run(["1.image=bad.png"], ears, graph=LOADING, retries=2).failed == 1
    assert [event.attempt for event in ears.events if isinstance(event, JobStarted)] == [1, 2, 3]
    assert [line.attempts for line in bench.lines] == [3]


@pytest.mark.parametrize("wave", [1, 16])
def test_fail_fast_begins_nothing_after_a_failure(
    bench: Bench, pictures: Callable[[], None], monkeypatch: pytest.MonkeyPatch, wave: int
) -> None:
    monkeypatch.setattr(batch, "WAVE", wave)
    ears = Ears()
    tally = bench.run(["1.image=good.png,bad.png,fine.png"], ears, graph=LOADING, fail_fast=True)
    assert tally == Tally(done=1, failed=1, waiting=1, before=0)
    assert bench.pictures == ["x_00001_.png"]
    assert ("row-000003" in ears.names(JobStarted)) == (wave > 1)
    assert (bench.batch.path / "contact_sheet.png").exists()


def test_where_a_draft_was_written_is_not_told(bench: Bench) -> None:
    ears = Ears()
    bench.run(["1.color=0..2"], ears)
    assert not any(isinstance(event, Saved) for event in ears.events)


def test_a_torn_manifest_is_mended_from_the_journal(bench: Bench) -> None:
    bench.run(["1.color=0..2"])
    before = bench.lines
    file = bench.batch.path / "manifest.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    (bench.batch.path / "manifest.csv").unlink()
    bench.run(["1.color=0..2"])
    assert bench.lines == before
    assert len((bench.batch.path / "manifest.csv").read_text().splitlines()) == 4


def test_what_rows_share_is_done_once(bench: Bench) -> None:
    ears = Ears()
    bench.run(["3.filename_prefix=a,b,c"], ears)
    ran = [event for event in ears.events if event.event == "step-done" and event.as_json()["state"] == "run"]
    assert sorted(event.as_json()["class_type"] for event in ran) == [
        *["EmptyImage", "ImageInvert", "SaveImage", "SaveImage", "SaveImage"]
    ]


def test_a_contact_sheet_that_lacks_the_last_rows_is_drawn_anew(
    bench: Bench, pictures: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run(["1.image=good.png,bad.png"], graph=LOADING)
    sheet = bench.batch.path / "contact_sheet.png"
    before = sheet.read_bytes()
    pictures()
    with monkeypatch.context() as patch:
        patch.setattr(batch, "_draw", Mock(side_effect=KeyboardInterrupt))  # killed when all rows were done
        with pytest.raises(KeyboardInterrupt):
            bench.run(["1.image=good.png,bad.png"], graph=LOADING)
    assert sheet.read_bytes() == before
    assert bench.run(["1.image=good.png,bad.png"], graph=LOADING).before == 2
    assert sheet.read_bytes() != before


def test_no_more_workers_start_than_rows_are_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Mock()
    monkeypatch.setattr(anywhere, "run", run)
    assert bench.run(["1.color=0..2"], where=Where(200)).waiting == 3
    assert run.call_args.args[2] == Where(3)


def test_a_disk_that_takes_no_manifest_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "rebuild", Mock(side_effect=OSError(28, "No space left on device")))
        with pytest.raises(NotWritten, match="the manifest cannot be written: No space left on device"):
            bench.run(["1.color=0..2"])
    assert bench.run(["1.color=0..2"]).done == 3


def test_a_contact_sheet_is_drawn_if_it_is_wanted_or_was_lost(bench: Bench) -> None:
    bench.run(["1.color=0..2"], sheet=False)
    sheet = bench.batch.path / "contact_sheet.png"
    assert not sheet.exists()
    bench.run(["1.color=0..2"])
    assert sheet.is_file()


@pytest.mark.parametrize(
    ("given", "rows", "where", "wanted"),
    [
        ({}, 100, Where(), 16),
        ({"ram": 2**30}, 1000, Where(), 256),
        ({}, 100, Where(10), 5),
        ({}, 3, Where(8), 1),
        ({}, 10**6, Where(2), 16),
        ({}, 64, Where(0, "auto"), 2),
        ({}, 64, Where(2, "auto"), 16),
    ],
)
def test_more_rows_run_together_where_models_may_have_to_leave(
    given: dict[str, Any], rows: int, where: Where, wanted: int
) -> None:
    assert batch.wave(Settings(device="cpu", **given), rows, where) == wanted
