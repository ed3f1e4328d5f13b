"""A job becomes a file: laid out first, then filled by several processes, then moved into its place.

Nobody sees half a file: it grows beside the target under another name, and is gone if anything goes wrong.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import prod
from pathlib import Path
from typing import NamedTuple

from engine.errors import Interrupted
from engine.quantize import pool
from engine.quantize.contract import Job
from engine.quantize.growing import growing
from engine.quantize.work import Measured, Task
from schemas.quantized import Progress, TensorError

MOST_PROCESSES = 8
"""Unless asked for: each takes about 130 MB of its own."""
SMALL = 1 << 22
"""Values of a whole job that are stored sooner than other processes have started."""


class Made(NamedTuple):
    """bytes, seconds: of the new file. tensors: how many of each type. errors: a row for each tensor, in file order."""

    bytes: int
    seconds: float
    tensors: dict[str, int]
    errors: list[TensorError]


def run(
    job: Job,
    target: Path,
    *,
    processes: int | None = None,
    told: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Made:
    """Make the file. processes: None for one per core, up to MOST_PROCESSES. told: now and then, how far it is.

    Raises NotWritten if there is no room, Interrupted if `stop` says so, ValueError or ModelFileInvalid for values that
    cannot be stored, naming the tensor.
    """
    begun = time.monotonic()
    groups = [order.encoding.pieces(order.source.name, order.source.shape) for order in job.orders]
    layout = job.container.layout([piece for group in groups for piece in group], job.metadata)
    with growing(target, layout.size) as path:
        with open(path, "r+b") as file:
            file.write(layout.header)
        starts = iter(layout.starts)
        tasks = [
            Task(order, group, tuple(next(starts) for _ in group), str(path))
            for order, group in zip(job.orders, groups, strict=True)
        ]
        clock = Clock(sum(piece.bytes for group in groups for piece in group), begun, told)
        measured = carry_out(tasks, processes, clock, stop)
    rows = [error_row(task, what) for task, what in zip(tasks, measured, strict=True)]
    types = Counter(row.stored for row in rows)
    return Made(layout.size, time.monotonic() - begun, dict(types.most_common()), rows)


def carry_out(tasks: Sequence[Task], processes: int | None, clock: "Clock", stop: Callable[[], bool]) -> list[Measured]:
    """Carry out all tasks, the largest first; what was measured, in the order of the tasks."""
    sizes = [prod(task.order.source.shape) for task in tasks]
    largest_first = sorted(range(len(tasks)), key=lambda number: -sizes[number])
    queued = [tasks[number] for number in largest_first]
    count = min(processes or min(cores(), MOST_PROCESSES), len(tasks))
    found: dict[int, Measured] = {}

    def listen(news: Iterator[pool.News | None]) -> None:
        for item in news:
            if stop():
                raise Interrupted("stopped; nothing was written")
            if item is None:
                continue
            number, what = item
            if isinstance(what, Measured):
                found[largest_first[number]] = what
            else:
                clock.wrote(what)

    if count <= 1 or (processes is None and sum(sizes) <= SMALL):
        listen(pool.inline(queued))
    else:
        with pool.Pool(count) as workers:
            listen(workers.news(queued))
    return [found[number] for number in range(len(tasks))]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Clock:
    """Counts bytes and tells how far it is, a few times a second."""

    PAUSE = 0.2

    def __init__(self, total: int, begun: float, told: Callable[[Progress], None]) -> None:
        """total: bytes to be written."""
        self._total, self._begun, self._told = total, begun, told
        self._done, self._last = 0, 0.0

    def wrote(self, count: int) -> None:
        """So many bytes more."""
        self._done += count
        now = time.monotonic()
        if now - self._last >= self.PAUSE or self._done == self._total:
            self._last, seconds = now, now - self._begun
            left = seconds * (self._total - self._done) / self._done if self._done and seconds >= 1 else None
            self._told(Progress(self._done, self._total, seconds, left))


def error_row(task: Task, measured: Measured) -> TensorError:
    """The row of a tensor in the report."""
    source = task.order.source
    return TensorError(
        name=source.name,
        shape=source.shape,
        source=source.stored,
        stored=task.order.encoding.name,
        bytes=sum(piece.bytes for piece in task.pieces),
        relative=measured.relative,
        largest=measured.largest,
    )
