"""Lookout: what arrives is queued in the background, woken by the system or by time alone."""

import errno
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.journal.journal import Journal, NewJob
from engine.watching import lookout as lookouts
from engine.watching.arrivals import Arrival, Arrivals
from engine.watching.lookout import Lookout
from engine.watching.waking import Waker
from engine.whole_files import stamp_of

GRAPH = '{"1": {"class_type": "EmptyImage", "inputs": {}}}'
LONG = 20.0
"""Seconds that nothing takes unless it hangs."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


class Kit:
    """A lookout over a folder, and what it said."""

    def __init__(self, folder: Path, journal: Journal, polling: bool, every: float) -> None:
        self.notes: list[str] = []
        self.arrivals = Arrivals(folder, settle=0.1, note=self.notes.append)
        waker = Waker(polling=polling, note=self.notes.append)
        self.lookout = Lookout(self.arrivals, waker, journal, every=every, note=self.notes.append)


@pytest.fixture(params=["events", "polling"])
def kit(request: pytest.FixtureRequest, folder: Path, journal: Journal) -> Iterator[Kit]:
    polling = request.param == "polling"
    kit = Kit(folder, journal, polling, every=0.05 if polling else LONG)
    with kit.lookout:
        yield kit


def names(journal: Journal) -> list[str]:
    return [job.name for job in journal.jobs()]


def test_what_arrives_is_queued_with_its_stamp(kit: Kit, folder: Path, journal: Journal) -> None:
    assert kit.lookout.empty(LONG)
    (folder / "a.json").write_text(GRAPH)
    assert kit.lookout.wait(LONG)
    (job,) = journal.jobs("waiting")
    assert (job.name, job.group) == ("a.json", "")
    assert json.loads(job.payload) == {"stamp": stamp_of((folder / "a.json").stat())}


def test_a_subfolder_moved_in_is_looked_into(kit: Kit, folder: Path, journal: Journal) -> None:
    assert kit.lookout.empty(LONG)
    away = folder.parent / "away"
    (away / "deep").mkdir(parents=True)
    (away / "deep" / "a.json").write_text(GRAPH)
    away.rename(folder / "sub")
    assert kit.lookout.wait(LONG)
    assert names(journal) == ["sub/deep/a.json"]


def test_an_unfinished_file_is_no_empty_folder(kit: Kit, folder: Path) -> None:
    (folder / "a.json").write_text("{")
    assert not kit.lookout.empty(LONG)
    assert kit.lookout.wait(LONG)
    assert kit.lookout.empty(LONG)


def test_a_forgotten_file_that_stands_there_is_queued_again(kit: Kit, folder: Path, journal: Journal) -> None:
    (folder / "a.json").write_text(GRAPH)
    assert kit.lookout.wait(LONG)
    (job,) = journal.take()
    journal.drop(job.id)
    kit.lookout.forget("a.json")
    assert kit.lookout.wait(LONG)
    assert names(journal) == ["a.json"]


def test_files_that_are_put_away_cause_no_look(folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look reads the state of all files that wait: one for each job would slow down the work."""
    (folder / "a.json").write_text(GRAPH)
    (folder / "done").mkdir()
    kit = Kit(folder, journal, polling=False, every=LONG)
    with kit.lookout:
        assert kit.lookout.wait(LONG)
        while not kit.lookout.empty(LONG):
            pass
        time.sleep(0.1)  # until what was heard of before has been looked for
        looks: list[float] = []
        monkeypatch.setattr(kit.arrivals, "look", lambda: looks.append(time.monotonic()) or [])
        os.link(folder / "a.json", folder / "done" / "a.json")  # as it is put away, without writing over another one
        (folder / "a.json").unlink()
        kit.lookout.forget("a.json")
        time.sleep(0.2)
        assert looks == []
        assert not kit.arrivals.given()


def test_a_file_whose_job_another_watcher_dropped_is_queued_again(
    kit: Kit, folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookouts, "RECONCILED", 0.0)
    (folder / "a.json").write_text(GRAPH)
    assert kit.lookout.wait(LONG)
    (job,) = journal.take()
    journal.drop(job.id)
    (folder / "b.json").write_text(GRAPH)
    while len(names(journal)) < 2:
        assert kit.lookout.wait(LONG)
    assert sorted(names(journal)) == ["a.json", "b.json"]


def test_a_folder_that_goes_away_ends_the_wait_with_its_name(kit: Kit, folder: Path) -> None:
    assert kit.lookout.empty(LONG)
    folder.rename(folder.parent / "elsewhere")
    with pytest.raises(FileNotFoundError, match="the watched folder is gone") as raised:
        kit.lookout.empty(LONG)
    assert raised.value.filename == str(folder)


def test_a_journal_that_cannot_be_written_is_tried_again(
    folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookouts, "BACKOFF", 0.01)
    add, trouble = journal.add, iter([True, True, False])

    def full(jobs: list[NewJob]) -> list[int]:
        if next(trouble, False):
            raise sqlite3.OperationalError("database or disk is full")
        return add(jobs)

    monkeypatch.setattr(journal, "add", full)
    kit = Kit(folder, journal, polling=True, every=0.01)
    (folder / "a.json").write_text(GRAPH)
    with kit.lookout:
        assert kit.lookout.wait(LONG)
    assert names(journal) == ["a.json"]
    assert kit.notes == ["the journal cannot be written: database or disk is full; trying again"]


def test_a_folder_that_is_away_for_a_moment_is_tried_again(
    folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookouts, "BACKOFF", 0.01)
    kit = Kit(folder, journal, polling=True, every=0.01)
    look, trouble = kit.arrivals.look, iter([False, True, True])

    def away() -> list[Arrival]:
        if next(trouble, False):
            raise OSError(errno.EIO, "Input/output error")
        return look()

    monkeypatch.setattr(kit.arrivals, "look", away)
    with kit.lookout:
        assert kit.lookout.empty(LONG)
        (folder / "a.json").write_text(GRAPH)
        assert kit.lookout.wait(LONG)
    assert kit.notes == [f"{folder} cannot be looked into: Input/output error; trying again"]


def test_a_folder_that_can_never_be_looked_into_ends_the_watch(
    folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = Kit(folder, journal, polling=True, every=0.01)

    def locked() -> list[Arrival]:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(kit.arrivals, "look", locked)
    with kit.lookout, pytest.raises(PermissionError):
        kit.lookout.wait(LONG)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no open file")
def test_a_journal_that_is_removed_ends_the_watch(folder: Path, journal: Journal) -> None:
    kit = Kit(folder, journal, polling=True, every=0.01)
    with kit.lookout:
        assert kit.lookout.empty(LONG)
        journal.path.unlink()
        with pytest.raises(FileNotFoundError, match="the journal was removed"):
            kit.lookout.wait(LONG)


def test_the_pause_after_trouble_is_not_taken_for_a_long_look(
    folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookouts, "BACKOFF", 0.1)
    monkeypatch.setattr(lookouts, "SHARE", LONG / 0.1)
    kit = Kit(folder, journal, polling=True, every=0.01)
    add, trouble = journal.add, iter([True])

    def full(jobs: list[NewJob]) -> list[int]:
        if next(trouble, False):
            raise sqlite3.OperationalError("database or disk is full")
        return add(jobs)

    monkeypatch.setattr(journal, "add", full)
    (folder / "a.json").write_text(GRAPH)
    with kit.lookout:
        assert kit.lookout.wait(LONG / 2)


def test_where_the_system_tells_of_no_changes_it_says_so_and_looks(
    folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    kit = Kit(folder, journal, polling=False, every=0.05)
    monkeypatch.setattr(kit.lookout._waker._observer, "schedule", refuse)
    with ExitStack() as stack:
        stack.enter_context(kit.lookout)
        (folder / "a.json").write_text(GRAPH)
        assert kit.lookout.wait(LONG)
    assert "inotify watch limit reached" in kit.notes[0]


def test_no_thread_is_left(folder: Path, journal: Journal) -> None:
    before = set(threading.enumerate())
    with Kit(folder, journal, polling=False, every=LONG).lookout:
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before
