"""Who is given what, and what becomes of the jobs of those who die; the workers are played by the test."""

from collections import deque
from collections.abc import Iterable, Sequence

import pytest

from engine.errors import GraphInvalid, WorkersFailed
from engine.working.worker_crew import FALSE_STARTS, WARM, direct
from engine.working.worker_messages import Gone, Happened, Idle, Message, Ran, Ready, Refused
from schemas.job import JobOrder, JobResult
from schemas.report import Noted, Problem, RunReport
from tests.working.worker_queue import Queue, order


def ran(job: int, status: str = "done") -> Ran:
    return Ran(JobResult(job=job, report=RunReport(file=f"{job}.json", status=status)))


class Players:
    """A crew whose workers do as `play` says: it gives the messages that follow a start or jobs."""

    def __init__(self) -> None:
        self.given: list[tuple[int, list[int]]] = []
        self.starts: list[int] = []
        self.halts: list[int] = []
        self.messages: deque[tuple[int, Message]] = deque()

    def start(self, worker: int) -> None:
        self.starts.append(worker)
        self.tell(worker, *self.on_start(worker))

    def on_start(self, worker: int) -> Sequence[Message]:
        return [Ready()]

    def give(self, worker: int, orders: Sequence[JobOrder]) -> None:
        jobs = [order.job for order in orders]
        self.given.append((worker, jobs))
        self.tell(worker, *self.on_jobs(worker, jobs))

    def on_jobs(self, worker: int, jobs: Sequence[int]) -> Sequence[Message]:
        return [*map(ran, jobs), Idle()]

    def halt(self, worker: int) -> None:
        self.halts.append(worker)

    def tell(self, worker: int, *messages: Message) -> None:
        self.messages.extend((worker, message) for message in messages)

    def news(self, wait: float) -> Iterable[tuple[int, Message]]:
        while self.messages:
            yield self.messages.popleft()


def never() -> bool:
    return False


def test_every_job_runs_once_and_events_are_passed_on() -> None:
    class Telling(Players):
        def on_jobs(self, worker: int, jobs: Sequence[int]) -> Sequence[Message]:
            return [Happened(jobs[0], Noted("noted", None, "so")), *super().on_jobs(worker, jobs)]

    source = Queue(order(job) for job in range(9))
    direct(source, Telling(), 3, never)
    assert sorted(source.ended) == [(job, "done") for job in range(9)]
    assert sorted(job for job, _ in source.events) == list(range(9))
    assert not source.losses


def test_jobs_go_where_their_models_are_loaded() -> None:
    source = Queue(order(job, group) for job, group in enumerate("abbaabab"))
    crew = Players()
    direct(source, crew, 2, never)
    where = {source.all[job].group + str(worker) for worker, jobs in crew.given for job in jobs}
    assert where == {"a0", "b1"}


def test_a_worker_is_warm_only_for_what_it_ran_last() -> None:
    asked: list[frozenset[str]] = []

    class Asking(Queue):
        def take(self, warm: frozenset[str], wait: float) -> Sequence[JobOrder] | None:
            asked.append(warm)
            return super().take(warm, wait)

    direct(Asking(order(job, f"g{job}") for job in range(WARM + 2)), Players(), 1, never)
    assert asked[-1] == {f"g{job}" for job in range(2, WARM + 2)}


def test_only_what_had_not_ended_is_lost_with_a_worker_and_another_takes_its_place() -> None:
    class Wave(Queue):
        def take(self, warm: frozenset[str], wait: float) -> Sequence[JobOrder] | None:
            wave, self.waiting = self.waiting, []
            return wave or None

    class DiesOnce(Players):
        def on_jobs(self, worker: int, jobs: Sequence[int]) -> Sequence[Message]:
            return [ran(jobs[0]), Gone("it was killed")] if len(self.given) == 1 else super().on_jobs(worker, jobs)

    source, crew = Wave(order(job) for job in range(3)), DiesOnce()
    direct(source, crew, 1, never)
    assert source.losses == [([1, 2], "it was killed")]
    assert source.ended == [(job, "done") for job in range(3)]
    assert crew.starts == [0, 0]


def test_a_job_that_a_worker_says_nothing_of_is_lost() -> None:
    class Forgets(Players):
        def on_jobs(self, worker: int, jobs: Sequence[int]) -> Sequence[Message]:
            return [Idle()] if len(self.given) == 1 else super().on_jobs(worker, jobs)

    source = Queue([order(1)])
    direct(source, Forgets(), 1, never)
    assert [jobs for jobs, _ in source.losses] == [[1]]
    assert source.ended == [(1, "done")]


def test_workers_that_die_before_they_work_end_the_run_with_the_reason() -> None:
    class StillBorn(Players):
        def on_start(self, worker: int) -> Sequence[Message]:
            return [Gone("exit code 127")]

    crew = StillBorn()
    with pytest.raises(WorkersFailed, match="exit code 127"):
        direct(Queue([order(1)]), crew, 1, never)
    assert len(crew.starts) == FALSE_STARTS + 1


def test_a_job_that_kills_its_workers_does_not_end_the_run() -> None:
    class GivesUp(Queue):
        def lost(self, jobs: Sequence[int], why: str) -> None:
            super().lost(jobs, why)
            if len(self.losses) == 2 * FALSE_STARTS:
                self.waiting.clear()

    class Poisoned(Players):
        def on_jobs(self, worker: int, jobs: Sequence[int]) -> Sequence[Message]:
            return [Gone("killed")]

    source = GivesUp([order(1)])
    direct(source, Poisoned(), 1, never)
    assert len(source.losses) == 2 * FALSE_STARTS


def test_a_worker_that_refuses_its_settings_ends_the_run_with_the_problems() -> None:
    problem = Problem(code="bad-setting", field="device", said="no such device", fix="Give another.")

    class Refusing(Players):
        def on_start(self, worker: int) -> Sequence[Message]:
            return [Refused((problem,), "no such device")]

    with pytest.raises(GraphInvalid) as raised:
        direct(Queue([order(1)]), Refusing(), 1, never)
    assert raised.value.problems == [problem]


def test_a_worker_that_cannot_import_ends_the_run_in_words() -> None:
    class Refusing(Players):
        def on_start(self, worker: int) -> Sequence[Message]:
            return [Refused((), "No module named 'torch'")]

    with pytest.raises(WorkersFailed, match="torch"):
        direct(Queue([order(1)]), Refusing(), 1, never)


def test_on_a_stop_workers_give_back_what_they_have_and_get_no_more() -> None:
    class Slow(Players):
        def on_jobs(self, worker: int, jobs: Sequence[int]) -> Sequence[Message]:
            return []

        def halt(self, worker: int) -> None:
            super().halt(worker)
            jobs = next(jobs for given, jobs in self.given if given == worker)
            self.tell(worker, *(ran(job, "interrupted") for job in jobs), Idle())

    source, crew = Queue(order(job) for job in range(5)), Slow()
    direct(source, crew, 2, lambda: len(crew.given) == 2)
    assert crew.halts == [0, 1]
    assert [status for _, status in source.ended] == ["interrupted"] * 2
    assert len(source.waiting) == 3


def test_nobody_takes_the_place_of_one_who_dies_while_stopping() -> None:
    class DiesThen(Players):
        def on_jobs(self, worker: int, jobs: Sequence[int]) -> Sequence[Message]:
            return []

        def halt(self, worker: int) -> None:
            self.tell(worker, Gone("killed"))

    source, crew = Queue(order(job) for job in range(2)), DiesThen()
    direct(source, crew, 1, lambda: bool(crew.given))
    assert source.losses == [([0], "killed")]
    assert crew.starts == [0]
