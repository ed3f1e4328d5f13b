"""Several processes on one journal, and what remains when they are killed."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.journal.journal import Journal, NewJob

ROOT = Path(__file__).parents[2]

Clerk = Callable[[float], "subprocess.Popen[bytes]"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "log").touch()
    return tmp_path / "journal.sqlite"


@pytest.fixture
def clerk(path: Path) -> Iterator[Clerk]:
    """Starts processes at work on the journal; they are ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(pause: float) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.journal.clerk", str(path), str(path.with_name("log")), str(pause)]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def lines(path: Path) -> Counter[str]:
    return Counter(path.with_name("log").read_text().split())


def sound(path: Path) -> bool:
    connection = sqlite3.connect(path)
    (said,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return bool(said == "ok")


def killed(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_two_processes_share_500_jobs_and_none_is_done_twice(path: Path, clerk: Clerk) -> None:
    with Journal(path) as journal:
        jobs = journal.add([NewJob(f"{number}") for number in range(500)])
        clerks = [clerk(0.0), clerk(0.0)]
        assert [each.wait(60) for each in clerks] == [0, 0]
        assert lines(path) == Counter(map(str, jobs))
        assert {job.attempts for job in journal.jobs("done")} == {1}
        assert journal.counts()["done"] == 500
        assert journal.owners() == []
    assert list(path.with_name("journal.sqlite.owners").glob("*.lock")) == []


def test_the_jobs_of_a_killed_process_are_orphans_and_those_of_a_living_one_are_not(path: Path, clerk: Clerk) -> None:
    with Journal(path) as journal:
        jobs = journal.add([NewJob(f"{number}") for number in range(3)])
        process = clerk(60.0)
        assert process.stdout is not None
        assert process.stdout.readline() == b"claimed\n"
        while any(job.attempts == 0 for job in journal.jobs()):
            time.sleep(0.01)
        assert journal.orphans() == []
        assert {owner.pid: owner.alive for owner in journal.owners()} == {os.getpid(): True, process.pid: True}
        killed(process)
        assert [owner.alive for owner in journal.owners()] == [True, False]
        assert [job.id for job in journal.orphans()] == jobs
        assert journal.orphans() == []
        assert [owner.pid for owner in journal.owners()] == [os.getpid()]


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_and_nothing_done_twice(path: Path, clerk: Clerk) -> None:
    chance = random.Random(5)
    with Journal(path) as journal:
        jobs = journal.add([NewJob(f"{number}", "outcome") for number in range(400)])
        for _ in range(30):
            process = clerk(0.001)
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.03))
            killed(process)
        assert clerk(0.0).wait(60) == 0
        interrupted = sum(job.crashes for job in journal.jobs())
        assert lines(path) == Counter(map(str, jobs))
        assert [job.id for job in journal.jobs("done")] == jobs
        assert {job.outcome for job in journal.jobs()} == {"outcome"}
    assert sound(path)
    assert interrupted >= 20


@pytest.mark.slow
def test_killed_while_it_is_made_a_journal_is_whole_or_empty(tmp_path: Path) -> None:
    chance = random.Random(5)
    program = (
        "import sys, time; from pathlib import Path; from engine.journal.journal import Journal, NewJob; "
        "sys.stdout.write('here\\n'); sys.stdout.flush(); Journal(Path(sys.argv[1])).add([NewJob('a')]); time.sleep(9)"
    )
    for number in range(8):
        path = tmp_path / f"{number}.sqlite"
        process = subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.02))
        process.kill()
        process.communicate()
        with Journal(path) as journal:
            assert len(journal.jobs()) + len(journal.add([NewJob("a")])) == 1
        assert sound(path)
