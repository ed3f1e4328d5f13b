"""What a watch and a batch take for each job beside its sampler, on the demo model. One JSON line.

    OMP_NUM_THREADS=1 python -m tests.bench.unattended [--jobs 16] [--seconds 1.0]

Jobs of about a second; models are loaded and texts encoded before the first that counts. Medians per job. sampler_ms:
the sampler's own time. computing_ms: that of the other steps, but for saving. overhead_ms: wall, all the rest: reading,
planning, journal, staging, PNG, placing, report, manifest. percent: overhead of the sampler's time; the goal is 2.
cpu_ms: of the processor, all threads, which other programs disturb less. loop: plain Session.run over files, which
survives nothing. shell: what one would use instead, `comfyless run` for each file.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import api
from engine.batching import batch
from engine.batching.request import Request
from engine.watching.watch import Options, watch
from schemas.job import JobEnded
from schemas.report import Event, StepDone
from tests.soak.graphs import graph, models, settings_in

SAMPLER, SAVING = "KSampler", "SaveImage"
PROMPT = "a red circle on a blue background"
GOAL = 2.0
"""Percent."""
TRIED = 20
"""Sampler steps that are timed to choose how many make a job."""
PROCESSES = 3


@dataclass
class Job:
    """What one job took: wall and processor seconds in all, and the own seconds of its steps."""

    wall: float = 0.0
    cpu: float = 0.0
    sampler: float = 0.0
    computing: float = 0.0

    def add(self, class_type: str, seconds: float) -> None:
        """One step is done. Saving is no computing."""
        if class_type == SAMPLER:
            self.sampler += seconds
        elif class_type != SAVING:
            self.computing += seconds

    @property
    def overhead(self) -> float:
        """What was not computed."""
        return self.wall - self.sampler - self.computing


class Ears:
    """Keeps time from one job's end to the next one's."""

    def __init__(self) -> None:
        """The first job begins."""
        self.jobs: list[Job] = []
        self._job, self._wall, self._cpu = Job(), time.perf_counter(), time.process_time()

    def event(self, event: Event, job: int | None = None) -> None:
        """Take the time."""
        if isinstance(event, StepDone) and event.state == "run":
            self._job.add(event.class_type, event.seconds)
        elif isinstance(event, JobEnded):
            self.over()

    def note(self, said: str) -> None:
        """Show it."""
        sys.stderr.write(f"{said}\n")

    def over(self) -> None:
        """One job ends, the next begins."""
        wall, cpu = time.perf_counter(), time.process_time()
        self._job.wall, self._job.cpu = wall - self._wall, cpu - self._cpu
        self.jobs.append(self._job)
        self._job, self._wall, self._cpu = Job(), wall, cpu


def made(folder: Path) -> Path:
    """The folder, which is new."""
    folder.mkdir()
    return folder


def files(folder: Path, number: int, steps: int) -> list[Path]:
    """Graphs that differ in their seeds."""
    folder.mkdir()
    paths = [folder / f"{seed:04}.json" for seed in range(number)]
    for seed, path in enumerate(paths):
        path.write_bytes(graph(PROMPT, seed, steps=steps))
    return paths


def watched(folder: Path, number: int, steps: int) -> list[Job]:
    """Files that lie in a folder when the watch begins."""
    settings = settings_in(folder)
    files(folder / "in", number, steps)
    ears = Ears()
    watch(folder / "in", settings, Options(once=True), ears, stop=lambda: False)
    return ears.jobs


def batched(folder: Path, number: int, steps: int) -> list[Job]:
    """A row for each seed."""
    settings = settings_in(folder)
    request = Request(graph(PROMPT, 0, steps=steps), "graph.json", grids=[f"KSampler.seed=0..{number - 1}"])
    base = request.base(settings)
    folder = request.folder(request.combination(base), settings.output)
    ears = Ears()
    with batch.opened(folder, base, settings) as opened:
        batch.work(opened, batch.Options(sheet=False), ears, lambda: False)
    return ears.jobs


def looped(folder: Path, number: int, steps: int) -> list[Job]:
    """One session, one file after the other."""
    settings = settings_in(folder)
    paths = files(folder / "in", number, steps)
    ears = Ears()
    session = api.Session(settings, events=ears.event)
    for path in paths:
        if session.run(api.load(path)).status != "done":
            raise SystemExit(f"{path} did not run")
        ears.over()
    return ears.jobs


def shelled(folder: Path, number: int, steps: int) -> list[Job]:
    """A process for each file. Its processor time is not told."""
    settings = settings_in(folder)
    options = ["--models", str(models()), "--output", str(settings.output), "--device", "cpu", "--json"]
    found = []
    for path in files(folder / "in", number, steps):
        command = [sys.executable, "-m", "engine", "run", str(path), *options]
        began = time.perf_counter()
        ended = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        wall = time.perf_counter() - began
        events = [json.loads(line) for line in ended.stdout.splitlines()]
        job = Job(wall=wall)
        for each in events:
            if each["event"] == "step-done" and each["state"] == "run":
                job.add(each["class_type"], each["seconds"])
        found.append(job)
    return found


def figures(jobs: list[Job]) -> dict[str, Any]:
    """Medians per job."""
    found = {
        "jobs": len(jobs),
        "sampler_ms": statistics.median(job.sampler for job in jobs) * 1e3,
        "computing_ms": statistics.median(job.computing for job in jobs) * 1e3,
        "overhead_ms": statistics.median(job.overhead for job in jobs) * 1e3,
        "percent": statistics.median(job.overhead / job.sampler for job in jobs) * 100,
    }
    if jobs[0].cpu:
        found["cpu_ms"] = statistics.median(job.cpu for job in jobs) * 1e3
    return {name: round(value, 2) for name, value in found.items()}


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=1.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tried = min(job.sampler for job in looped(made(folder / "tried"), 5, TRIED)[1:])
        steps = max(1, math.ceil(given.seconds / (tried / TRIED)))
        ways = {
            way.__name__: figures(way(made(folder / way.__name__), given.jobs + 1, steps)[1:])
            for way in (watched, batched, looped)
        }
        ways["shell"] = figures(shelled(made(folder / "shell"), PROCESSES, steps))
    line = {"bench": "unattended", "goal_percent": GOAL, "steps": steps, **ways}
    line |= {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
