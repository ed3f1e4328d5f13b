"""Crew: several workers at the jobs of one source. Who they are, processes or machines, is the crew's own affair."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

from engine.errors import GraphInvalid, WorkersFailed
from engine.working.source import Source, Stop
from engine.working.worker_messages import Gone, Happened, Idle, Message, Ran, Ready, Refused
from schemas.job import JobOrder

PATIENCE = 0.1
"""Seconds to wait for news, or for a job, before looking whether the user wants to stop."""

FALSE_STARTS = 5
"""Workers that may die in a row without having been given a job. One that dies of its jobs is the source's affair:
it counts how often each job has done so, and a bad graph must not stop the others."""

WARM = 4
"""Groups of models that a worker may still have loaded: those it ran last."""


class Crew(Protocol):
    """Workers by number, from 0."""

    def start(self, worker: int) -> None:
        """Let it begin, or begin again after it was gone; it tells when it is ready."""

    def give(self, worker: int, orders: Sequence[JobOrder]) -> None:
        """Let it run these jobs. If it dies meanwhile, news will tell."""

    def halt(self, worker: int) -> None:
        """Let it end the step that it is at, and give back the rest."""

    def news(self, wait: float) -> Iterable[tuple[int, Message]]:
        """What workers told, in order; waits at most so many seconds for the first word. After Gone comes no more."""


class _Worker:
    """What is known of one."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.started = False
        self.working = False
        self.jobs: set[int] = set()
        self.warm: dict[str, None] = {}

    @property
    def idle(self) -> bool:
        return self.started and not self.working

    def takes(self, orders: Sequence[JobOrder]) -> None:
        """Note what it does now; the groups it ran last stand last, and only the last count."""
        self.working = True
        self.jobs.update(order.job for order in orders)
        new = dict.fromkeys(order.group for order in orders if order.group)
        kept = [group for group in self.warm if group not in new]
        self.warm = dict.fromkeys([*kept, *new][-WARM:])


def direct(source: Source, crew: Crew, workers: int, stop: Stop) -> None:
    """Let so many workers run all jobs of a source, each once, and keep their number whoever dies.

    Returns when no more jobs come and none runs, or, once `stop` says so, when the workers have given theirs back.
    Raises GraphInvalid or WorkersFailed if workers cannot start, and whatever the source raises.
    """
    _Direction(source, crew, workers).run(stop)


class _Direction:
    """One call of `direct`."""

    def __init__(self, source: Source, crew: Crew, workers: int) -> None:
        self._source, self._crew = source, crew
        self._workers = [_Worker(number) for number in range(workers)]
        self._false_starts = 0
        self._halting = False

    def run(self, stop: Stop) -> None:
        for worker in self._workers:
            self._crew.start(worker.number)
        while True:
            if stop() and not self._halting:
                self._halt()
            more = not self._halting and self._hand_out()
            if not more and not any(worker.working for worker in self._workers):
                return
            waited = all(worker.idle for worker in self._workers)
            for number, message in self._crew.news(0.0 if waited else PATIENCE):
                self._hear(self._workers[number], message)

    def _halt(self) -> None:
        self._halting = True
        for worker in self._workers:
            if worker.working:
                self._crew.halt(worker.number)

    def _hand_out(self) -> bool:
        """Give jobs to all who have none. False if there are no more, as far as the source can tell now."""
        idle = [worker for worker in self._workers if worker.idle]
        while idle:
            warm = frozenset(group for worker in idle for group in worker.warm)
            orders = self._source.take(warm, PATIENCE if len(idle) == len(self._workers) else 0.0)
            if not orders:
                return orders is not None
            worker = _warmest(idle, orders)
            idle.remove(worker)
            worker.takes(orders)
            self._crew.give(worker.number, orders)
        return True

    def _hear(self, worker: _Worker, message: Message) -> None:
        match message:
            case Ready():
                worker.started = True
            case Happened(job, event):
                self._source.event(job, event)
            case Ran(result):
                self._false_starts = 0
                worker.jobs.discard(result.job)
                self._source.done(result)
            case Idle():
                worker.working = False
                self._missing(worker, "its worker said nothing of it")
            case Refused(problems, said):
                raise GraphInvalid(problems) if problems else WorkersFailed(said)
            case Gone(why):
                self._bury(worker, why)

    def _missing(self, worker: _Worker, why: str) -> None:
        """Give back the jobs that a worker has not brought to an end."""
        if worker.jobs:
            self._source.lost(sorted(worker.jobs), why)
            worker.jobs.clear()

    def _bury(self, worker: _Worker, why: str) -> None:
        """Give its jobs back, and put another in its place."""
        self._false_starts += not worker.working
        self._missing(worker, why)
        self._workers[worker.number] = _Worker(worker.number)
        if self._halting:
            return
        if self._false_starts > FALSE_STARTS:
            raise WorkersFailed(f"{self._false_starts} workers in a row died before they were given a job; {why}")
        self._crew.start(worker.number)


def _warmest(idle: Sequence[_Worker], orders: Sequence[JobOrder]) -> _Worker:
    """Who has loaded what most of these jobs need; if nobody has, who has loaded least."""
    groups = Counter(order.group for order in orders if order.group)
    return max(idle, key=lambda worker: (sum(groups[group] for group in worker.warm), -len(worker.warm)))
