"""What a job has made gets its place once, wherever a process dies on the way."""

import errno
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from itertools import count
from pathlib import Path

import pytest

from engine.errors import NotWritten
from engine.running.outputs import Kind
from engine.working.placing import Counters, place
from schemas.job import Draft, Move, Outcome
from schemas.report import Problem, RunReport, StepReport
from tests.working.crashing import Killed, half_written, killed_after


class House:
    """A folder with an output folder, a staging folder with three drafts, and a graph; and a journal of one line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.roots: Mapping[Kind, Path] = {"output": folder / "output", "temp": folder / "temp"}
        (folder / "staging" / "1-1").mkdir(parents=True)
        (folder / "in").mkdir()
        (folder / "in" / "a.json").write_text("graph")
        drafts = [self.draft(1, "x"), self.draft(2, "x"), self.draft(3, "sub/y", "temp")]
        paths = [draft.file for draft in drafts]
        self.outcome = Outcome(
            report=RunReport(file="a.json", status="done", outputs={"9": paths[:2], "10": paths[2:]}),
            drafts=drafts,
            staging=str(folder / "staging" / "1-1"),
            report_file=str(folder / "done" / "a.report.json"),
            move=Move(source=str(folder / "in" / "a.json"), target=str(folder / "done" / "a.json"), stamp=self.stamp()),
            seconds=1.25,
        )
        self.journal = ""
        self.changed(self.outcome)

    def draft(self, number: int, name: str, kind: Kind = "output") -> Draft:
        path = self.folder / "staging" / "1-1" / f"{number:05}.png"
        path.write_bytes(b"picture %d" % number)
        return Draft(file=str(path), node="9", name=name, kind=kind)

    def stamp(self) -> str:
        found = (self.folder / "in" / "a.json").stat()
        return f"{found.st_size} {found.st_mtime_ns} {found.st_ino}"

    def changed(self, outcome: Outcome) -> None:
        self.journal = outcome.model_dump_json()

    def place(self) -> RunReport:
        """As the next process does it: with what the journal says."""
        return place(Outcome.model_validate_json(self.journal), self.roots, self.changed)

    def files(self) -> dict[str, str]:
        """Every file there is, with its content; reports by their status."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                told = path.name.endswith(".report.json")
                found[path.relative_to(self.folder).as_posix()] = "report" if told else path.read_text()
        return found


PLACED = {
    "done/a.json": "graph",
    "done/a.report.json": "report",
    "output/x_00001_.png": "picture 1",
    "output/x_00002_.png": "picture 2",
    "temp/sub/y_00001_.png": "picture 3",
}


def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on exFAT."""

    def link(source: str, target: str) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)


def other_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if staging, the watched folder, and the rest lay on three disks."""
    link, replace = os.link, os.replace

    def crosses(source: object, target: object) -> bool:
        sides = [next((part for part in Path(str(path)).parts if part in ("staging", "in")), "") for path in
                 (source, target)]  # fmt: skip
        return sides[0] != sides[1]

    def guarded(act: Callable[..., None]) -> Callable[..., None]:
        def acting(source: object, target: object) -> None:
            if crosses(source, target):
                raise OSError(errno.EXDEV, "another disk")
            act(source, target)

        return acting

    monkeypatch.setattr(os, "link", guarded(link))
    monkeypatch.setattr(os, "replace", guarded(replace))


def other_disk_without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both."""
    other_disk(monkeypatch)
    no_links(monkeypatch)


def all_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on any disk of today."""


DISKS = pytest.mark.parametrize("disk", [all_links, no_links, other_disk, other_disk_without_links])


@DISKS
def test_pictures_report_and_graph_get_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Callable[[pytest.MonkeyPatch], None]
) -> None:
    disk(monkeypatch)
    house = House(tmp_path)
    report = house.place()
    assert house.files() == PLACED
    assert report.outputs == {
        "9": [str(tmp_path / "output/x_00001_.png"), str(tmp_path / "output/x_00002_.png")],
        "10": [str(tmp_path / "temp/sub/y_00001_.png")],
    }
    told = json.loads((tmp_path / "done/a.report.json").read_text())
    assert told == report.model_dump(mode="json") | {"seconds": 1.25}
    assert not (tmp_path / "staging/1-1").exists()


@DISKS
def test_a_crash_before_any_change_of_the_disk_is_made_good_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Callable[[pytest.MonkeyPatch], None]
) -> None:
    disk(monkeypatch)
    monkeypatch.setattr("engine.working.settling.CLAIM_SECONDS", 0.001)
    for changes in count():
        folder = tmp_path / str(changes)
        house = House(folder)
        try:
            with killed_after(changes, str(folder)):
                house.place()
        except Killed:
            house.place()
            assert house.files() == PLACED, changes
            house.place()  # died before the journal heard that it is over
            assert house.files() == PLACED, changes
            continue
        assert changes > 12
        return


@DISKS
def test_two_crashes_in_a_row_are_made_good_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Callable[[pytest.MonkeyPatch], None]
) -> None:
    disk(monkeypatch)
    monkeypatch.setattr("engine.working.settling.CLAIM_SECONDS", 0.001)
    for first in range(4, 28, 3):
        for second in range(0, 12, 2):
            folder = tmp_path / f"{first}-{second}"
            house = House(folder)
            for changes in (first, second):
                try:
                    with killed_after(changes, str(folder)):
                        house.place()
                except Killed:
                    pass
            house.place()
            assert house.files() == PLACED, (first, second)


def test_a_half_written_report_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path)
    with monkeypatch.context() as patched:
        half_written(patched)
        with pytest.raises(Killed):
            house.place()
    house.place()
    assert house.files() == PLACED


def test_the_journal_knows_every_name_before_a_file_has_it(tmp_path: Path) -> None:
    house = House(tmp_path)
    names: list[list[str | None]] = []

    def changed(outcome: Outcome) -> None:
        names.append([draft.final for draft in outcome.drafts])
        assert not list(tmp_path.rglob("*_.png"))

    place(house.outcome, house.roots, changed)
    assert names == [[str(tmp_path / name) for name in PLACED if name.endswith("png")]]


def test_a_name_that_is_taken_meanwhile_is_left_to_who_took_it(tmp_path: Path) -> None:
    house = House(tmp_path)
    theirs = tmp_path / "output/x_00001_.png"

    def changed(outcome: Outcome) -> None:
        house.changed(outcome)
        if not theirs.exists():
            theirs.write_text("theirs")

    report = place(house.outcome, house.roots, changed)
    assert theirs.read_text() == "theirs"
    assert [Path(path).name for path in report.outputs["9"]] == ["x_00002_.png", "x_00003_.png"]
    assert house.files()["output/x_00002_.png"] == "picture 1"


def test_a_name_taken_while_nobody_ran_is_left_too(tmp_path: Path) -> None:
    house = House(tmp_path)
    with pytest.raises(Killed), killed_after(2, str(tmp_path)):  # two folders made, names chosen, nothing linked
        house.place()
    assert "x_00001_" in house.journal
    (tmp_path / "output/x_00001_.png").write_text("theirs")
    house.place()
    assert (tmp_path / "output/x_00001_.png").read_text() == "theirs"
    assert sorted(path.read_text() for path in (tmp_path / "output").iterdir()) == ["picture 1", "picture 2", "theirs"]


def test_a_picture_that_was_placed_and_taken_away_is_not_missed(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.place()
    (tmp_path / "output/x_00001_.png").unlink()
    (tmp_path / "done/a.json").unlink()
    house.place()
    assert set(house.files()) == set(PLACED) - {"output/x_00001_.png", "done/a.json"}


def test_a_draft_that_is_gone_before_it_had_a_name_is_told(tmp_path: Path) -> None:
    house = House(tmp_path)
    Path(house.outcome.drafts[1].file).unlink()
    with pytest.raises(NotWritten, match="was removed before it got its name"):
        house.place()


def test_a_new_graph_under_the_old_name_stays_where_it_is(tmp_path: Path) -> None:
    house = House(tmp_path)
    (tmp_path / "in/a.json").unlink()
    (tmp_path / "in/a.json").write_text("another graph")
    house.place()
    assert (tmp_path / "in/a.json").read_text() == "another graph"
    assert not (tmp_path / "done/a.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows links need a privilege")
def test_a_link_still_leads_to_its_file_when_it_was_moved_whenever_its_mover_dies(tmp_path: Path) -> None:
    for operations in count(1):
        house, killed = House(tmp_path / str(operations)), False
        link = house.folder / "in" / "a.json"
        link.rename(house.folder / "in" / "kept.json")
        link.symlink_to("kept.json")
        try:
            with killed_after(operations, str(house.folder)):
                house.place()
        except Killed:
            killed = True
        house.place()
        assert (house.folder / "done" / "a.json").samefile(house.folder / "in" / "kept.json")
        assert not [path for path in house.folder.rglob("*") if path.name.endswith(".part")]
        if not killed:
            return


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_a_new_graph_that_comes_while_the_old_one_is_moved_stays_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool, killed: bool
) -> None:
    house, rename = House(tmp_path), os.rename

    def late(source: Path, target: Path) -> None:
        """Its writer is a little faster, and perhaps writes once more behind our back."""
        (tmp_path / "new").write_text("another graph")
        os.replace(tmp_path / "new", source)
        rename(source, target)
        if again:
            source.write_text("a third graph")
        if killed:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", late)
        with pytest.raises(Killed) if killed else nullcontext():
            house.place()
    house.place()
    assert house.files() == {path: text for path, text in PLACED.items() if path != "done/a.json"} | {
        "in/a.json": "a third graph" if again else "another graph"
    }


@pytest.mark.parametrize("taken", ["a.json", "a.report.json"])
def test_graph_and_report_get_one_new_number_if_a_name_is_taken(tmp_path: Path, taken: str) -> None:
    house = House(tmp_path)
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / taken).write_text("of last week")
    house.place()
    assert {path.name for path in (tmp_path / "done").iterdir()} == {taken, "a-2.json", "a-2.report.json"}
    assert (tmp_path / "done" / taken).read_text() == "of last week"


def test_a_report_whose_name_would_be_too_long_is_cut(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.outcome.report_file = str(tmp_path / "done" / ("ä" * 127 + ".report.json"))
    place(house.outcome, house.roots, house.changed)
    assert any(path.name.endswith("ä.report.json") for path in (tmp_path / "done").iterdir())


def test_a_full_disk_is_told_and_the_next_try_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path)

    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", full)
        with pytest.raises(OSError, match="no space left"):
            house.place()
    house.place()
    assert house.files() == PLACED


def test_counters_are_looked_up_once_for_many_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[object] = []
    listing = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(path) or listing(path))
    counters = Counters()
    for number in range(1, 4):
        house = House(tmp_path / str(number))
        house.roots = {"output": tmp_path / "output", "temp": tmp_path / "temp"}
        place(house.outcome, house.roots, house.changed, counters)
    assert len([path for path in listed if "staging" not in str(path)]) == 2
    assert [path.name for path in sorted((tmp_path / "output").iterdir())] == [f"x_{n:05}_.png" for n in range(1, 7)]


def test_the_note_of_a_failure_says_where_why_and_what_to_do(tmp_path: Path) -> None:
    house = House(tmp_path)
    problem = Problem(
        code="unknown-choice", node="3", class_type="KSampler", title="Draw", field="sampler_name",
        said="no choice 'eular'.", fix="Did you mean 'euler'?",
    )  # fmt: skip
    outcome = house.outcome
    outcome.report = RunReport(
        file="a.json", status="failed", error="node 3 KSampler failed: too hot", failed_node="3", problems=[problem],
        steps=[StepReport(node=node, class_type="K", state=state) for node, state in (("1", "run"), ("3", "skipped"))],
    )  # fmt: skip
    outcome.failure = "Traceback (most recent call last):\n  File …"
    outcome.error_file = str(tmp_path / "failed/a.error.txt")
    place(outcome, house.roots, house.changed)
    assert (tmp_path / "failed/a.error.txt").read_text() == (
        "a.json failed.\n\n"
        "node 3 KSampler failed: too hot\n"
        "Node 3, a K, failed after 1 of 2 steps.\n"
        "- node 3 KSampler ('Draw'), sampler_name: no choice 'eular'.\n"
        "  Did you mean 'euler'?  [unknown-choice]\n\n"
        f"The graph is a.json in {tmp_path / 'done'}. To run it again, move it to {tmp_path / 'in/a.json'}.\n\n"
        "Traceback (most recent call last):\n  File …\n"
    )
