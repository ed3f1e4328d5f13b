"""A worker's process, seen from outside; the bench is played by a few lines."""

import pickle
import subprocess
import sys

import pytest

from engine.working.worker_process import HALT

BODY = """
import sys, time
from engine.working.worker_process import Inbox
for seconds in Inbox(sys.stdin.buffer, lambda: print("halted", flush=True)).waves():
    print("working", flush=True)
    time.sleep(seconds)
    print("done", flush=True)
"""


@pytest.fixture
def worker() -> "subprocess.Popen[bytes]":
    """A process that sleeps for as many seconds as it is given."""
    return subprocess.Popen([sys.executable, "-c", BODY], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_the_end_of_the_input_ends_a_worker_in_the_middle_of_a_step(worker: "subprocess.Popen[bytes]") -> None:
    with worker:
        assert worker.stdin
        assert worker.stdout
        worker.stdin.write(pickle.dumps(60))
        worker.stdin.flush()
        assert worker.stdout.readline() == b"working\n"
        worker.stdin.close()
        assert worker.wait(30) == 1  # half as long as its step


def test_a_halt_is_heard_during_a_step(worker: "subprocess.Popen[bytes]") -> None:
    with worker:
        said, _ = worker.communicate(pickle.dumps(0.2) + pickle.dumps(HALT) + pickle.dumps(60))
    assert b"halted" in said


def test_an_idle_worker_ends_by_itself_when_its_input_does(worker: "subprocess.Popen[bytes]") -> None:
    with worker:
        assert worker.stdin
        assert worker.stdout
        worker.stdin.write(pickle.dumps(0))
        worker.stdin.flush()
        assert [worker.stdout.readline(), worker.stdout.readline()] == [b"working\n", b"done\n"]
        worker.stdin.close()
        assert worker.wait(2) >= 0  # not by a signal
