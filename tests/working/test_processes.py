"""Jobs in several processes, real ones; each takes two seconds to import torch."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.errors import GraphInvalid, WorkersFailed
from engine.working import processes
from schemas.report import Event, StepStarted
from schemas.settings import Settings
from tests.working.worker_queue import Queue, picture

BIG = 3000
"""Pixels to a side of a picture that takes about half a second to write."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a machine without an accelerator."""
    return Settings(output=tmp_path / "output", temp=tmp_path / "temp", device="cpu", cache="off")


@pytest.fixture(autouse=True)
def _nobody_left() -> Iterator[None]:
    """No process outlives a test, and no pipe stays open."""
    files = psutil.Process().num_fds()
    yield
    assert psutil.Process().children() == []
    assert psutil.Process().num_fds() == files


def _at_work(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended may stay in the table of processes until somebody asks for its status."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def never() -> bool:
    return False


@pytest.mark.slow
def test_two_workers_run_forty_jobs_each_exactly_once(settings: Settings, tmp_path: Path) -> None:
    source = Queue((picture(job, tmp_path) for job in range(40)), wave=4)
    processes.run(source, settings, 2, never)
    assert sorted(source.ended) == [(job, "done") for job in range(40)]
    assert not source.losses
    drafts = [draft.file for result in source.results for draft in result.drafts]
    assert len(set(drafts)) == 40
    assert all(Path(file).is_file() for file in drafts)
    assert {job for job, event in source.events if isinstance(event, StepStarted)} == set(range(40))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal 9")
def test_a_worker_killed_in_the_middle_of_a_job_costs_only_what_had_not_ended(
    settings: Settings, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill(job: int, event: Event) -> None:
        if isinstance(event, StepStarted) and event.class_type == "SaveImage" and not killed:
            killed.append(job)
            psutil.Process().children()[0].kill()

    source = Queue((picture(job, tmp_path, BIG) for job in range(4)), wave=2, hears=kill)
    processes.run(source, settings, 1, never)
    assert sorted(source.ended) == [(job, "done") for job in range(4)]
    [(lost, why)] = source.losses
    assert killed[0] in lost
    assert why == "worker 1 was killed by signal 9 (out of memory?)"


@pytest.mark.slow
def test_a_wish_to_stop_ends_the_step_and_gives_the_rest_back(settings: Settings, tmp_path: Path) -> None:
    source = Queue((picture(job, tmp_path, BIG) for job in range(6)), wave=6)
    processes.run(source, settings, 1, lambda: bool(source.events))
    assert not source.losses
    statuses = [status for _, status in source.ended]
    assert len(statuses) == 6
    assert "interrupted" in statuses


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process at any of its signals")
def test_signals_to_the_whole_group_are_left_to_the_parent(settings: Settings, tmp_path: Path) -> None:
    def struck(job: int, event: Event) -> None:
        for child in psutil.Process().children():
            os.kill(child.pid, signal.SIGINT)
            os.kill(child.pid, signal.SIGTERM)

    source = Queue((picture(job, tmp_path) for job in range(3)), hears=struck)
    processes.run(source, settings, 1, never)
    assert source.ended == [(job, "done") for job in range(3)]
    assert not source.losses


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal 9")
def test_workers_end_when_their_parent_is_killed_even_in_the_middle_of_a_step(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from engine.working import processes
from schemas.settings import Settings
from tests.working.worker_queue import Queue, picture

folder = Path(sys.argv[1])
source = Queue((picture(job, folder, 2500, batch=4) for job in range(2)),
               hears=lambda job, event: print(getattr(event, "class_type", ""), flush=True))
processes.run(source, Settings(output=folder, temp=folder, device="cpu", cache="off"), 2, lambda: False)
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()}
    ) as parent:
        assert parent.stdout is not None
        saving = 0
        while saving < 2 and (line := parent.stdout.readline()):
            saving += line.strip() == "SaveImage"
        workers = psutil.Process(parent.pid).children()
        parent.kill()
        patience = time.monotonic() + 2
    assert len(workers) == 2
    while any(map(_at_work, workers)) and time.monotonic() < patience:
        time.sleep(0.02)
    assert not any(map(_at_work, workers))


def test_what_the_source_raises_is_raised_and_no_worker_stays(settings: Settings, tmp_path: Path) -> None:
    class Broken(Queue):
        def take(self, warm: frozenset[str], wait: float) -> None:
            raise OSError("the journal is gone")

    with pytest.raises(OSError, match="journal"):
        processes.run(Broken([picture(1, tmp_path)]), settings, 2, never)


def test_a_device_that_is_not_there_is_a_problem_of_the_settings(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(GraphInvalid, match="device"):
        processes.run(Queue([]), settings.model_copy(update={"device": "cuda:77"}), 2, never)


def test_an_object_info_that_cannot_be_read_is_told_by_the_worker_with_its_problems(
    settings: Settings, tmp_path: Path
) -> None:
    wrong = tmp_path / "object_info.json"
    wrong.write_text("no JSON")
    with pytest.raises(GraphInvalid) as raised:
        processes.run(Queue([]), settings.model_copy(update={"object_info": [wrong]}), 1, never)
    assert raised.value.problems[0].file == str(wrong)


def test_workers_that_cannot_start_end_the_run_with_the_reason(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = tmp_path / "python"
    nothing.write_text("#!/bin/sh\nexit 3\n")
    nothing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(nothing))
    with pytest.raises(WorkersFailed, match="exit code 3"):
        processes.run(Queue([picture(1, tmp_path)]), settings, 1, never)
