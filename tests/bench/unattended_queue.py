"""10,000 files in a watched folder: found, queued, claimed and put away; does their number slow it down? One JSON line.

    python -m tests.bench.unattended_queue [--files 10000] [--folder DIR]

Everything that `comfyless watch` does but the running: each graph is done as soon as it is handed out. queued_s: until
all are in the journal; claim_ms, end_ms: medians per job (its file read, its attempt begun; report written, file moved,
journal), of the first thousand and the last, each over 1,000 jobs of a queue that long. look_ms: processor time of one
look into the folder while all files wait; share: processor time of all looks, of the wall time, while jobs of a second
each run, in percent. glob: what a loop would do for each job instead, sorted(folder.glob("*.json"))[0], and a rename.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from engine.journal.journal import Journal
from engine.watching.arrivals import Arrivals
from engine.watching.desk import WatchDesk
from engine.watching.lookout import Lookout
from engine.watching.waking import Waker
from engine.working.work import roots_of
from schemas.job import JobOrder, JobResult
from schemas.report import Event, RunReport
from schemas.settings import Settings

GRAPH = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}
EDGE = 1000
"""Jobs at either end that are looked at."""
GLOBBED = 100
"""Jobs that the loop takes, of all that wait."""
SECONDS = 6
"""Jobs that take a second."""


class Ears:
    """Hears nothing but trouble."""

    def event(self, event: Event, job: int | None = None) -> None:
        """Pass over it."""

    def note(self, said: str) -> None:
        """Show it."""
        sys.stderr.write(f"{said}\n")


@contextmanager
def watching(folder: Path, settings: Settings) -> Iterator[tuple[WatchDesk, Journal]]:
    """What watch.watch puts together, without the one that runs."""
    ears = Ears()
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(folder / ".comfyless" / "journal.sqlite"))
        arrivals = Arrivals(folder, note=ears.note)
        lookout = stack.enter_context(Lookout(arrivals, Waker(polling=False, note=ears.note), journal, note=ears.note))
        desk = WatchDesk(
            journal,
            folder,
            lookout,
            settings,
            listener=ears,
            once=True,
            folder=folder / ".comfyless",
            roots=roots_of(settings),
            wave=1,
        )
        stack.enter_context(closing(desk))
        yield desk, journal


def taken(desk: WatchDesk) -> JobOrder | None:
    """The next job."""
    while (orders := desk.take(frozenset(), 0.5)) is not None:
        if orders:
            return orders[0]
    return None


def finished(desk: WatchDesk, order: JobOrder) -> None:
    """It is done."""
    desk.done(JobResult(job=order.job, report=RunReport(file=order.workflow.name, status="done")))


def edges(seconds: list[float]) -> dict[str, float]:
    """Median milliseconds of the first and the last."""
    parts = {"first": seconds[:EDGE], "last": seconds[-EDGE:]}
    return {name: round(statistics.median(part) * 1e3, 2) for name, part in parts.items()}


def look(folder: Path) -> float:
    """Processor milliseconds of a look that finds nothing new."""
    arrivals = Arrivals(folder)
    while arrivals.look() or arrivals.pending:
        time.sleep(0.05)
    found = []
    for _ in range(7):
        began = time.thread_time()
        arrivals.look()
        found.append(time.thread_time() - began)
    return round(statistics.median(found) * 1e3, 1)


def watched(folder: Path, settings: Settings, count: int) -> dict[str, Any]:
    """Ours."""
    began = time.perf_counter()
    with watching(folder, settings) as (desk, journal):
        while journal.counts()["waiting"] < count:
            time.sleep(0.05)
        queued = time.perf_counter() - began
        shares = []
        for _ in range(SECONDS):
            order = taken(desk)
            assert order is not None
            began, used = time.perf_counter(), time.process_time()
            time.sleep(1.0)
            shares.append((time.process_time() - used) / (time.perf_counter() - began))
            finished(desk, order)
        claims, ends = [], []
        at = time.perf_counter()
        while (order := taken(desk)) is not None:
            between = time.perf_counter()
            finished(desk, order)
            claims.append(between - at)
            at = time.perf_counter()
            ends.append(at - between)
        assert journal.counts()["done"] == count
    return {
        "queued_s": round(queued, 2),
        "claim_ms": edges(claims),
        "end_ms": edges(ends),
        "share_percent": round(statistics.median(shares) * 100, 2),
    }


def globbed(folder: Path, count: int) -> dict[str, float]:
    """The loop."""
    (folder / "ours").mkdir()
    found = []
    for _ in range(count):
        began = time.perf_counter()
        path = sorted(folder.glob("*.json"))[0]
        path.rename(folder / "ours" / path.name)
        json.loads((folder / "ours" / path.name).read_bytes())
        found.append(time.perf_counter() - began)
    return edges(found)


def fill(folder: Path, count: int) -> None:
    """Many graphs."""
    folder.mkdir()
    for number in range(count):
        (folder / f"graph-{number:06}.json").write_text(json.dumps(GRAPH))


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--folder", help="on the disk to be measured; a temporary one is made in it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        root = Path(name)
        for kind in ("in", "loop"):
            fill(root / kind, given.files)
        settings = Settings(output=root / "output", temp=root / "temp", cache="off")
        looks = look(root / "in")
        ours = watched(root / "in", settings, given.files)
        line = {"bench": "unattended_queue", "files": given.files, "look_ms": looks, **ours}
        line["glob_claim_ms"] = globbed(root / "loop", min(given.files, GLOBBED))
    line |= {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
