"""Soak: graph after graph is dropped into a watched folder, and what the process holds is looked at after each.

Both caches are small, so that they are full early: what grows afterwards is a leak.
"""

import math
import os
import threading
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from engine.journal.journal import Journal
from engine.running.peak import private_bytes
from engine.watching import places
from engine.watching.watch import Options, watch
from schemas.job import JobEnded
from schemas.report import Event
from tests.soak.graphs import different, settings_in

MEMORY_CACHE, DISK_CACHE = 2 * 2**20, 4 * 2**20
"""Bytes."""
TURN = 12
"""Graphs after which their sizes and lengths begin anew: the least that is held in a turn is what stays."""
AHEAD = 3
"""Graphs that wait in the folder."""


class Sample(NamedTuple):
    """What the process holds. memory: private bytes; journal, cache: bytes on disk, without what is only
    written ahead, which SQLite keeps short."""

    memory: int
    handles: int
    threads: int
    journal: int
    cache: int


class Slope(NamedTuple):
    """Growth per graph, and its standard error."""

    each: float
    error: float


def slope(values: list[float]) -> Slope:
    """The straight line of least squares through values at 0, 1, 2 …; there must be three."""
    times = range(len(values))
    mean_time, mean = fmean(times), fmean(values)
    spread = sum((time - mean_time) ** 2 for time in times)
    each = sum((time - mean_time) * (value - mean) for time, value in zip(times, values, strict=True)) / spread
    rest = sum((value - mean - each * (time - mean_time)) ** 2 for time, value in zip(times, values, strict=True))
    return Slope(each, math.sqrt(rest / (len(values) - 2) / spread))


class Soak:
    """Listens to a watch, drops the next graph whenever one is over, and keeps a sample of each moment."""

    def __init__(self, folder: Path, graphs: int) -> None:
        """folder: an empty one. graphs: how many, from 8."""
        self.samples: list[Sample] = []
        self._graphs, self._source, self._dropped = graphs, different(), 0
        self._watched, self._cache = folder / "in", folder / "cache"
        limits = {"memory_cache": MEMORY_CACHE, "cache": self._cache, "cache_size": DISK_CACHE}
        self._settings = settings_in(folder).model_copy(update=limits)

    def run(self) -> None:
        """Run them all. Raises AssertionError if one of them failed."""
        self._watched.mkdir()
        for _ in range(AHEAD):
            self._drop()
        tally = watch(self._watched, self._settings, Options(once=True), self, stop=lambda: False)
        assert (tally.done, tally.failed, tally.waiting) == (self._graphs, 0, 0), tally
        state = self._watched / places.STATE
        with Journal(state / places.JOURNAL) as journal:
            assert journal.counts()["done"] == self._graphs

    def event(self, event: Event, job: int | None = None) -> None:
        """Another one is over."""
        if isinstance(event, JobEnded):
            self._drop()
            self.samples.append(self._sample())

    def note(self, said: str) -> None:
        """Nothing is expected to be said."""
        raise AssertionError(said)

    @property
    def rise(self) -> float:
        """Bytes of private memory that the last quarter's least has more than the second's: garbage comes and goes."""
        quarter = len(self.samples) // 4
        memory = [sample.memory for sample in self.samples]
        return float(min(memory[-quarter:]) - min(memory[quarter : 2 * quarter]))

    def later(self, name: str) -> list[float]:
        """What the second half of the samples says of one thing."""
        return [float(getattr(sample, name)) for sample in self.samples[len(self.samples) // 2 :]]

    def floor(self) -> Slope:
        """Growth per graph of the least private memory in each turn, over the second half; for 72 graphs or more."""
        memory = self.later("memory")
        least = [min(memory[begin : begin + TURN]) for begin in range(0, len(memory) - TURN + 1, TURN)]
        return Slope(*(value / TURN for value in slope(least)))

    def summary(self) -> dict[str, Any]:
        """Growth per graph over the second half, and what there was at its end."""
        slopes = {"memory_floor": self.floor(), **{name: slope(self.later(name)) for name in Sample._fields}}
        return {
            "graphs": len(self.samples),
            "rise_bytes": round(self.rise),
            "per_graph": {name: [round(found.each, 3), round(found.error, 3)] for name, found in slopes.items()},
            "last": self.samples[-1]._asdict(),
        }

    def _drop(self) -> None:
        if self._dropped < self._graphs:
            self._dropped += 1
            passing = self._watched / f"{self._dropped:05}.part"
            passing.write_bytes(next(self._source))
            passing.rename(passing.with_suffix(".json"))

    def _sample(self) -> Sample:
        return Sample(
            private_bytes(),
            len(os.listdir("/proc/self/fd")),
            threading.active_count(),
            (self._watched / places.STATE / places.JOURNAL).stat().st_size,
            sum(path.stat().st_size for path in self._cache.rglob("*.safetensors")),
        )
