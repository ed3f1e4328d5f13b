"""Pulse: what events say is what the journal hears."""

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine.journal.journal import Journal
from engine.working import pulse as pulses
from engine.working.pulse import Pulse, read_doing
from schemas.job import JobEnded, JobStarted, Waits
from schemas.report import Progress, RunStarted, StepStarted


class Heard:
    """What a journal is told."""

    def __init__(self) -> None:
        self.beats: list[dict[str, Any]] = []
        self.told = threading.Event()
        self.full = False

    def beat(self, doing: dict[str, Any]) -> None:
        if self.full:
            self.full = False
            raise sqlite3.OperationalError("disk is full")
        self.beats.append(doing)
        self.told.set()


def ended(job: int, state: Any = "done") -> JobEnded:
    return JobEnded("job-ended", job, f"{job}.json", state, 1.0, (), None)


def test_a_job_is_told_with_its_step_until_it_ends() -> None:
    pulse = Pulse(Heard(), "watch")  # type: ignore[arg-type]
    pulse.event(JobStarted("job-started", 7, "a.json", 1))
    pulse.event(RunStarted("run", "a.json", 5), 7)
    pulse.event(StepStarted("step", "31", "KSampler", None, 3, 5), 7)
    pulse.event(Progress("progress", "31", 4, 20, 1.0), 7)
    pulse.event(Progress("progress", "31", 9, 20, 1.0), 8)
    step = {"step": 3, "total": 5, "node": "31", "class_type": "KSampler", "done": 4, "parts": 20}
    assert pulse.doing()["current"] == [{"job": 7, "name": "a.json", **step}]
    pulse.event(ended(7))
    assert pulse.doing()["current"] == []


def test_ends_are_counted_and_rated_but_not_those_that_wait_again() -> None:
    now = [0.0]
    pulse = Pulse(Heard(), "batch", clock=lambda: now[0])  # type: ignore[arg-type]
    assert pulse.doing()["rate"] is None
    for job, state in enumerate(("done", "failed", "waiting", "done")):
        now[0] += 10
        pulse.event(ended(job, state))
    told = pulse.doing()
    assert (told["done"], told["failed"], told["rate"]) == (2, 1, 60 * 3 / 40)
    for job in range(pulses.RATED):
        now[0] += 1
        pulse.event(ended(job))
    assert pulse.doing()["rate"] == 60


def test_why_nothing_goes_on_is_told_until_a_job_starts() -> None:
    pulse = Pulse(Heard(), "watch")  # type: ignore[arg-type]
    pulse.event(Waits("waits", "the disk is full"))
    assert pulse.doing()["waits"] == "the disk is full"
    pulse.event(JobStarted("job-started", 1, "a.json", 1))
    assert pulse.doing()["waits"] is None


def test_it_beats_while_entered_and_survives_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulses, "WORKING", 0.01)
    monkeypatch.setattr(pulses, "IDLE", 0.02)
    heard = Heard()
    heard.full = True
    with Pulse(heard, "watch"):  # type: ignore[arg-type]
        assert heard.told.wait(10)
        assert heard.beats[0]["waits"] == "the journal cannot be written: disk is full"
        end = time.monotonic() + 10
        while heard.beats[-1]["waits"] is not None:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_why_nothing_goes_on_is_over_when_a_job_has_ended_and_not_when_it_waits_again() -> None:
    pulse = Pulse(Heard(), "watch")  # type: ignore[arg-type]
    pulse.event(Waits("waits", "the disk is full"))
    pulse.event(ended(1, "waiting"))
    assert pulse.doing()["waits"] == "the disk is full"
    pulse.event(ended(1))
    assert pulse.doing()["waits"] is None


def test_why_nothing_goes_on_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulses, "WORKING", 0.01)
    monkeypatch.setattr(pulses, "IDLE", 1000.0)
    heard = Heard()
    with Pulse(heard, "watch") as pulse:  # type: ignore[arg-type]
        assert heard.told.wait(10)
        time.sleep(0.1)  # it rests now, and for long
        heard.told.clear()
        pulse.event(Waits("waits", "the disk is full"))
        assert heard.told.wait(10)
    assert heard.beats[-1]["waits"] == "the disk is full"


def test_the_journal_keeps_what_was_told_last(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.beat(Pulse(journal, "watch").doing())
        (owner,) = journal.owners()
    doing = read_doing(owner.doing)
    assert doing is not None
    assert doing.verb == "watch"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"verb": 3}'])
def test_what_another_version_told_is_passed_over(text: str) -> None:
    assert read_doing(text) is None
