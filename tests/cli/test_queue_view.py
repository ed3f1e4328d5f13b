"""QueueView: one line for each job that ended; JSON where programs read."""

import errno
import json
import sys
from typing import Any

import pytest

from engine.cli.console import Console
from engine.cli.queue_view import QueueView
from schemas.job import JobEnded, JobStarted, Waits
from schemas.report import Noted, Progress, StepDone, StepStarted


def ended(state: Any = "done", outputs: tuple[str, ...] = (), error: str | None = None) -> JobEnded:
    return JobEnded("job-ended", 1, "sub/a.json", state, 3.14, outputs, error)


STARTED = JobStarted("job-started", 1, "sub/a.json", 1)


@pytest.mark.parametrize(
    ("event", "out", "err"),
    [
        (ended(), "done    sub/a.json  3.1 s\n", ""),
        (ended(outputs=("output/x_1.png",)), "done    sub/a.json  3.1 s → output/x_1.png\n", ""),
        (ended(outputs=("b.png", "c.png")), "done    sub/a.json  3.1 s → b.png and 1 more\n", ""),
        (ended("failed", error="node 3: why\nmore"), "", "failed  sub/a.json  3.1 s: node 3: why\n"),
        (ended("waiting", error="full"), "", "waits   sub/a.json  full\n"),
        (Waits("waits", "no \x1b room"), "", "waiting: no \\x1b room\n"),
        (JobStarted("job-started", 1, "a.json", 2), "", "again   a.json  attempt 2\n"),
    ],
)
def test_each_event_is_a_line(capsys: pytest.CaptureFixture[str], event: Any, out: str, err: str) -> None:
    QueueView(Console()).event(event)
    assert tuple(capsys.readouterr()) == (out, err)


def test_a_reason_to_wait_is_told_once_until_something_runs(capsys: pytest.CaptureFixture[str]) -> None:
    view = QueueView(Console())
    for event in (Waits("waits", "full"), Waits("waits", "full"), STARTED, Waits("waits", "full")):
        view.event(event)
    assert capsys.readouterr().err == "waiting: full\n" * 2


def test_steps_are_told_to_who_asks(capsys: pytest.CaptureFixture[str]) -> None:
    done = StepDone("step-done", "31", "KSampler", "run", 2.0, 3, 7)
    for verbose in (False, True):
        view = QueueView(Console(), verbose=verbose)
        view.event(STARTED)
        view.event(done, 1)
        view.event(Noted("noted", "5", "smaller"), 1)
    assert capsys.readouterr().err == (
        "sub/a.json: 5: smaller\nsub/a.json  31 KSampler  2.0 s\nsub/a.json: 5: smaller\n"
    )


def test_a_log_on_a_full_disk_stops_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys.stdout, "write", full)
    for as_json in (True, False):
        view = QueueView(Console(), as_json=as_json)
        view.event(STARTED)
        view.event(ended())
        view.summary(1, 0, 0)


def test_quiet_says_only_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    view = QueueView(Console(quiet=True), quiet=True)
    for event in (STARTED, ended(), ended("failed", error="why")):
        view.event(event)
    view.note("something")
    assert tuple(capsys.readouterr()) == ("", "failed  sub/a.json  3.1 s: why\n")


def test_a_known_number_of_jobs_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    view = QueueView(Console(), total=12, begun=8)
    view.event(ended())
    view.event(ended("waiting"))
    view.event(ended("failed"))
    captured = capsys.readouterr()
    assert captured.out == "[ 9/12] done    sub/a.json  3.1 s\n"
    assert captured.err.endswith("[10/12] failed  sub/a.json  3.1 s\n")


def test_json_names_the_job_of_each_event(capsys: pytest.CaptureFixture[str]) -> None:
    view = QueueView(Console(), as_json=True)
    view.event(STARTED)
    view.event(Progress("progress", "31", 1, 2, 0.5), 1)
    view.note("said")
    view.summary(2, 1, 0)
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["event"], each.get("job")) for each in records] == [
        ("job-started", 1), ("progress", 1), ("note", None), ("summary", None),
    ]  # fmt: skip


def test_quiet_json_tells_what_ended(capsys: pytest.CaptureFixture[str]) -> None:
    view = QueueView(Console(quiet=True), as_json=True, quiet=True)
    view.event(STARTED)
    view.event(ended())
    (record,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert record["event"] == "job-ended"


def test_a_terminal_shows_what_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    console = Console()
    console.terminal = True
    view = QueueView(console)
    view.event(STARTED)
    view.event(StepStarted("step", "31", "KSampler", None, 3, 7), 1)
    view._drawn = 0.0
    view.event(Progress("progress", "31", 10, 20, 1.0), 1)
    view.event(ended())
    captured = capsys.readouterr()
    assert captured.err.split("\r\x1b[2K")[-2:] == [f"sub/a.json  [3/7] 31 KSampler  {'━' * 12}{'─' * 12}  10/20", ""]


@pytest.mark.parametrize(
    ("counts", "said"),
    [((1, 0, 0), "1 done"), ((0, 2, 1), "0 done, 2 failed, 1 waits"), ((1200, 0, 3), "1,200 done, 3 wait")],
)
def test_the_summary_counts(capsys: pytest.CaptureFixture[str], counts: tuple[int, int, int], said: str) -> None:
    QueueView(Console()).summary(*counts)
    assert "".join(capsys.readouterr()) == f"{said}\n"
