"""A source for tests of workers: it hands jobs out, notes what comes back, and hands lost ones out again."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from engine import api
from schemas.job import JobOrder, JobResult
from schemas.prompt import Prompt
from schemas.report import Event
from schemas.workflow import Workflow


def order(job: int, group: str = "") -> JobOrder:
    """An order that is not meant to be run."""
    workflow = Workflow(name=f"{job}.json", form="api", prompt=Prompt(nodes={}))
    return JobOrder(job=job, workflow=workflow, staging=f"staging/{job}", group=group)


def picture(job: int, folder: Path, side: int = 16, color: int | None = None, batch: int = 1) -> JobOrder:
    """An order that makes pictures of one colour, without models."""
    color = job if color is None else color
    graph = {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": side, "height": side, "batch_size": batch, "color": color},
        },
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": f"job-{job}"}},
    }
    return JobOrder(
        job=job,
        workflow=api.load(json.dumps(graph).encode(), f"{job}.json"),
        staging=str(folder / "staging" / str(job)),
    )


class Queue:
    """A source of waves of so many jobs that prefers warm ones, as a desk does. hears: told every event."""

    def __init__(
        self, orders: Iterable[JobOrder], wave: int = 1, hears: Callable[[int, Event], None] | None = None
    ) -> None:
        self.all = {order.job: order for order in orders}
        self.waiting = list(self.all.values())
        self.wave = wave
        self.results: list[JobResult] = []
        self.losses: list[tuple[list[int], str]] = []
        self.events: list[tuple[int, Event]] = []
        self._hears = hears

    @property
    def ended(self) -> list[tuple[int, str]]:
        """Jobs and how they ended, in that order."""
        return [(result.job, result.report.status) for result in self.results]

    def take(self, warm: frozenset[str], wait: float) -> Sequence[JobOrder] | None:
        if not self.waiting:
            return None
        chosen = sorted(self.waiting, key=lambda order: order.group not in warm)[: self.wave]
        self.waiting = [order for order in self.waiting if order not in chosen]
        return chosen

    def done(self, result: JobResult) -> None:
        self.results.append(result)

    def lost(self, jobs: Sequence[int], why: str) -> None:
        self.losses.append((list(jobs), why))
        self.waiting.extend(self.all[job] for job in jobs)

    def event(self, job: int, event: Event) -> None:
        self.events.append((job, event))
        if self._hears is not None:
            self._hears(job, event)
