"""Every order gets one result, whatever happens to it or beside it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.working import in_process, work
from schemas.job import JobOrder, JobResult
from schemas.prompt import Prompt
from schemas.report import Event, RunReport, StepReport
from schemas.settings import Settings
from schemas.workflow import Workflow


class FakeSession:
    """Runs tasks by a function of their name; `break_on` breaks the whole run, as a fault of ours would."""

    failure = None

    def __init__(self, folder: Path, break_on: str = "", failing: str = "") -> None:
        self.settings = Settings(output=folder / "output", temp=folder / "temp")
        self.break_on, self.failing = break_on, failing
        self.waves: list[list[int]] = []

    def run_all(
        self,
        tasks: Sequence[Any],
        ended: Callable[[int, RunReport, str | None], None],
        event: Callable[[int, Event], None] | None = None,
    ) -> None:
        self.waves.append([task.job for task in tasks])
        for task in tasks:
            name = task.workflow.name
            if name == self.break_on:
                raise RuntimeError("no such thing")
            report = RunReport(file=name, status="failed" if name == self.failing else "done")
            path = task.pictures.save(np.zeros((2, 2, 3), np.uint8), "x", "output", 0, {})
            report.outputs = {"1": [str(path)]}
            report.steps = [
                StepReport(node="1", class_type="A", state="run", seconds=0.5),
                StepReport(node="2", class_type="A", state="cached", seconds=9),
            ]
            ended(task.job, report, "traceback" if name == self.failing else None)


def order(job: int, folder: Path, group: str = "") -> JobOrder:
    workflow = Workflow(name=f"g{job}", form="api", prompt=Prompt(nodes={}))
    return JobOrder(job=job, workflow=workflow, staging=str(folder / "staging" / str(job)), group=group)


def results(session: FakeSession, orders: Sequence[JobOrder]) -> list[JobResult]:
    given: list[JobResult] = []
    work.carry_out(session, orders, given.append)  # type: ignore[arg-type]
    return given


def test_a_result_names_its_drafts_and_the_seconds_of_its_own_steps(tmp_path: Path) -> None:
    (result,) = results(FakeSession(tmp_path), [order(1, tmp_path)])
    assert (result.job, result.seconds, result.failure, result.disk) == (1, 0.5, None, None)
    assert [Path(draft.file).parent.name for draft in result.drafts] == ["1"]


def test_a_failure_keeps_its_traceback(tmp_path: Path) -> None:
    found = results(FakeSession(tmp_path, failing="g2"), [order(1, tmp_path), order(2, tmp_path)])
    assert [(result.report.status, result.failure) for result in found] == [("done", None), ("failed", "traceback")]


def test_a_fault_of_ours_fails_one_graph_and_takes_no_other_along(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, break_on="g2")
    found = results(session, [order(job, tmp_path) for job in (1, 2, 3)])
    assert {result.job: result.report.status for result in found} == {1: "done", 2: "failed", 3: "done"}
    assert session.waves == [[1, 2, 3], [2], [3]]
    broken = next(result for result in found if result.job == 2)
    assert broken.report.error == "internal error: RuntimeError: no such thing"
    assert "Traceback" in (broken.failure or "")


def test_what_the_taker_of_results_raises_is_raised_and_nothing_else_runs(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)

    def refuse(result: JobResult) -> None:
        raise OSError("the journal is gone")

    with pytest.raises(OSError, match="the journal is gone"):
        work.carry_out(session, [order(job, tmp_path) for job in (1, 2)], refuse)  # type: ignore[arg-type]
    assert session.waves == [[1, 2]]


class FakeSource:
    """Gives these waves; notes what was asked for."""

    def __init__(self, waves: list[Sequence[JobOrder] | None]) -> None:
        self.waves, self.asked, self.results = waves, list[frozenset[str]](), list[JobResult]()

    def take(self, warm: frozenset[str], wait: float) -> Sequence[JobOrder] | None:
        self.asked.append(warm)
        return self.waves.pop(0)

    def done(self, result: JobResult) -> None:
        self.results.append(result)

    def lost(self, jobs: Sequence[int], why: str) -> None:
        raise AssertionError("nothing can be lost here")

    def event(self, job: int, event: Event) -> None:
        """Not of interest."""


def test_a_source_is_asked_until_it_has_no_more_and_told_what_is_warm(tmp_path: Path) -> None:
    source = FakeSource([[order(1, tmp_path, "a")], [], [order(2, tmp_path, "b"), order(3, tmp_path)], None])
    in_process.run(source, FakeSession(tmp_path), lambda: False)  # type: ignore[arg-type]
    assert [result.job for result in source.results] == [1, 2, 3]
    assert source.asked == [frozenset(), {"a"}, {"a"}, {"a", "b"}]


def test_after_a_wish_to_stop_nothing_more_is_taken(tmp_path: Path) -> None:
    source = FakeSource([[order(1, tmp_path)], [order(2, tmp_path)]])
    in_process.run(source, FakeSession(tmp_path), lambda: bool(source.results))  # type: ignore[arg-type]
    assert [result.job for result in source.results] == [1]
