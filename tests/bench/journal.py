"""What the journal costs for each job, at the start of a long queue and at its end. One JSON line.

python -m tests.bench.journal [--jobs 10000] [--folder DIR]

Beside it, on the same disk: what one would write instead, a folder of files, where a job is claimed by a rename, its
outcome is a file, and both are synced, as their folders are. It knows no order but that of names, and no dead owners.
wall: waits for the disk included, which other programs lengthen; cpu: this process's own.
"""

import argparse
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.journal.journal import Journal, NewJob

PAYLOAD = json.dumps({"stamp": "1234567 1764000000000000000 424242", "row": {"3.seed": 4}})
OUTCOME = json.dumps({"report": {"status": "done", "steps": list(range(300))}, "drafts": [], "seconds": 1.0})
EDGE = 1000
"""Jobs at either end that are looked at."""


Seconds = list[tuple[float, float]]
"""Wall and processor seconds of every job."""


def micro(seconds: Seconds) -> dict[str, list[int]]:
    """Medians in µs, wall and cpu, of the first jobs and of the last."""
    parts = {"first": seconds[:EDGE], "last": seconds[-EDGE:]}
    return {
        name: [round(statistics.median(each) * 1e6) for each in zip(*part, strict=True)] for name, part in parts.items()
    }


def milli(work: Callable[[], object], turns: int = 7) -> float:
    """Median milliseconds."""
    found = []
    for _ in range(turns):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return round(statistics.median(found) * 1e3, 2)


def each(jobs: Iterator[Callable[[], None]]) -> Seconds:
    """What every job took."""
    found = []
    for job in jobs:
        began, used = time.perf_counter(), time.process_time()
        job()
        found.append((time.perf_counter() - began, time.process_time() - used))
    return found


def journals(folder: Path, count: int) -> dict[str, object]:
    """Ours."""
    path = folder / "journal.sqlite"

    def through() -> None:
        (job,) = journal.take()
        journal.begin([job.id])
        journal.finishing(job.id, OUTCOME)
        journal.end(job.id, failed=False, seconds=1.0)

    with Journal(path) as journal:
        began = time.perf_counter()
        journal.add(NewJob(f"sub/graph-{number:06}.json", PAYLOAD, f"model-{number % 3}") for number in range(count))
        together = time.perf_counter() - began
        listed = milli(lambda: journal.jobs("waiting", limit=20))
        claims = each((lambda: journal.put_back([journal.take(groups=["model-2"])[0].id])) for _ in range(EDGE))
        steps = each(through for _ in range(count))
        found: dict[str, object] = {
            "add_all_us_per_job": round(together / count * 1e6, 1),
            "claim_by_group_and_put_back_us": micro(claims)["last"],
            "job_us": micro(steps),
            "counts_ms": milli(journal.counts),
            "list_20_waiting_ms": listed,
            "list_20_newest_ms": milli(lambda: journal.jobs("done", newest=True, limit=20)),
            "list_all_ms": milli(journal.jobs, 3),
            "orphans_ms": milli(journal.orphans),
        }
        singles = iter(range(count, count + EDGE))
        found["add_one_us"] = micro(each((lambda: one(journal, next(singles))) for _ in range(EDGE)))["last"]
        assert journal.counts()["done"] == count
        found["mode"] = journal.mode
    return {**found, "bytes": path.stat().st_size}


def one(journal: Journal, number: int) -> None:
    """Queue one job."""
    journal.add([NewJob(f"sub/graph-{number:06}.json", PAYLOAD)])


def synced(path: Path, text: str) -> None:
    """A file that is on the disk."""
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def moved(path: Path, target: Path) -> Path:
    """A rename that is on the disk."""
    path.rename(target / path.name)
    for folder in {path.parent, target}:
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    return target / path.name


def folders(root: Path, count: int) -> dict[str, object]:
    """The other way: waiting/, running/, done/."""
    waiting, running, done = (root / name for name in ("waiting", "running", "done"))
    for folder in (waiting, running, done):
        folder.mkdir()
    began = time.perf_counter()
    for number in range(count):
        (waiting / f"graph-{number:06}.json").write_text(PAYLOAD)
    os.sync()
    together = time.perf_counter() - began

    def through() -> None:
        job = moved(min(waiting.iterdir()), running)
        synced(job.with_suffix(".out"), OUTCOME)
        moved(job.with_suffix(".out"), done)
        moved(job, done)

    steps = each(through for _ in range(count))
    return {
        "add_all_us_per_job": round(together / count * 1e6, 1),
        "job_us": micro(steps),
        "counts_ms": milli(lambda: [sum(1 for _ in folder.iterdir()) for folder in (waiting, running, done)]),
    }


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--folder", help="on the disk to be measured; a temporary one is made in it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        line = {"bench": "journal", "jobs": given.jobs, "journal": journals(Path(name), given.jobs)}
        line["folder_of_files"] = folders(Path(name), given.jobs)
    line |= {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "cores": os.cpu_count()}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
