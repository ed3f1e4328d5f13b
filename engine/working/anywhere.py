"""Anywhere: a source's jobs run where the user wants them to: in this process, in several, or on a cluster."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.api import Session
from engine.working.source import Source, Stop
from schemas.report import Event
from schemas.settings import Settings


@dataclass(frozen=True, slots=True)
class Where:
    """workers: processes, 0 for this one alone; on a cluster, 0 for what it has room for. ray: a cluster's address."""

    workers: int = 0
    ray: str | None = None


def run(source: Source, settings: Settings, where: Where, stop: Stop, hear: Callable[[Event], None]) -> None:
    """Run a source's jobs until no more will come or the user wants to stop. hear: what is told of no job.

    Raises GraphInvalid for settings that cannot be used, WorkersFailed, and what the source raises.
    """
    if where.ray is not None:
        from engine.working import ray_workers

        ray_workers.run(source, settings, where.ray, stop, workers=where.workers or None)
    elif where.workers:
        from engine.working import processes

        processes.run(source, settings, where.workers, stop)
    else:
        from engine.working import in_process

        with Session(settings, events=hear, stop=stop) as session:
            in_process.run(source, session, stop)
