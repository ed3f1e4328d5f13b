"""Any sequence of calls by up to three owners, against a model of a few lines."""

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.journal.journal import Job, Journal, NewJob
from schemas.job import JobState

NAMES = st.sampled_from(["a", "b", "ä/\udce9", ""])
GROUPS = st.sampled_from(["", "x", "y"])
OWNERS = st.integers(0, 2)


@dataclass
class Known:
    """A job as it should be. owner: a number that no two openings of the journal share."""

    id: int
    name: str
    payload: str
    group: str
    state: JobState = "waiting"
    owner: int | None = None
    attempts: int = 0
    crashes: int = 0
    outcome: str | None = None
    error: str | None = None


def as_known(job: Job, owner: int | None) -> Known:
    told = {each: getattr(job, each) for each in ("attempts", "crashes", "outcome", "error")}
    return Known(job.id, job.name, job.payload, job.group, job.state, owner, **told)


@dataclass
class Model:
    """Jobs by id, and those that are over in the order in which they ended."""

    jobs: dict[int, Known] = field(default_factory=dict)
    over: list[int] = field(default_factory=list)

    def open(self, name: str) -> Known | None:
        return next((job for job in self.jobs.values() if job.name == name and job.id not in self.over), None)

    def claimed(self, owner: int, *states: JobState) -> list[Known]:
        return [job for job in self.jobs.values() if job.owner == owner and job.state in states]


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.model = Model()
        self.openings = 0
        self.journals: list[tuple[int, Journal]] = []
        for _ in range(3):
            self.journals.append(self.opened())

    def opened(self) -> tuple[int, Journal]:
        self.openings += 1
        return self.openings, Journal(Path(self.folder.name) / "journal.sqlite")

    def teardown(self) -> None:
        for _, journal in self.journals:
            journal.close()
        self.folder.cleanup()

    @rule(who=OWNERS, jobs=st.lists(st.tuples(NAMES, st.sampled_from("pq"), GROUPS), max_size=4))
    def add(self, who: int, jobs: list[tuple[str, str, str]]) -> None:
        made = self.journals[who][1].add([NewJob(*job) for job in jobs])
        fresh = iter(made)
        for name, payload, group in jobs:
            known = self.model.open(name)
            if known is None:
                job = next(fresh)
                assert job > max(self.model.jobs, default=0)
                self.model.jobs[job] = Known(job, name, payload, group)
            elif known.state == "waiting":
                changed = {} if payload == known.payload else {"attempts": 0, "crashes": 0, "error": None}
                self.model.jobs[known.id] = replace(known, payload=payload, group=group, **changed)
        assert next(fresh, None) is None

    @rule(who=OWNERS, limit=st.integers(0, 3), groups=st.sets(GROUPS))
    def take(self, who: int, limit: int, groups: set[str]) -> None:
        owner, journal = self.journals[who]
        waiting = [job for job in self.model.jobs.values() if job.state == "waiting"]
        expected = sorted(waiting, key=lambda job: (job.group not in groups, job.id))[:limit]
        for job in expected:
            job.state, job.owner = "running", owner
        assert [as_known(job, owner) for job in journal.take(limit, groups=groups)] == expected

    @rule(who=OWNERS)
    def begin(self, who: int) -> None:
        owner, journal = self.journals[who]
        jobs = self.model.claimed(owner, "running")
        journal.begin([job.id for job in jobs])
        for job in jobs:
            job.attempts += 1

    @rule(who=OWNERS, error=st.sampled_from([None, "why"]), crashed=st.booleans(), uncount=st.booleans())
    def put_back(self, who: int, error: str | None, crashed: bool, uncount: bool) -> None:
        owner, journal = self.journals[who]
        jobs = self.model.claimed(owner, "running")[:2]
        journal.put_back([job.id for job in jobs], error=error, crashed=crashed, uncount=uncount)
        for job in jobs:
            job.state, job.owner, job.error = "waiting", None, error or job.error
            job.crashes += crashed
            job.attempts = max(0, job.attempts - uncount)

    @rule(who=OWNERS, outcome=st.sampled_from("uv"), data=st.data())
    def finishing(self, who: int, outcome: str, data: st.DataObject) -> None:
        owner, journal = self.journals[who]
        if jobs := self.model.claimed(owner, "running", "finishing"):
            job = data.draw(st.sampled_from(jobs))
            journal.finishing(job.id, outcome)
            job.state, job.outcome = "finishing", outcome

    @rule(who=OWNERS, failed=st.booleans(), data=st.data())
    def end(self, who: int, failed: bool, data: st.DataObject) -> None:
        owner, journal = self.journals[who]
        if jobs := self.model.claimed(owner, "running", "finishing"):
            job = data.draw(st.sampled_from(jobs))
            journal.end(job.id, failed=failed, error="bad" if failed else None)
            job.state, job.owner, job.error = ("failed", None, "bad") if failed else ("done", None, None)
            self.model.over.append(job.id)

    @rule(who=OWNERS, data=st.data())
    def drop(self, who: int, data: st.DataObject) -> None:
        owner, journal = self.journals[who]
        waiting = [job for job in self.model.jobs.values() if job.state == "waiting"]
        if jobs := waiting + self.model.claimed(owner, "running"):
            job = data.draw(st.sampled_from(jobs)).id
            journal.drop(job)
            del self.model.jobs[job]

    @rule(who=OWNERS)
    def die(self, who: int) -> None:
        """Closed in the middle of its work, which leaves what a death leaves; another one opens the journal."""
        self.journals[who][1].close()
        self.journals[who] = self.opened()

    @rule(who=OWNERS)
    def orphans(self, who: int) -> None:
        owner, journal = self.journals[who]
        living = {each for each, _ in self.journals}
        expected = [job for job in self.model.jobs.values() if job.owner is not None and job.owner not in living]
        for job in expected:
            job.owner = owner
        assert [as_known(job, owner) for job in journal.orphans()] == sorted(expected, key=lambda job: job.id)

    @rule(who=OWNERS)
    def again(self, who: int) -> None:
        jobs = self.model.jobs
        latest = {job.name: job for job in sorted(jobs.values(), key=lambda job: job.id)}
        failed = [job for job in latest.values() if job.state == "failed"]
        assert self.journals[who][1].again() == len(failed)
        for job in failed:
            jobs[job.id] = Known(job.id, job.name, job.payload, job.group)
            self.model.over.remove(job.id)

    @precondition(lambda self: self.model.over)
    @rule(who=OWNERS, keep=st.integers(0, 3))
    def trim(self, who: int, keep: int) -> None:
        gone = self.model.over[: max(0, len(self.model.over) - keep)]
        assert self.journals[who][1].trim(keep) == len(gone)
        self.model.over = self.model.over[len(gone) :]
        for job in gone:
            del self.model.jobs[job]

    @invariant()
    def all_see_the_same(self) -> None:
        model = self.model
        expected = [model.jobs[job] for job in sorted(model.jobs)]
        for _, journal in self.journals:
            assert [as_known(job, model.jobs[job.id].owner) for job in journal.jobs()] == expected
        journal = self.journals[0][1]
        assert [job.id for job in journal.jobs("done", "failed", newest=True)] == model.over[::-1]
        states = [job.state for job in expected]
        assert journal.counts() == {state: states.count(state) for state in journal.counts()}


Histories.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None, derandomize=True)
test_any_history_is_as_the_model_has_it = Histories.TestCase
