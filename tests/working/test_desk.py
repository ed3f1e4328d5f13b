"""Each job of a journal is run to its end once, whoever dies on the way and whatever the disk says."""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.errors import GraphInvalid, NotWritten
from engine.journal.journal import Job, Journal, NewJob
from engine.working import waiting
from engine.working.desk import Desk, Vanished
from schemas.job import Draft, JobEnded, JobOrder, JobResult, JobStarted, Move, Outcome, Waits
from schemas.prompt import Prompt
from schemas.report import Event, Problem, RunReport, Saved, StepStarted
from schemas.workflow import Workflow
from tests.working.crashing import Killed, killed_after


class FolderDesk(Desk):
    """A desk whose jobs are files of a folder, moved away when they are over."""

    def __init__(self, journal: Journal, folder: Path, **more: Any) -> None:
        self.told: list[Event] = []
        self.over: list[tuple[str, list[str], bool]] = []
        roots = {"output": folder / "output", "temp": folder / "temp"}
        kept = {"tell": lambda event, job: self.told.append(event)} | more
        super().__init__(journal, folder / "state", roots, **kept)  # type: ignore[arg-type]
        self._home = folder

    def workflow_of(self, job: Job) -> Workflow:
        if job.payload == "gone":
            raise Vanished
        if job.payload == "bad":
            raise GraphInvalid([Problem(code="no-output", said="nothing is saved.", fix="Save something.")])
        if job.payload == "odd":
            raise RecursionError("too deep")
        return Workflow(name=job.name, form="api", prompt=Prompt(nodes={}))

    def outcome_of(self, job: Job, result: JobResult) -> Outcome:
        done = result.report.status == "done"
        place = self._home / ("done" if done else "failed")
        return Outcome(
            report=result.report,
            drafts=result.drafts,
            report_file=str(place / f"{job.name}.report.json"),
            error_file=None if done else str(place / f"{job.name}.error.txt"),
            move=Move(source=str(self._home / "in" / job.name), target=str(place / job.name)),
            seconds=result.seconds,
            failure=result.failure,
        )

    def more(self, wait: float) -> bool:
        return False

    def ended(self, job: Job, report: RunReport, seconds: float, failed: bool) -> None:
        self.over.append((job.name, [Path(path).name for paths in report.outputs.values() for path in paths], failed))


Opened = Callable[..., FolderDesk]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens one more journal and desk on the folder, as another process would."""
    journals: list[Journal] = []

    def open_one(**more: Any) -> FolderDesk:
        journals.append(Journal(tmp_path / "state" / "journal.sqlite"))
        return FolderDesk(journals[-1], tmp_path, **more)

    yield open_one
    for journal in journals:
        journal.close()


def queue(desk: FolderDesk, *jobs: str | tuple[str, str]) -> None:
    folder = desk._home / "in"
    folder.mkdir(exist_ok=True)
    listed = [job if isinstance(job, tuple) else (job, "") for job in jobs]
    for name, _ in listed:
        (folder / name).write_text("graph")
    desk._journal.add([NewJob(name, payload) for name, payload in listed])


def drawn(order: JobOrder, status: Any = "done", **more: Any) -> JobResult:
    """What a worker brings that has drawn one picture."""
    folder = Path(order.staging)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "00001.png"
    path.write_bytes(b"picture of " + order.workflow.name.encode())
    report = RunReport(file=order.workflow.name, status=status, outputs={"9": [str(path)]})
    report.error = None if status == "done" else "node 3 failed: too hot\nand more"
    draft = Draft(file=str(path), node="9", name="x")
    return JobResult(job=order.job, report=report, drafts=[draft], seconds=0.5, **more)


def taken(desk: FolderDesk) -> Sequence[JobOrder]:
    orders = desk.take(frozenset(), 0)
    assert orders is not None
    return orders


def states(desk: FolderDesk) -> dict[str, str]:
    return {job.name: job.state for job in desk._journal.jobs()}


def pictures(folder: Path) -> list[str]:
    return sorted(path.read_text() for path in (folder / "output").glob("*.png"))


def drafts(folder: Path) -> list[Path]:
    return [path for path in (folder / "state" / "staging").rglob("*") if path.is_file()]


def dies(desk: FolderDesk) -> None:
    """The process is gone; the system gives its lock back."""
    desk._journal.close()


def test_a_job_that_has_run_is_put_in_its_places_and_ended(opened: Opened, tmp_path: Path) -> None:
    desk = opened()
    queue(desk, "a", "b")
    orders = taken(desk)
    assert [order.workflow.name for order in orders] == ["a", "b"]
    assert not list(tmp_path.glob("output/*"))
    for order in orders:
        desk.done(drawn(order))
    assert states(desk) == {"a": "done", "b": "done"}
    assert pictures(tmp_path) == ["picture of a", "picture of b"]
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["a", "a.report.json", "b", "b.report.json"]
    assert desk.over == [("a", ["x_00001_.png"], False), ("b", ["x_00002_.png"], False)]
    assert desk.summary == (2, 0, 0)
    assert [event.event for event in desk.told] == ["job-started", "job-started", "job-ended", "job-ended"]
    assert desk.take(frozenset(), 0) is None
    desk.close()
    assert not (tmp_path / "state" / "staging").exists()


def test_a_desk_without_jobs_removes_the_folder_that_a_dead_one_left(opened: Opened, tmp_path: Path) -> None:
    dead = opened()
    queue(dead, "a")
    dead.done(drawn(*taken(dead)))
    dead._journal.close()  # killed before it closed
    assert (tmp_path / "state" / "staging").exists()
    desk = opened()
    assert desk.take(frozenset(), 0) is None
    desk.close()
    assert not (tmp_path / "state" / "staging").exists()


def test_what_cannot_run_fails_at_once_and_what_went_away_is_forgotten(opened: Opened, tmp_path: Path) -> None:
    desk = opened(retries=5)
    queue(desk, ("a", "bad"), ("b", "gone"), ("c", "odd"), "d")
    assert [order.workflow.name for order in taken(desk)] == ["d"]
    assert states(desk) == {"a": "failed", "c": "failed", "d": "running"}
    assert "nothing is saved." in (tmp_path / "failed" / "a.error.txt").read_text()
    said = (tmp_path / "failed" / "c.error.txt").read_text()
    assert "internal error: RecursionError: too deep" in said
    assert "Traceback" in said


def test_a_failed_job_runs_again_as_often_as_wanted(opened: Opened, tmp_path: Path) -> None:
    desk = opened(retries=1)
    queue(desk, "a")
    desk.done(drawn(taken(desk)[0], "failed"))
    assert states(desk) == {"a": "waiting"}
    assert drafts(tmp_path) == []
    desk.done(drawn(taken(desk)[0], "failed", failure="Traceback: there"))
    assert states(desk) == {"a": "failed"}
    assert [event.attempt for event in desk.told if isinstance(event, JobStarted)] == [1, 2]
    assert [event.state for event in desk.told if isinstance(event, JobEnded)] == ["waiting", "failed"]
    assert desk._journal.jobs("failed")[0].error == "node 3 failed: too hot"
    assert "Traceback: there" in (tmp_path / "failed" / "a.error.txt").read_text()
    assert pictures(tmp_path) == ["picture of a"]  # drawn before the failure, and nobody will draw it again


def test_what_is_invalid_is_never_run_again(opened: Opened) -> None:
    desk = opened(retries=5)
    queue(desk, "a")
    desk.done(drawn(taken(desk)[0], "invalid"))
    assert states(desk) == {"a": "failed"}


def test_an_interrupted_job_waits_again_as_if_it_had_not_been_begun(opened: Opened, tmp_path: Path) -> None:
    desk = opened()
    queue(desk, "a")
    desk.done(drawn(taken(desk)[0], "interrupted"))
    (job,) = desk._journal.jobs()
    assert (job.state, job.attempts, drafts(tmp_path)) == ("waiting", 0, [])


def test_closing_lets_everything_claimed_wait_again(opened: Opened, tmp_path: Path) -> None:
    desk = opened()
    queue(desk, "a", "b")
    drawn(taken(desk)[0])
    desk.close()
    assert [(job.state, job.attempts) for job in desk._journal.jobs()] == [("waiting", 0), ("waiting", 0)]
    assert drafts(tmp_path) == []


def test_after_the_first_failure_a_fast_desk_has_no_more(opened: Opened) -> None:
    desk = opened(wave=1, fail_fast=True)
    queue(desk, "a", "b")
    desk.done(drawn(taken(desk)[0], "failed"))
    assert desk.take(frozenset(), 0) is None
    assert states(desk) == {"a": "failed", "b": "waiting"}


def test_there_may_be_more_as_long_as_a_job_runs(opened: Opened) -> None:
    desk = opened()
    queue(desk, "a")
    (order,) = taken(desk)
    assert desk.take(frozenset(), 0) == ()
    desk.done(drawn(order))
    assert desk.take(frozenset(), 0) is None


def test_warm_groups_come_first_and_the_order_names_its_group(opened: Opened) -> None:
    desk = opened(wave=1)
    desk._journal.add([NewJob("a", group="cold"), NewJob("b", group="warm")])
    assert [(order.workflow.name, order.group) for order in desk.take(frozenset({"warm"}), 0) or ()] == [("b", "warm")]


def test_events_are_passed_on_but_not_that_a_draft_was_saved(opened: Opened) -> None:
    desk = opened()
    step = StepStarted("step-started", "1", "A", None, 1, 1)
    desk.event(1, step)
    desk.event(1, Saved("saved", "1", "draft"))
    assert desk.told == [step]


def test_a_running_job_of_the_dead_is_run_again_and_its_drafts_are_thrown_away(opened: Opened, tmp_path: Path) -> None:
    first = opened()
    queue(first, "a")
    drawn(taken(first)[0])
    dies(first)
    second = opened()
    (order,) = taken(second)
    assert drafts(tmp_path) == []
    second.done(drawn(order))
    assert pictures(tmp_path) == ["picture of a"]


def test_drafts_of_another_journals_living_job_of_the_same_number_are_left_alone(
    opened: Opened, tmp_path: Path
) -> None:
    first = opened()
    queue(first, "a")
    drawn(taken(first)[0])
    dies(first)
    with Journal(tmp_path / "other" / "journal.sqlite") as journal:
        journal.add([NewJob("z")])
        other = FolderDesk(journal, tmp_path)
        result = drawn(taken(other)[0])
        taken(opened())
        assert drafts(tmp_path) == [Path(result.drafts[0].file)]


def test_a_job_that_processes_die_of_is_run_alone_and_fails_in_the_end(opened: Opened, tmp_path: Path) -> None:
    for deaths in range(3):
        desk = opened()
        if deaths == 0:
            queue(desk, "a", "b", "c")
        assert [order.workflow.name for order in taken(desk)] == (["a"] if deaths == 2 else ["a", "b", "c"])
        dies(desk)
    desk = opened()
    orders = taken(desk)
    assert [order.workflow.name for order in orders] == ["b"]
    assert states(desk) == {"a": "failed", "b": "running", "c": "waiting"}
    said = (tmp_path / "failed" / "a.error.txt").read_text()
    assert "the program died 3 times while it ran (killed, or out of memory)" in said


def test_a_wave_that_a_process_died_of_is_run_in_smaller_ones(opened: Opened) -> None:
    first = opened(wave=8)
    queue(first, *"abcdefgh")
    assert len(taken(first)) == 8
    dies(first)
    second = opened(wave=8)
    queue(second, "z")
    assert [order.workflow.name for order in taken(second)] == ["a", "b"]
    dies(second)
    third = opened(wave=8)
    assert [[order.workflow.name for order in taken(third)] for _ in range(4)] == [["a"], ["b"], ["c", "d"], ["e", "f"]]


def test_jobs_of_a_lost_worker_are_run_again_and_what_it_brings_later_is_passed_over(
    opened: Opened, tmp_path: Path
) -> None:
    desk = opened()
    queue(desk, "a")
    (order,) = taken(desk)
    late = drawn(order)
    desk.lost([order.job], "worker 2 was killed by signal 9")
    (job,) = desk._journal.jobs()
    assert (job.state, job.crashes, job.error) == ("waiting", 1, "worker 2 was killed by signal 9")
    desk.done(late)
    assert states(desk) == {"a": "waiting"}
    assert pictures(tmp_path) == []


def test_pictures_that_came_as_bytes_are_put_in_their_places(opened: Opened, tmp_path: Path) -> None:
    desk = opened()
    queue(desk, "a")
    (order,) = taken(desk)
    draft = Draft(file="/elsewhere/1/00001.png", node="9", name="x")
    report = RunReport(file="a", status="done", outputs={"9": [draft.file]})
    desk.done(JobResult(job=order.job, report=report, drafts=[draft], contents={draft.file: b"from afar"}))
    assert pictures(tmp_path) == ["from afar"]
    assert desk.over == [("a", ["x_00001_.png"], False)]


@pytest.mark.parametrize("changes", range(0, 26))
def test_killed_at_any_change_of_the_disk_the_next_one_makes_it_good(
    opened: Opened, tmp_path: Path, changes: int
) -> None:
    first = opened()
    queue(first, "a", "b")
    orders = taken(first)
    results = [drawn(order) for order in orders]
    try:
        with killed_after(changes, str(tmp_path)):
            for result in results:
                first.done(result)
    except Killed:
        pass
    dies(first)
    second = opened()
    while orders := second.take(frozenset(), 0):
        for order in orders:
            second.done(drawn(order))
    second.close()
    assert states(second) == {"a": "done", "b": "done"}
    assert pictures(tmp_path) == ["picture of a", "picture of b"]
    kept = sorted(path.name for path in tmp_path.rglob("*") if path.is_file() and "state" not in path.parts)
    assert kept == ["a", "a.report.json", "b", "b.report.json", "x_00001_.png", "x_00002_.png"]
    assert drafts(tmp_path) == []


def no_room(*arguments: object, **more: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr(waiting, "FIRST", 0.0)


@pytest.mark.usefixtures("at_once")
def test_a_full_disk_lets_a_patient_desk_wait_and_the_job_loses_nothing(opened: Opened) -> None:
    desk = opened(patient=True)
    queue(desk, "a")
    desk.done(drawn(taken(desk)[0], "failed", disk="no picture could be written: No space left."))
    (job,) = desk._journal.jobs()
    assert (job.state, job.attempts) == ("waiting", 0)
    assert Waits("waits", "no picture could be written: No space left.") in desk.told
    desk.done(drawn(taken(desk)[0]))
    assert states(desk) == {"a": "done"}


def test_a_patient_desk_hands_out_nothing_while_it_waits(opened: Opened) -> None:
    desk = opened(patient=True)
    queue(desk, "a")
    desk.done(drawn(taken(desk)[0], "failed", disk="full"))
    assert desk.take(frozenset(), 0) == ()
    assert states(desk) == {"a": "waiting"}


def test_a_full_disk_fails_the_job_of_another_desk(opened: Opened) -> None:
    desk = opened()
    queue(desk, "a")
    desk.done(drawn(taken(desk)[0], "failed", disk="full"))
    assert states(desk) == {"a": "failed"}


@pytest.mark.usefixtures("at_once")
def test_pictures_that_find_no_room_are_placed_when_there_is_some(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = opened(patient=True)
    queue(desk, "a")
    (order,) = taken(desk)
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", no_room)
        desk.done(drawn(order))
        assert desk.take(frozenset(), 0) == ()
        assert states(desk) == {"a": "finishing"}
        assert desk.summary == (0, 0, 1)
    assert desk.take(frozenset(), 0) is None
    assert states(desk) == {"a": "done"}
    assert pictures(tmp_path) == ["picture of a"]


def test_a_hurried_desk_goes_on_and_says_at_the_end_what_it_could_not_place(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = opened(wave=1)
    queue(desk, "a", "b")
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", no_room)
        desk.done(drawn(taken(desk)[0]))
        desk.done(drawn(taken(desk)[0]))
        with pytest.raises(
            NotWritten, match="a has run, and its results wait for the disk: No space left.*; and 1 more"
        ):
            desk.take(frozenset(), 0)
        desk.close()
    dies(desk)
    assert opened().take(frozenset(), 0) is None
    assert pictures(tmp_path) == ["picture of a", "picture of b"]


def test_results_that_no_disk_could_take_are_a_failure(opened: Opened, tmp_path: Path) -> None:
    desk = opened()
    queue(desk, "a")
    (order,) = taken(desk)
    (tmp_path / "output").write_text("no folder")
    desk.done(drawn(order))
    assert states(desk) == {"a": "failed"}
    assert "its results cannot be put in their places" in (tmp_path / "failed" / "a.error.txt").read_text()
    assert drafts(tmp_path) == []


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("refused", ["take", "begin", "finishing", "end", "put_back"])
def test_a_journal_that_cannot_be_written_for_a_while_loses_and_doubles_nothing(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    desk = opened(patient=True)
    queue(desk, "a", "b")
    given = getattr(desk._journal, refused)
    refusals = [1, 2, 3]

    def refusing(*arguments: Any, **more: Any) -> Any:
        if refusals.pop():
            raise sqlite3.OperationalError("database or disk is full")
        monkeypatch.setattr(desk._journal, refused, given)
        return given(*arguments, **more)

    refusals.insert(0, 0)
    monkeypatch.setattr(desk._journal, refused, refusing)
    status = "interrupted"
    for _ in range(20):
        orders = desk.take(frozenset(), 0)
        if orders is None:
            break
        for order in orders:
            desk.done(drawn(order, status))
        status = "done" if orders else status
    assert states(desk) == {"a": "done", "b": "done"}
    assert pictures(tmp_path) == ["picture of a", "picture of b"]
    assert any(isinstance(event, Waits) for event in desk.told)


def test_a_listener_that_cannot_write_ends_nothing(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = opened()
    queue(desk, "a")
    monkeypatch.setattr(desk, "ended", no_room)
    desk.done(drawn(taken(desk)[0]))
    assert states(desk) == {"a": "done"}
    assert "warned" in [event.event for event in desk.told]
