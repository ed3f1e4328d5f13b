"""Status: read from the journal alone, of the living and the dead."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import JournalInvalid
from engine.journal.journal import Journal, NewJob
from engine.working.pulse import Pulse
from engine.working.status import read_status
from schemas.job import JobStarted
from schemas.report import StepStarted

DIE = """
import os, sys
from pathlib import Path
from engine.journal.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.begin([job.id for job in journal.take(2)])
journal.beat({"verb": "watch", "done": 3})
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_a_queue_at_work_is_told_with_what_runs_and_what_failed(path: Path) -> None:
    with Journal(path) as journal:
        journal.add(NewJob(f"{number}.json") for number in range(10))
        for failed in (False, False, True):
            (job,) = journal.take()
            journal.begin([job.id])
            journal.end(job.id, failed=failed, seconds=4.0, error="node 3: why\nmore" if failed else None)
        (job,) = journal.take()
        journal.begin([job.id])
        pulse = Pulse(journal, "watch")
        pulse.event(JobStarted("job-started", job.id, job.name, 1))
        pulse.event(StepStarted("step", "31", "KSampler", None, 3, 7), job.id)
        journal.beat(pulse.doing())
        status = read_status(path)
    assert (status.waiting, status.running, status.done, status.failed) == (6, 1, 2, 1)
    assert status.left == 7 * 4.0
    assert [(each.name, each.error) for each in status.failures] == [("2.json", "node 3: why")]
    (worker,) = status.workers
    assert (worker.pid, worker.alive, worker.verb) == (os.getpid(), True, "watch")
    assert (worker.current[0].name, worker.current[0].step, worker.current[0].total) == ("3.json", 3, 7)
    assert status.stranded == []


def test_jobs_of_a_process_that_was_killed_are_stranded(path: Path) -> None:
    with Journal(path) as journal:
        journal.add(NewJob(f"{number}.json") for number in range(3))
    subprocess.run([sys.executable, "-c", DIE, str(path)], check=False, cwd=Path(__file__).parents[2])
    before = sorted(each.name for each in path.parent.rglob("*"))
    status = read_status(path)
    assert status.stranded == ["0.json", "1.json"]
    assert [worker.alive for worker in status.workers] == [False]
    assert (status.left, status.rate) == (None, None)
    assert sorted(each.name for each in path.parent.rglob("*") if not each.name.startswith("journal.sqlite-")) == [
        name for name in before if not name.startswith("journal.sqlite-")
    ]


def test_nothing_is_made_where_no_journal_is(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_status(path)
    assert list(path.parent.iterdir()) == []


def test_a_file_that_is_no_journal_is_told(path: Path) -> None:
    path.write_text("hello, this is no database, and long enough not to be taken for an empty one" * 20)
    with pytest.raises(JournalInvalid):
        read_status(path)
