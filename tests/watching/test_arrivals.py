"""Arrivals: real files, and a clock that only the test moves."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.watching.arrivals import STILL, Arrival, Arrivals
from engine.whole_files import stamp_of

GRAPH = b'{"1": {"class_type": "EmptyImage", "inputs": {}}}'


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def arrivals(tmp_path: Path, clock: Clock, notes: list[str]) -> Arrivals:
    return Arrivals(tmp_path, settle=2.0, skipped=[tmp_path / "output"], note=notes.append, clock=clock)


@pytest.fixture
def names(arrivals: Arrivals, clock: Clock) -> Callable[[float], list[str]]:
    """What a look gives, and the look that follows after so many seconds."""

    def look(after: float = 2 * STILL) -> list[str]:
        first = arrivals.look()
        clock.now += after
        return [found.name for found in (*first, *arrivals.look())]

    return look


def put(folder: Path, name: str, data: bytes = GRAPH, mtime: float | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if mtime is not None:
        os.utime(path, (mtime, mtime))
    return path


def test_a_whole_file_is_given_at_the_second_look_and_then_no_more(
    tmp_path: Path, arrivals: Arrivals, clock: Clock
) -> None:
    path = put(tmp_path, "a.json")
    assert arrivals.look() == []
    assert arrivals.pending
    assert arrivals.due() == STILL
    clock.now += STILL
    assert arrivals.look() == [Arrival("a.json", stamp_of(path.stat()))]
    assert arrivals.due() is None
    clock.now += 100
    assert (arrivals.look(), arrivals.pending, arrivals.given()) == ([], False, ["a.json"])


def test_two_looks_too_close_to_each_other_count_as_one(tmp_path: Path, names: Callable[[float], list[str]]) -> None:
    put(tmp_path, "a.json")
    assert names(STILL / 2) == []


def test_what_stood_there_comes_oldest_first_then_by_name(tmp_path: Path, names: Callable[..., list[str]]) -> None:
    for name, mtime in (("b.json", 50), ("c.json", 10), ("a.json", 50), ("sub/d.json", 4e9), ("e.json", 0)):
        put(tmp_path, name, mtime=mtime)
    assert names() == ["e.json", "c.json", "a.json", "b.json", "sub/d.json"]


def test_what_came_first_is_given_first_whatever_its_date(
    tmp_path: Path, arrivals: Arrivals, names: Callable[..., list[str]], clock: Clock
) -> None:
    put(tmp_path, "first.json", mtime=4e9)
    arrivals.look()
    clock.now += STILL / 2
    put(tmp_path, "second.json", mtime=5)
    assert names() == ["first.json", "second.json"]


@pytest.mark.parametrize(
    "name",
    ["done/a.json", "failed/b.json", ".comfyless/c.json", ".hidden.json", "output/d.json", "e.json.part", "f.tmp",
     "g.json.crdownload", "h.json~", "a.report.json", "a.error.txt"],
)  # fmt: skip
def test_these_are_no_graphs_and_nothing_is_said_of_them(
    tmp_path: Path, names: Callable[..., list[str]], notes: list[str], name: str
) -> None:
    put(tmp_path, name)
    assert names() == []
    assert notes == []


def test_a_file_of_another_kind_is_told_of_once(
    tmp_path: Path, names: Callable[..., list[str]], notes: list[str]
) -> None:
    put(tmp_path, "sub/notes.md")
    assert names() == names() == []
    assert notes == ["sub/notes.md is no graph: its name ends in none of .jpeg, .jpg, .json, .png, .webp"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has none of these")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, names: Callable[..., list[str]], notes: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.json").symlink_to("nothing.json")
    (tmp_path / "linked.json").symlink_to("folder")
    os.mkfifo(tmp_path / "pipe.json")
    assert names() == names() == []
    assert sorted(notes) == [
        "link.json is passed over: it is a link to nothing",
        "linked.json is passed over: it is a link to a folder",
        "pipe.json is passed over: it is no file",
    ]


@pytest.mark.parametrize("name", ["sub/done/a.json", "ü — 図.JSON", "x" * 250 + ".json", "a b.PNG", "deep/er/a.WebP"])
def test_these_are_graphs(tmp_path: Path, names: Callable[..., list[str]], name: str) -> None:
    put(tmp_path, name)
    assert names() == [name]


def test_a_linked_file_is_read_and_a_linked_folder_is_not_entered(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, names: Callable[..., list[str]]
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    put(elsewhere, "a.json")
    (tmp_path / "link.json").symlink_to(elsewhere / "a.json")
    (tmp_path / "folder").symlink_to(elsewhere)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "nothing.json").symlink_to(elsewhere / "b.json")
    assert names() == ["link.json"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", GRAPH[:-1], b"not a graph at all", b"\x89PNG\r\n\x1a\n....", b"RIFF\xff\0\0\0WEBP", b"\xff\xd8\xff..",
     b"[" * 10**5 + b"]"],
    ids=["empty", "brace", "cut", "text", "png", "webp", "jpeg", "deep"],
)  # fmt: skip
def test_what_does_not_end_is_given_when_it_has_settled(
    tmp_path: Path, arrivals: Arrivals, names: Callable[..., list[str]], clock: Clock, data: bytes
) -> None:
    put(tmp_path, "a.json", data)
    assert names() == []
    assert arrivals.due() == pytest.approx(2.0 - 2 * STILL)
    clock.now = 1.99
    assert names(0) == []
    clock.now = 2.0
    assert names(0) == ["a.json"]


def test_each_growth_begins_the_wait_anew(tmp_path: Path, names: Callable[..., list[str]], clock: Clock) -> None:
    path = put(tmp_path, "a.json", b"")
    for size in range(1, len(GRAPH)):
        path.write_bytes(GRAPH[:size])
        assert names(1.9) == []
    path.write_bytes(GRAPH)
    assert names() == ["a.json"]


def test_a_file_renamed_into_place_or_replaced_is_given(tmp_path: Path, names: Callable[..., list[str]]) -> None:
    put(tmp_path, "a.json.part").rename(tmp_path / "a.json")
    assert names() == ["a.json"]
    put(tmp_path, "b.part", b'{"2": 2}').rename(tmp_path / "a.json")
    assert names() == ["a.json"]


def test_a_file_that_vanishes_is_forgotten_and_given_when_it_comes_again(
    tmp_path: Path, names: Callable[..., list[str]], arrivals: Arrivals
) -> None:
    path = put(tmp_path, "a.json")
    arrivals.look()
    path.unlink()
    assert names() == []
    assert not arrivals.pending
    put(tmp_path, "a.json")
    assert names() == ["a.json"]


def test_a_forgotten_file_is_given_again_if_it_stands_there(
    tmp_path: Path, names: Callable[..., list[str]], arrivals: Arrivals
) -> None:
    put(tmp_path, "a.json")
    assert names() == ["a.json"]
    assert arrivals.forget(["never.json", "a.json"])
    assert names() == ["a.json"]


def test_a_forgotten_file_that_is_gone_is_nothing_to_wait_for(
    tmp_path: Path, names: Callable[..., list[str]], arrivals: Arrivals
) -> None:
    path = put(tmp_path, "a.json")
    assert names() == ["a.json"]
    path.unlink()
    assert not arrivals.forget(["a.json", "never.json"])
    assert (arrivals.given(), arrivals.pending, arrivals.due()) == ([], False, None)


def test_many_files_are_given_in_portions_that_lack_none(tmp_path: Path, arrivals: Arrivals, clock: Clock) -> None:
    for number in range(30):
        put(tmp_path, f"{number:02}.json", mtime=100 + number)
    arrivals.look()

    def hurried() -> float:
        clock.now += 0.03
        return clock.now

    arrivals._clock = hurried
    portions = [[found.name for found in arrivals.look()] for _ in range(20)]
    assert len(portions[1]) < 30
    assert sum(portions, []) == [f"{number:02}.json" for number in range(30)]


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path, arrivals: Arrivals) -> None:
    tmp_path.rename(tmp_path.with_name("elsewhere"))
    with pytest.raises(FileNotFoundError):
        arrivals.look()


def test_a_slow_writer_is_waited_for(tmp_path: Path) -> None:
    whole = json.dumps({str(number): {"class_type": "EmptyImage", "inputs": {}} for number in range(20)}).encode()

    def write() -> None:
        with open(tmp_path / "slow.json", "wb", buffering=0) as file:
            for start in range(0, len(whole), 200):
                file.write(whole[start : start + 200])
                time.sleep(0.03)

    writer = threading.Thread(target=write)
    writer.start()
    arrivals, found = Arrivals(tmp_path, settle=60), []
    while not found:
        found = arrivals.look()
    complete = (tmp_path / "slow.json").stat().st_size
    writer.join()
    assert complete == len(whole)
    assert found[0].stamp == stamp_of((tmp_path / "slow.json").stat())
