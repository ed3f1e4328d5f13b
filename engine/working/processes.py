"""Jobs in several processes of this machine: each has a session of its own, on a device of its own if there are enough.

The journal stays with the process that calls `run`; drafts are written where their order says, by the worker.
"""

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from engine.working import devices, threads
from engine.working.source import Source, Stop
from engine.working.worker_crew import direct
from engine.working.worker_messages import Gone, Message
from engine.working.worker_process import HALT, LEISURE
from schemas.job import JobOrder
from schemas.settings import Settings

OUT_OF_MEMORY = 9
"""The signal that Linux sends to whom it takes memory from."""


def run(source: Source, settings: Settings, workers: int, stop: Stop) -> None:
    """Run the jobs of a source in so many processes, until no more come or `stop` says so.

    Memory budgets and threads of the settings count for each process. Raises GraphInvalid for bad settings,
    WorkersFailed if processes do not start, and whatever the source raises; no process is left behind.
    """
    count = threads.share(workers, settings.threads)
    own = [
        settings.model_copy(update={"device": device, "threads": count})
        for device in devices.each(settings.device, workers)
    ]
    with ProcessCrew(own) as crew:
        direct(source, crew, workers, stop)


class ProcessCrew:
    """Processes by number. Leaving the context ends them all, whatever they do."""

    def __init__(self, settings: Sequence[Settings]) -> None:
        """settings: of each."""
        self._settings = settings
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._threads: dict[int, threading.Thread] = {}
        self._news: queue.SimpleQueue[tuple[int, Message]] = queue.SimpleQueue()

    def __enter__(self) -> "ProcessCrew":
        """Nothing is started yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them, at once if something went wrong here."""
        for process in self._processes.values():
            _close_input(process)
            if kind is not None:
                process.kill()
        for number in list(self._processes):
            self._bury(number)

    def start(self, worker: int) -> None:
        """Start a process; one that is gone is cleared away before."""
        if worker in self._processes:
            self._bury(worker)
        settings = self._settings[worker]
        process = _started(settings.threads)
        thread = threading.Thread(target=self._read, args=(worker, process), daemon=True)
        self._processes[worker], self._threads[worker] = process, thread
        thread.start()
        self._send(worker, settings)

    def give(self, worker: int, orders: Sequence[JobOrder]) -> None:
        """Send it jobs."""
        self._send(worker, list(orders))

    def halt(self, worker: int) -> None:
        """Send it word."""
        self._send(worker, HALT)

    def news(self, wait: float) -> Iterable[tuple[int, Message]]:
        """What came in."""
        try:
            yield self._news.get(timeout=wait) if wait else self._news.get_nowait()
            while True:
                yield self._news.get_nowait()
        except queue.Empty:
            return

    def _send(self, worker: int, what: Any) -> None:
        stream = self._processes[worker].stdin
        assert stream is not None
        with suppress(OSError):  # it is gone, as its thread will say
            pickle.dump(what, stream, pickle.HIGHEST_PROTOCOL)
            stream.flush()

    def _read(self, worker: int, process: "subprocess.Popen[bytes]") -> None:
        """Pass on what a process says, to its end."""
        assert process.stdout is not None
        try:
            while True:
                self._news.put((worker, pickle.load(process.stdout)))
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            self._news.put((worker, Gone(_why(worker, _ended(process)))))

    def _bury(self, worker: int) -> None:
        """See a process off that has ended, or is about to, and close its pipes."""
        process = self._processes.pop(worker)
        _ended(process)
        self._threads.pop(worker).join()
        _close_input(process)
        if process.stdout is not None:
            process.stdout.close()


def _started(count: int | None) -> "subprocess.Popen[bytes]":
    """A process that finds the same modules as this one, and uses so many threads.

    Not `multiprocessing`: it would run the main module of whoever calls us again, and would need the environment of
    this process changed.
    """
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "engine.working.worker_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths, **threads.environment(count)},
    )


def _ended(process: "subprocess.Popen[bytes]") -> int:
    """The exit status of a process that should end by itself, and is made to if it does not."""
    try:
        return process.wait(2 * LEISURE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _close_input(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    with suppress(OSError):  # what was not sent has nobody to go to
        process.stdin.close()


def _why(worker: int, status: int) -> str:
    """How a process ended, in words. worker: from 0."""
    if status >= 0:
        return f"worker {worker + 1} ended by itself with exit code {status}"
    hint = " (out of memory?)" if -status == OUT_OF_MEMORY else ""
    return f"worker {worker + 1} was killed by signal {-status}{hint}"
