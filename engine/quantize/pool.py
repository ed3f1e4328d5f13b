"""A pool of processes that store tensors. The native encoder holds Python's lock, so threads would not help.

Not `multiprocessing`: it would run the main module of whoever calls us again in every process.
"""

import errno
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from engine.quantize.work import Failure, Measured, Task, carry_out

PATIENCE = 0.1
"""Seconds to wait for news before looking whether the user wants to stop."""

News = tuple[int, int | Measured]
"""Number of the task, and: bytes that were written, or what came of it."""


def inline(tasks: Sequence[Task]) -> Iterator[News]:
    """Carry the tasks out in this process."""
    for number, task in enumerate(tasks):
        written: list[int] = []
        measured = carry_out(task, written.append)
        yield number, sum(written)
        yield number, measured


class Pool:
    """Processes, each with a thread that feeds it. Leaving the context ends them all, whatever they do."""

    def __init__(self, size: int) -> None:
        """size: how many processes."""
        self._size = size
        self._workers: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []
        self._news: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()

    def __enter__(self) -> "Pool":
        """Start the processes."""
        try:
            for _ in range(self._size):
                self._workers.append(start())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        self._end()

    def news(self, tasks: Sequence[Task]) -> Iterator[News | None]:
        """Carry the tasks out, in this order; None now and then while nothing happens. Raises what a task raised."""
        waiting = deque(enumerate(tasks))
        for worker in self._workers:
            thread = threading.Thread(target=self._feed, args=(worker, waiting), daemon=True)
            self._threads.append(thread)
            thread.start()
        left = len(tasks)
        while left:
            try:
                number, what = self._news.get(timeout=PATIENCE)
            except queue.Empty:
                yield None
                continue
            if isinstance(what, Failure):
                raise what.error()
            left -= isinstance(what, Measured)
            yield number, what

    def _feed(self, worker: "subprocess.Popen[bytes]", waiting: "deque[tuple[int, Task]]") -> None:
        """Give a process one task after the other."""
        while waiting:
            try:
                number, task = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            for what in answers(worker, task):
                self._news.put((number, what))
                if isinstance(what, Failure):
                    return

    def _end(self) -> None:
        for worker in self._workers:
            worker.kill()
        for thread in self._threads:
            thread.join()
        for worker in self._workers:
            worker.communicate()


def start() -> "subprocess.Popen[bytes]":
    """A worker that finds the same modules as this process, and computes with one thread."""
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "engine.quantize.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths, **threads},
    )


def answers(worker: "subprocess.Popen[bytes]", task: Task) -> Iterator[int | Measured | Failure]:
    """What a worker says of a task, to its end."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        pickle.dump(task, worker.stdin)
        worker.stdin.flush()
        while True:
            what = pickle.load(worker.stdout)
            yield what
            if not isinstance(what, int):
                return
    except (EOFError, BrokenPipeError, ValueError):
        name = task.order.source.name
        said = f"the process that stored {name!r} {ended(worker.wait())}; fewer processes take less memory."
        yield Failure("system", (errno.ECHILD, said, None))


def ended(code: int) -> str:
    """How a process came to its end."""
    return f"ended with code {code}" if code >= 0 else f"was ended from outside, by signal {-code}"
