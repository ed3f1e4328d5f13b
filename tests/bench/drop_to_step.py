"""Seconds from dropping a graph into a watched folder to the first step that it runs. One JSON line.

    python -m tests.bench.drop_to_step [--drops 30]

On the demo model, in a watch that has run such graphs before. renamed: the file is written elsewhere and moved in;
written: it is written in its place, as a browser or a text editor does; polling: renamed, with --poll. The clock starts
before the rename or the write. loop: what one would write instead, for the same session: every second, run and move
away what ends in .json; half a second of it is waiting, and a file that is still being written it runs as it is.
"""

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from engine import api
from engine.watching.watch import Options, watch
from schemas.job import JobEnded
from schemas.report import Event, StepStarted
from tests.soak.graphs import graph, settings_in

Put = Callable[[Path, bytes], None]

WARM = 3
"""Graphs that are not counted."""
GOAL = 0.3
LOOP = 1.0
"""Seconds between two looks of a loop."""
PATIENCE = 60.0


class Ears:
    """Knows when the first step after a drop began, and when the graph was over."""

    def __init__(self) -> None:
        """Nothing is heard yet."""
        self.began = 0.0
        self._over = threading.Event()

    def event(self, event: Event, job: int | None = None) -> None:
        """Take the time."""
        if isinstance(event, StepStarted) and not self.began:
            self.began = time.perf_counter()
        elif isinstance(event, JobEnded):
            self._over.set()

    def note(self, said: str) -> None:
        """Show it."""
        sys.stderr.write(f"{said}\n")

    def after(self, put: Put, path: Path, content: bytes) -> float:
        """Seconds from a drop to its first step."""
        self.began = 0.0
        self._over.clear()
        dropped = time.perf_counter()
        put(path, content)
        if not self._over.wait(PATIENCE):
            raise SystemExit("a graph that was dropped did not run")
        return self.began - dropped

    def over(self) -> None:
        """A graph is over."""
        self._over.set()


def renamed(path: Path, content: bytes) -> None:
    """A file comes whole."""
    passing = path.with_suffix(".part")
    passing.write_bytes(content)
    passing.rename(path)


def written(path: Path, content: bytes) -> None:
    """A file grows in its place."""
    path.write_bytes(content)


def drops(folder: Path, put: Put, ears: Ears, number: int, seeds: Iterator[int]) -> list[float]:
    """Seconds for each of several drops, at any moment of a second."""
    found = []
    for index in range(WARM + number):
        content = graph("a red circle on a blue background", next(seeds))
        time.sleep(random.uniform(0.2, 1.2))
        seconds = ears.after(put, folder / f"{next(seeds)}.json", content)
        found += [seconds] if index >= WARM else []
    return found


def watched(folder: Path, number: int, options: Options, ways: list[Put]) -> list[list[float]]:
    """Drops into a folder that comfyless watches, for each way to put files there."""
    folder.mkdir()
    (folder / "in").mkdir()
    ears, ended, found = Ears(), threading.Event(), list[list[float]]()
    seeds = count()

    def feed() -> None:
        try:
            found.extend(drops(folder / "in", put, ears, number, seeds) for put in ways)
        finally:
            ended.set()

    feeder = threading.Thread(target=feed)
    feeder.start()
    watch(folder / "in", settings_in(folder), options, ears, ended.is_set)
    feeder.join()
    return found


def looped(folder: Path, number: int) -> list[float]:
    """Drops into a folder that a loop looks into."""
    folder.mkdir()
    (folder / "in").mkdir()
    (folder / "done").mkdir()
    ears, ended, found = Ears(), threading.Event(), list[float]()
    session = api.Session(settings_in(folder), events=ears.event)

    def feed() -> None:
        try:
            found.extend(drops(folder / "in", renamed, ears, number, count()))
        finally:
            ended.set()

    feeder = threading.Thread(target=feed)
    feeder.start()
    while not ended.is_set():
        for path in sorted((folder / "in").glob("*.json")):
            session.run(api.load(path))
            path.rename(folder / "done" / path.name)
            ears.over()
        time.sleep(LOOP)
    feeder.join()
    return found


def figures(seconds: list[float]) -> dict[str, Any]:
    """Median and worst, in seconds."""
    return {"median": round(statistics.median(seconds), 3), "worst": round(max(seconds), 3), "drops": len(seconds)}


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drops", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        by_rename, by_write = watched(folder / "watch", given.drops, Options(), [renamed, written])
        (by_poll,) = watched(folder / "poll", max(1, given.drops // 3), Options(poll=1.0), [renamed])
        by_loop = looped(folder / "loop", max(1, given.drops // 3))
    line = {"bench": "drop_to_step", "unit": "s", "goal": GOAL, "renamed": figures(by_rename)}
    line |= {"written": figures(by_write), "polling": figures(by_poll), "loop": figures(by_loop)}
    line |= {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
