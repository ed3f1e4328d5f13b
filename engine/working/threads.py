"""Threads: how many each worker may use, so that workers of one machine do not fight for its cores."""

import os
from collections.abc import Mapping
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Read once, when the libraries that obey them are imported."""


def share(workers: int, given: int | None) -> int | None:
    """Threads for each of so many workers; at least 1. None: one worker alone, the libraries know best.

    given: what the user wants for each worker; it counts.
    """
    if given is not None:
        return given
    quota = _quota()
    if workers == 1 and quota is None:
        return None
    cores = _cores()
    return max(1, (cores if quota is None else min(cores, quota)) // workers)


def environment(threads: int | None) -> Mapping[str, str]:
    """What a process must find in its environment to start with so many threads."""
    return {} if threads is None else dict.fromkeys(VARIABLES, str(threads))


def _cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> int | None:
    """Cores' worth of time that a container may use, rounded down, at least 1; None if nothing limits it.

    Control groups v2 keep "<microseconds or max> <period>" in cpu.max, v1 the two in files of their own.
    """
    try:
        limit, period = (GROUPS / "cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        try:
            limit = (GROUPS / "cpu" / "cpu.cfs_quota_us").read_text("ascii").strip()
            period = (GROUPS / "cpu" / "cpu.cfs_period_us").read_text("ascii").strip()
        except OSError:
            return None
    if not limit.isdigit() or not period.isdigit() or int(period) == 0:  # "max", or -1 in v1
        return None
    return max(1, int(limit) // int(period))
