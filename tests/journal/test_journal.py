import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import JournalInvalid
from engine.journal.database import APPLICATION, VERSION
from engine.journal.journal import Job, Journal, NewJob


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "state" / "journal.sqlite") as made:
        yield made


def another(journal: Journal) -> Journal:
    return Journal(journal._path)


def names(jobs: list[Job]) -> list[str]:
    return [job.name for job in jobs]


def test_jobs_are_claimed_in_the_order_they_were_queued(journal: Journal) -> None:
    ids = journal.add([NewJob(name) for name in "cab"])
    assert ids == sorted(ids)
    assert names(journal.take(2)) == ["c", "a"]
    assert names(journal.take(2)) == ["b"]
    assert journal.take(2) == []


def test_a_limit_of_none_or_less_claims_nothing(journal: Journal) -> None:
    journal.add([NewJob("a", group="g")])
    assert journal.take(0) == journal.take(-1) == journal.take(-1, groups=["g"]) == []


def test_wanted_groups_come_first_and_oldest_first_among_them(journal: Journal) -> None:
    journal.add([NewJob(f"{number}", group="xyz"[number % 3]) for number in range(9)])
    assert names(journal.take(5, groups=["z", "y"])) == ["1", "2", "4", "5", "7"]
    assert names(journal.take(3, groups=["z"])) == ["8", "0", "3"]
    assert names(journal.take(3, groups=["unknown"])) == ["6"]


def test_a_job_goes_all_the_way(journal: Journal) -> None:
    (job,) = journal.add([NewJob("a", "payload", "group")])
    (claimed,) = journal.take()
    assert (claimed.id, claimed.payload, claimed.group, claimed.state) == (job, "payload", "group", "running")
    assert claimed.attempts == 0
    journal.begin([job])
    journal.finishing(job, "first")
    journal.finishing(job, "second")
    (half,) = journal.jobs("finishing")
    assert (half.attempts, half.outcome, half.ended) == (1, "second", None)
    journal.end(job, failed=False, seconds=2.5)
    (over,) = journal.jobs()
    assert (over.state, over.outcome, over.seconds, over.error) == ("done", "second", 2.5, None)
    assert over.ended is not None
    assert over.ended >= over.created


def test_a_job_may_fail_straight_from_running(journal: Journal) -> None:
    (job,) = journal.add([NewJob("a")])
    journal.take()
    journal.end(job, failed=True, error="why")
    assert [(each.state, each.error) for each in journal.jobs()] == [("failed", "why")]


def test_what_is_put_back_has_its_old_place_and_counts_what_it_is_told(journal: Journal) -> None:
    first, second = journal.add([NewJob("a"), NewJob("b")])
    journal.take()
    journal.begin([first])
    journal.put_back([first], error="died", crashed=True)
    (again,) = journal.take()
    assert (again.id, again.attempts, again.crashes, again.error) == (first, 1, 1, "died")
    journal.begin([first])
    journal.put_back([first], uncount=True)
    (again,) = journal.take()
    assert (again.id, again.attempts, again.crashes, again.error) == (first, 1, 1, "died")
    assert names(journal.take()) == ["b"]
    assert second != first


def test_attempts_never_fall_below_none(journal: Journal) -> None:
    (job,) = journal.add([NewJob("a")])
    journal.take()
    journal.put_back([job], uncount=True)
    assert journal.jobs()[0].attempts == 0


@pytest.mark.parametrize("claimed", [False, True])
def test_a_dropped_job_is_forgotten(journal: Journal, claimed: bool) -> None:
    (job,) = journal.add([NewJob("a")])
    if claimed:
        journal.take()
    journal.drop(job)
    assert journal.jobs() == []
    assert journal.add([NewJob("a")]) == [job + 1]


def test_a_waiting_name_takes_a_new_payload_and_starts_afresh_in_its_old_place(journal: Journal) -> None:
    first, _ = journal.add([NewJob("a", "old", "x"), NewJob("b")])
    journal.take()
    journal.begin([first])
    journal.put_back([first], error="died", crashed=True)
    assert journal.add([NewJob("a", "new", "y")]) == []
    (again,) = journal.take()
    assert (again.id, again.payload, again.group) == (first, "new", "y")
    assert (again.attempts, again.crashes, again.error) == (0, 0, None)


def test_the_same_payload_again_keeps_the_record(journal: Journal) -> None:
    (job,) = journal.add([NewJob("a", "same", "x")])
    journal.take()
    journal.begin([job])
    journal.put_back([job], error="died", crashed=True)
    assert journal.add([NewJob("a", "same", "y")]) == []
    (again,) = journal.take()
    assert (again.group, again.attempts, again.crashes, again.error) == ("y", 1, 1, "died")


@pytest.mark.parametrize("finishing", [False, True])
def test_a_name_that_runs_is_left_alone_and_one_that_is_over_is_queued_anew(journal: Journal, finishing: bool) -> None:
    (job,) = journal.add([NewJob("a", "old")])
    journal.take()
    if finishing:
        journal.finishing(job, "")
    assert journal.add([NewJob("a", "new")]) == []
    assert journal.jobs()[0].payload == "old"
    journal.end(job, failed=False)
    (later,) = journal.add([NewJob("a", "new")])
    assert later > job
    assert names(journal.jobs("done", "waiting")) == ["a", "a"]


def test_a_name_given_twice_in_one_call_is_one_job(journal: Journal) -> None:
    assert len(journal.add([NewJob("a", "1"), NewJob("a", "2")])) == 1
    assert [job.payload for job in journal.jobs()] == ["2"]


def test_queueing_is_all_or_nothing(journal: Journal) -> None:
    def broken() -> Iterator[NewJob]:
        yield NewJob("a")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.add(broken())
    assert journal.jobs() == []
    assert len(journal.add([NewJob("b")])) == 1


FORBIDDEN = {
    "waiting": ("begin", "put_back", "finishing", "end"),
    "finishing": ("begin", "put_back", "drop"),
    "done": ("begin", "put_back", "drop", "finishing", "end"),
    "failed": ("begin", "put_back", "drop", "finishing", "end"),
    "forgotten": ("begin", "put_back", "drop", "finishing", "end"),
}


def brought_to(journal: Journal, state: str) -> int:
    (job,) = journal.add([NewJob("a")])
    if state != "waiting":
        journal.take()
    if state == "finishing":
        journal.finishing(job, "outcome")
    elif state in ("done", "failed"):
        journal.end(job, failed=state == "failed")
    elif state == "forgotten":
        journal.drop(job)
    return job


def changed(journal: Journal, job: int, change: str) -> None:
    match change:
        case "begin" | "put_back":
            getattr(journal, change)([job])
        case "finishing":
            journal.finishing(job, "other")
        case "end":
            journal.end(job, failed=False)
        case "drop":
            journal.drop(job)


@pytest.mark.parametrize(("state", "change"), [(state, each) for state, all_ in FORBIDDEN.items() for each in all_])
def test_a_change_that_the_state_forbids_is_a_mistake_of_the_program(journal: Journal, state: str, change: str) -> None:
    job = brought_to(journal, state)
    before = journal.jobs()
    with pytest.raises(RuntimeError, match=f"job {job} is {state}"):
        changed(journal, job, change)
    assert journal.jobs() == before


@pytest.mark.parametrize("change", ["begin", "put_back", "drop", "finishing", "end"])
def test_nobody_changes_what_another_owner_has_claimed(journal: Journal, change: str) -> None:
    job = brought_to(journal, "running")
    before = journal.jobs()
    with another(journal) as other:
        other.beat({})
        with pytest.raises(RuntimeError, match=f"job {job} is running, owner"):
            changed(other, job, change)
    assert journal.jobs() == before


def test_a_change_of_several_jobs_happens_to_all_or_none(journal: Journal) -> None:
    jobs = journal.add([NewJob("a"), NewJob("b")])
    journal.take(1)
    with pytest.raises(RuntimeError):
        journal.begin(jobs)
    assert [job.attempts for job in journal.jobs()] == [0, 0]


def test_counts_name_every_state(journal: Journal) -> None:
    assert journal.counts() == {"waiting": 0, "running": 0, "finishing": 0, "done": 0, "failed": 0}
    journal.add([NewJob(name) for name in "abcdef"])
    a, b, c, _ = (job.id for job in journal.take(4))
    journal.end(a, failed=False)
    journal.end(b, failed=True)
    journal.finishing(c, "")
    assert journal.counts() == {"waiting": 2, "running": 1, "finishing": 1, "done": 1, "failed": 1}


def test_jobs_are_listed_as_queued_or_as_they_ended_last_first(journal: Journal) -> None:
    journal.add([NewJob(name) for name in "abcdefgh"])
    taken = {job.name: job.id for job in journal.take(6)}
    for name in "dbca":
        journal.end(taken[name], failed=name in "bc")
    assert names(journal.jobs()) == list("abcdefgh")
    assert names(journal.jobs("done", "failed")) == list("abcd")
    assert names(journal.jobs("done", "failed", newest=True)) == list("acbd")
    assert names(journal.jobs("failed", newest=True, limit=1)) == ["c"]
    assert names(journal.jobs("waiting", limit=1)) == ["g"]
    assert names(journal.jobs("waiting", "running", limit=3)) == ["e", "f", "g"]
    assert names(journal.jobs(newest=True)) == list("hgfeacbd")
    assert names(journal.jobs(newest=True, limit=5)) == list("hgfea")
    assert journal.jobs("done", limit=0) == []


def test_the_order_of_endings_asks_no_clock(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.add([NewJob(name) for name in "ab"])
    for now in (2e9, 1e9):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        journal.end(journal.take()[0].id, failed=False)
    assert names(journal.jobs("done", newest=True)) == ["b", "a"]


def test_trimming_forgets_what_ended_first_and_nothing_that_is_not_over(journal: Journal) -> None:
    journal.add([NewJob(name) for name in "abcdef"])
    taken = {job.name: job.id for job in journal.take(5)}
    for name in "dbca":
        journal.end(taken[name], failed=name == "b")
    assert journal.trim(9) == 0
    assert journal.trim(2) == 2
    assert names(journal.jobs()) == ["a", "c", "e", "f"]
    journal.end(taken["e"], failed=False)
    assert names(journal.jobs("done", newest=True)) == ["e", "a", "c"]
    assert journal.trim(0) == 3
    assert names(journal.jobs()) == ["f"]


def test_trimming_keeps_as_many_as_it_is_told_when_some_that_ended_run_again(journal: Journal) -> None:
    journal.add([NewJob(name) for name in "abcd"])
    for job in journal.take(4):
        journal.end(job.id, failed=job.name == "c")
    assert journal.again() == 1
    assert journal.trim(2) == 1
    assert names(journal.jobs("done")) == ["b", "d"]


def test_facts_are_kept_and_replaced(journal: Journal) -> None:
    assert journal.fact("key") is None
    journal.keep("key", "one")
    journal.keep("key", "two")
    with another(journal) as other:
        assert other.fact("key") == "two"


TEXTS = {
    "empty": "",
    "unicode": "ä/日本語/🎨 'x\".json",
    "nul": "a\0b",
    "not utf-8": "caf\udce9.json",
    "half a pair": "\ud83c",
    "number": "1",
    "huge": "x" * 1_000_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_any_text_comes_back_as_it_was(journal: Journal, text: str) -> None:
    (job,) = journal.add([NewJob(text, text, text)])
    assert journal.add([NewJob(text, text, text)]) == []
    (claimed,) = journal.take(groups=[text])
    journal.finishing(job, text)
    journal.end(job, failed=True, error=text)
    (over,) = journal.jobs()
    assert (claimed.name, claimed.payload, claimed.group) == (text, text, text)
    assert (over.name, over.payload, over.group, over.outcome, over.error) == (text, text, text, text, text)


def test_everything_is_there_after_closing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as first:
        first.add([NewJob("a", "payload"), NewJob("b")])
        first.end(first.take()[0].id, failed=False)
        before = first.jobs()
    with Journal(path) as second:
        assert second.jobs() == before
        assert second.mode == "wal"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["journal.sqlite", "journal.sqlite.owners"]


def test_closing_twice_is_no_mistake(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.take()
    journal.close()
    journal.close()


def test_what_a_closed_owner_had_claimed_is_taken_over_by_one_other(journal: Journal) -> None:
    a, b, c = journal.add([NewJob(name) for name in "abc"])
    with another(journal) as gone:
        gone.take(2)
        gone.finishing(a, "outcome")
    with another(journal) as third:
        assert [(job.id, job.state) for job in journal.orphans()] == [(a, "finishing"), (b, "running")]
        assert third.orphans() == journal.orphans() == []
        journal.end(a, failed=False)
        journal.put_back([b], crashed=True)
        assert [job.id for job in third.take(2)] == [b, c]


def test_what_the_living_have_claimed_is_left_to_them(journal: Journal) -> None:
    journal.add([NewJob("a")])
    with another(journal) as other:
        journal.take()
        assert other.orphans() == []
        assert journal.orphans() == []


def test_lock_files_of_the_dead_go_and_those_of_the_living_stay(journal: Journal) -> None:
    journal.add([NewJob("a")])
    with another(journal) as living, another(journal) as gone:
        living.beat({})
        gone.take()
        hold = gone._me[1]  # type: ignore[index]
        hold._lock.release()  # as if it had been killed: its file stays
        gone._me = None
        (journal._owners / "1-stray.lock").touch()
        assert names(journal.orphans()) == ["a"]
        assert not hold.path.exists()
        assert len(list(journal._owners.glob("*.lock"))) == 2
        assert [owner.alive for owner in living.owners()] == [True, True]


def test_owners_tell_what_they_do_the_living_first(journal: Journal) -> None:
    assert journal.owners() == []
    (job,) = journal.add([NewJob("a")])
    with another(journal) as gone:
        gone.take()
    journal.beat({"graph": "ä.json", "step": 3})
    living, dead = journal.owners()
    assert (living.alive, living.pid, json.loads(living.doing)) == (True, os.getpid(), {"graph": "ä.json", "step": 3})
    assert living.started <= living.beat
    assert (dead.alive, dead.doing, dead.jobs) == (False, "{}", (job,))
    journal.orphans()
    assert [owner.jobs for owner in journal.owners()] == [(job,)]


def test_who_leaves_nothing_behind_is_forgotten(journal: Journal) -> None:
    with another(journal) as other:
        other.beat({})
        assert len(journal.owners()) == 1
    assert journal.owners() == []


def test_threads_share_one_journal(journal: Journal) -> None:
    journal.add([NewJob(f"{number}") for number in range(60)])
    taken: list[int] = []

    def work() -> None:
        while jobs := journal.take(2):
            journal.begin([job.id for job in jobs])
            for job in jobs:
                journal.finishing(job.id, "")
                journal.end(job.id, failed=False)
                taken.append(job.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(job.id for job in journal.jobs("done"))
    assert len(taken) == 60
    assert len(journal.owners()) == 1


def test_a_reader_sees_all_changes_nothing_and_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as writer:
        writer.add([NewJob("a")])
        writer.take()
        with Journal(path, read_only=True) as reader:
            assert names(reader.jobs("running")) == ["a"]
            assert [owner.alive for owner in reader.owners()] == [True]
            assert names(writer.jobs()) == ["a"]
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader.add([NewJob("b")])
    before = sorted(tmp_path.rglob("*"))
    data = path.read_bytes()
    with Journal(path, read_only=True) as reader:
        assert [owner.alive for owner in reader.owners()] == [False]
    assert sorted(tmp_path.rglob("*")) == before
    assert path.read_bytes() == data


def test_a_reader_makes_no_journal(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Journal(tmp_path / "journal.sqlite", read_only=True)
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(JournalInvalid, match="empty"):
        Journal(tmp_path / "empty.sqlite", read_only=True)
    assert [each.name for each in tmp_path.iterdir()] == ["empty.sqlite"]


def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").touch()
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert len(journal.add([NewJob("a")])) == 1


def test_what_is_no_journal_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    text, foreign, newer = tmp_path / "text", tmp_path / "foreign", tmp_path / "newer"
    text.write_text("no database, but long enough to be read as the header of one: " + 100 * "x")
    for path, statements in {
        foreign: "CREATE TABLE job (id);",
        newer: f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION + 1}; CREATE TABLE job (id);",
    }.items():
        connection = sqlite3.connect(path)
        connection.executescript(statements)
        connection.close()
    for path, said in {text: "no journal", foreign: "another program", newer: "newer comfyless"}.items():
        before = path.read_bytes()
        for read_only in (False, True):
            with pytest.raises(JournalInvalid, match=said):
                Journal(path, read_only=read_only)
        assert path.read_bytes() == before
    with pytest.raises(JournalInvalid, match="folder"):
        Journal(tmp_path)


def test_damage_inside_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.add([NewJob(f"{number}", "x" * 400) for number in range(200)])
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    with Journal(path) as journal, pytest.raises(JournalInvalid, match="damaged"):
        journal.jobs()


def test_a_full_disk_changes_nothing_and_work_goes_on_when_there_is_room(journal: Journal) -> None:
    (job,) = journal.add([NewJob("a")])
    journal.take()
    (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        journal.finishing(job, "x" * 1_000_000)
    assert names(journal.jobs("running")) == ["a"]
    journal._connection.execute("PRAGMA max_page_count = 1000000")
    journal.finishing(job, "x" * 1_000_000)
    journal.end(job, failed=False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no open file")
def test_a_file_that_was_removed_or_replaced_is_noticed(journal: Journal) -> None:
    assert journal.in_place()
    other = journal.path.with_name("other")
    other.touch()
    os.replace(other, journal.path)
    assert not journal.in_place()
    journal.path.unlink()
    assert not journal.in_place()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_is_kept_from_its_parents_journal_and_frees_nothing(journal: Journal) -> None:
    journal.add([NewJob("a")])
    journal.take()
    child = os.fork()
    if child == 0:
        try:
            journal.counts()
        except RuntimeError:
            journal.close()
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    with another(journal) as other:
        assert [owner.alive for owner in other.owners()] == [True]
        assert other.orphans() == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM job WHERE state = 'waiting' ORDER BY ending, id LIMIT 1",
        "SELECT id FROM job WHERE state = 'waiting' AND grouping = 'g' ORDER BY id LIMIT 1",
        "SELECT * FROM job WHERE state = 'done' ORDER BY ending DESC, id DESC LIMIT 1",
        "SELECT max(ending) FROM job WHERE state = 'done'",
        "SELECT id FROM job WHERE name = 'a' AND ending IS NULL",
        "SELECT id FROM job WHERE owner = 1",
        "SELECT ending FROM job WHERE state = 'done' ORDER BY ending DESC LIMIT 1 OFFSET 5",
        "DELETE FROM job WHERE state IN ('done', 'failed') AND ending <= 1",
    ],
)
def test_every_question_is_answered_by_an_index(journal: Journal, query: str) -> None:
    steps = [row[3] for row in journal._connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert all(step.startswith("SEARCH job USING") for step in steps), steps


def test_failed_jobs_can_wait_again_in_their_old_places_but_not_those_queued_anew(journal: Journal) -> None:
    failed, done, anew, later = journal.add([NewJob(name) for name in ("failed", "done", "anew", "later")])
    for job in journal.take(3):
        journal.begin([job.id])
        journal.finishing(job.id, "{}")
        journal.end(job.id, failed=job.id != done, seconds=1.0, error="it broke")
    (anew,) = journal.add([NewJob("anew")])
    assert journal.again() == 1
    waiting = journal.jobs("waiting")
    assert [job.id for job in waiting] == [failed, later, anew]
    assert (waiting[0].attempts, waiting[0].outcome, waiting[0].error, waiting[0].ended) == (0, None, None, None)
    assert names(journal.jobs("done", "failed")) == ["done", "anew"]
    assert names(journal.take(1)) == ["failed"]
