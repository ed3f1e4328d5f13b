"""A process at work on a journal, to be killed: `python -m tests.journal.clerk JOURNAL LOG PAUSE`.

Takes over what the dead left, claims jobs, brings each to its end, and writes "id\n" into LOG when a job's outcome has
been carried out, which for this clerk is that very line. Ends when nothing is left; prints "claimed" after its first
claim. PAUSE: seconds that a job runs.
"""

import os
import sys
import time
from pathlib import Path

from engine.journal.journal import Job, Journal


def carry_out(journal: Journal, job: Job, log: Path) -> None:
    """Write the job's line, once however often it is tried, and end it."""
    line = f"{job.id}\n"
    if line not in log.read_text().splitlines(keepends=True):
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, line.encode())
        os.close(descriptor)
    journal.end(job.id, failed=False)


def work(journal: Journal, log: Path, pause: float) -> None:
    """Until nothing is left to do for anybody."""
    while True:
        for job in journal.orphans():
            if job.state == "finishing":
                carry_out(journal, job, log)
            else:
                journal.put_back([job.id], crashed=True)
        jobs = journal.take(3)
        sys.stdout.write("claimed\n")
        sys.stdout.flush()
        journal.begin([job.id for job in jobs])
        for job in jobs:
            time.sleep(pause)
            journal.finishing(job.id, job.payload)
            carry_out(journal, job, log)
        counts = journal.counts()
        if not jobs and not counts["waiting"] + counts["running"] + counts["finishing"]:
            return


def main() -> None:
    """Work as told."""
    path, log, pause = sys.argv[1:]
    with Journal(Path(path)) as journal:
        work(journal, Path(log), float(pause))


if __name__ == "__main__":
    main()
