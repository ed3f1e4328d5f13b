"""The cache on disk: what is kept, what leaves, what is noticed, and what a disk's trouble does."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.disk_cache import disk_cache as module
from engine.disk_cache.disk_cache import DiskCache, surroundings
from engine.disk_cache.places import ASIDE, INDEX, VALUES

Opener = Callable[..., DiskCache]
LARGE = 2**30


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens caches in one folder, and closes them in the end."""
    caches: list[DiskCache] = []

    def open_one(limit: int = LARGE, *more: Any, **named: Any) -> DiskCache:
        caches.append(DiskCache(tmp_path / "cache", limit, *more, **named))
        return caches[-1]

    yield open_one
    for cache in caches:
        cache.close()


def put(cache: DiskCache, key: str, value: Any = "value", **more: Any) -> bool:
    return cache.put(key, "Maker", [[value]], more.pop("about", {}), more.pop("seconds", 1.0))


def kept(cache: DiskCache, key: str) -> Any:
    found = cache.get(key)
    return None if found is None else found.outputs[0][0]


def files(cache_folder: Path) -> list[Path]:
    return [path for path in (cache_folder / VALUES).rglob("*") if path.is_file()]


def size_of_one(opened: Opener) -> int:
    cache = opened()
    put(cache, "sample", "x" * 1000)
    (line,) = cache.lines()
    cache.prune(0)
    return line.bytes


def test_what_was_put_can_be_had_by_it_and_by_others(opened: Opener) -> None:
    first = opened()
    assert not first.has("a")
    assert first.get("a") is None
    assert first.put("a", "Maker", [["one", ("two",)], []], {"models": ["flux"]}, 2.5)
    assert first.has("a")
    second = opened()
    first.flush()
    for cache in (first, second):
        assert cache.has("a")
        found = cache.get("a")
        assert found is not None
        assert (found.outputs, found.about) == ((["one", ("two",)], []), {"models": ["flux"]})


def test_what_is_not_written_yet_can_be_had(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = opened()
    go_on = threading.Event()
    write = cache._blobs.write
    monkeypatch.setattr(cache._blobs, "write", lambda *given: (go_on.wait(10), write(*given))[1])
    put(cache, "a", [1, 2])
    assert cache.has("a")
    assert kept(cache, "a") == [1, 2]
    assert files(cache._folder) == []
    go_on.set()
    cache.flush()
    assert len(files(cache._folder)) == 1
    assert kept(cache, "a") == [1, 2]


def test_when_writing_cannot_keep_up_what_comes_is_not_kept(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_UNWRITTEN", 1000)
    cache = opened()
    go_on = threading.Event()
    write = cache._blobs.write
    monkeypatch.setattr(cache._blobs, "write", lambda *given: (go_on.wait(10), write(*given))[1])
    assert put(cache, "larger than that", "x" * 2000)
    assert not put(cache, "next")
    go_on.set()
    cache.flush()
    assert put(cache, "next")


def test_a_value_that_cannot_be_written_down_is_not_kept(opened: Opener) -> None:
    cache = opened()
    assert not put(cache, "a", object())
    assert not cache.has("a")


def test_other_surroundings_are_another_key(opened: Opener) -> None:
    one, other = opened(LARGE, "cuda"), opened(LARGE, "cpu")
    put(one, "a", "from cuda")
    one.flush()
    assert not other.has("a")
    assert other.elsewhere("a") == ["cuda"]
    assert one.elsewhere("a") == []
    put(other, "a", "from cpu")
    assert (kept(one, "a"), kept(other, "a")) == ("from cuda", "from cpu")


def test_surroundings_name_the_kind_of_device_and_the_versions() -> None:
    assert surroundings("cuda:1", "bf16") == surroundings("cuda:0", "bf16") != surroundings("cuda:0", "fp16")
    assert "cuda:" not in surroundings("cuda:1", "auto")
    assert "torch 2" in surroundings("cpu", "auto")


def test_what_was_used_least_recently_leaves_first(opened: Opener) -> None:
    one = size_of_one(opened)
    cache = opened(5 * one)
    for key in "abcde":
        put(cache, key, "x" * 1000)
    cache.flush()
    cache.get("a")
    put(cache, "f", "x" * 1000)
    cache.flush()
    assert [key for key in "abcdef" if cache.has(key)] == list("acdef")
    assert len(files(cache._folder)) == 5


def test_the_order_of_leaving_does_not_follow_the_clock(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    one = size_of_one(opened)
    cache = opened(5 * one)
    now = time.time()
    for days, key in enumerate("abcdef"):
        monkeypatch.setattr(module.time, "time", lambda days=days: now - days * 86400)
        put(cache, key, "x" * 1000)
    cache.flush()
    assert not cache.has("a")
    assert [line.key for line in cache.lines()] == list("fedcb")


def test_an_entry_that_would_drive_out_much_is_not_kept(opened: Opener) -> None:
    cache = opened(10_000)
    assert put(cache, "small", "x" * 1500)
    assert not put(cache, "large", "x" * 2500)


def test_uses_are_counted_and_seen_by_others(opened: Opener) -> None:
    cache = opened()
    put(cache, "a")
    cache.get("a")  # perhaps before it is written
    put(cache, "b")
    cache.flush()
    for _ in range(2):
        cache.get("a")
    cache.close()
    first, second = opened().lines()
    assert [(line.key, line.hits, line.class_type, line.seconds) for line in (first, second)] == [
        ("a", 3, "Maker", 1.0),
        ("b", 0, "Maker", 1.0),
    ]
    assert first.used >= first.made


def test_putting_again_keeps_what_is_there(opened: Opener) -> None:
    one, other = opened(), opened()
    assert put(one, "a", "first")
    one.flush()
    assert put(other, "a", "second")
    assert kept(other, "a") == "first"
    assert len(files(one._folder)) == 1


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [flip, lambda path: path.write_bytes(path.read_bytes()[:-1]), lambda path: path.write_bytes(b""), Path.unlink],
    ids=["a flipped bit", "cut off", "empty", "gone"],
)
def test_a_damaged_entry_is_dropped_and_can_be_kept_again(opened: Opener, damage: Callable[[Path], None]) -> None:
    cache = opened()
    put(cache, "a", "good")
    cache.flush()
    damage(files(cache._folder)[0])
    assert cache.get("a") is None
    assert not cache.has("a")
    assert cache.lines() == []
    assert put(cache, "a", "good")
    cache.flush()
    assert kept(cache, "a") == "good"


def test_an_entry_that_another_process_made_again_meanwhile_is_not_dropped(opened: Opener) -> None:
    cache = opened()
    put(cache, "a", "good")
    cache.flush()
    name = cache._name("a")
    assert cache._writing is not None
    cache._writing.drop(name, b"the digest of what was there before")
    assert kept(cache, "a") == "good"


@pytest.mark.parametrize("content", [b"no database" * 100, None], ids=["no database", "of another program"])
def test_an_index_that_is_none_is_put_aside_and_said(tmp_path: Path, opened: Opener, content: bytes | None) -> None:
    put(opened(), "a")
    opened().close()
    for path in (tmp_path / "cache").glob(f"{INDEX}*"):
        path.unlink()
    index = tmp_path / "cache" / INDEX
    if content is None:
        database = sqlite3.connect(index)
        database.execute("CREATE TABLE theirs (id)")
        database.commit()
        database.close()
    else:
        index.write_bytes(content)
    theirs = index.read_bytes()
    said: list[str] = []
    cache = opened(warn=said.append)
    assert len(said) == 1
    assert "put aside" in said[0]
    assert (tmp_path / "cache" / ASIDE).read_bytes() == theirs
    assert put(cache, "b")
    cache.flush()
    assert kept(cache, "b") == "value"
    assert len(files(cache._folder)) == 1  # the other one's entry has no index any more


def test_an_index_that_is_damaged_under_way_is_put_aside_and_said(tmp_path: Path, opened: Opener) -> None:
    said: list[str] = []
    cache = opened(warn=said.append)
    for number in range(200):
        put(cache, str(number))
    cache.flush()
    assert cache._writing is not None
    cache._writing._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    index = tmp_path / "cache" / INDEX
    data = index.read_bytes()
    with index.open("r+b") as file:
        file.write(bytes(100) + b"\xff" * (len(data) - 100))
    other = opened(warn=said.append)
    assert len(said) == 1
    assert put(other, "a")
    assert kept(other, "a") == "value"
    for number in range(200):
        assert cache.get(str(number)) is None or kept(cache, str(number)) == "value"
    cache.flush()


def test_without_its_index_what_was_kept_is_made_again(tmp_path: Path, opened: Opener) -> None:
    first = opened()
    put(first, "a")
    first.close()
    for path in (tmp_path / "cache").glob(f"{INDEX}*"):
        path.unlink()
    second = opened()
    assert files(second._folder) == []
    assert not second.has("a")
    assert put(second, "a")
    assert kept(second, "a") == "value"


def test_a_folder_that_is_removed_under_way_is_survived(tmp_path: Path, opened: Opener) -> None:
    cache = opened()
    put(cache, "a")
    cache.flush()
    shutil.rmtree(tmp_path / "cache")
    assert cache.get("a") is None
    put(cache, "b")
    cache.flush()
    later = opened()
    assert put(later, "b")
    later.flush()
    assert kept(later, "b") == "value"


def test_pruning_drops_by_size_and_by_age_and_sweeps_up(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    one = size_of_one(opened)
    cache = opened()
    for key in "abcd":
        put(cache, key, "x" * 1000)
    cache.flush()
    stray = cache._folder / VALUES / "00" / f"{'0' * 64}.safetensors"
    stray.parent.mkdir(exist_ok=True)
    stray.touch()
    unfinished = stray.with_name("tmp123.part")
    unfinished.touch()
    foreign = stray.with_name("readme.txt")
    foreign.touch()
    assert cache.prune(3 * one) == (1, one)
    assert not cache.has("a")
    assert (stray.exists(), unfinished.exists(), foreign.exists()) == (False, False, True)
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 60)
    cache.get("c")
    assert cache.prune(older_than=30) == (2, 2 * one)
    assert [line.key for line in cache.lines()] == ["c"]
    assert cache.prune(0) == (1, one)
    assert files(cache._folder) == [foreign]


def test_times_are_the_mean_of_the_last_few_and_shared(opened: Opener) -> None:
    cache = opened()
    for seconds in (100.0, 1.0, 2.0, 3.0, 4.0, 5.0):
        cache.timed({"sampler": seconds, "other": 1.0})
    assert cache.timings(["sampler", "unknown"]) == {"sampler": 3.0}
    assert opened().timings(["sampler", "other"]) == {"sampler": 3.0, "other": 1.0}


@pytest.mark.parametrize(
    ("number", "said"), [("ENOSPC", "no room"), ("EROFS", "cannot be written"), ("EIO", "the disk failed")]
)
def test_a_disk_that_takes_nothing_is_told_once_and_can_still_be_read(
    opened: Opener, monkeypatch: pytest.MonkeyPatch, number: str, said: str
) -> None:
    import errno

    told: list[str] = []
    cache = opened(warn=told.append)
    put(cache, "a")
    cache.flush()

    def refuse(*_: Any) -> Any:
        raise OSError(getattr(errno, number), os.strerror(getattr(errno, number)))

    monkeypatch.setattr(cache._blobs, "write", refuse)
    put(cache, "b")
    cache.flush()
    assert not cache.has("b")
    assert not put(cache, "c")
    cache.flush()
    assert kept(cache, "a") == "value"
    assert len(told) == 1
    assert said in told[0]


@pytest.mark.parametrize("with_memory", [True, False], ids=["while it is written to", "from a copy"])
def test_a_folder_that_may_not_be_written_is_read(
    tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch, with_memory: bool
) -> None:
    writer = opened()
    put(writer, "a")
    writer.flush()
    if not with_memory:
        writer.close()
    monkeypatch.setattr(module, "access", lambda *_: False)
    told: list[str] = []
    cache = opened(warn=told.append)
    assert kept(cache, "a") == "value"
    assert not put(cache, "b")
    assert cache.prune(0) == (0, 0)
    cache.timed({"sampler": 1.0})
    assert cache.timings(["sampler"]) == {}
    assert len(cache.lines()) == 1
    assert len(told) == 1
    flip(files(cache._folder)[0])
    assert cache.get("a") is None
    assert not cache.has("a")


def test_what_is_kept_may_be_read_by_whom_the_user_lets(opened: Opener) -> None:
    before = os.umask(0o022)
    try:
        cache = opened()
        put(cache, "a")
        cache.flush()
    finally:
        os.umask(before)
    assert files(cache._folder)[0].stat().st_mode & 0o777 == 0o644


def test_a_disk_that_fills_up_in_the_middle_of_a_file_leaves_nothing_of_it(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = opened()

    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache._blobs, "place", refuse)
    put(cache, "a")
    cache.flush()
    assert files(cache._folder) == []
    assert cache.lines() == []


def test_a_folder_that_cannot_be_made_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told: list[str] = []
    cache = DiskCache(tmp_path / "file" / "cache", LARGE, warn=told.append)
    assert not put(cache, "a")
    assert cache.get("a") is None
    assert (cache.lines(), cache.prune(0), cache.timings(["x"])) == ([], (0, 0), {})
    cache.close()
    assert len(told) == 1


WRITER = """
import sys
from pathlib import Path
from engine.disk_cache.disk_cache import DiskCache

cache = DiskCache(Path(sys.argv[1]), int(sys.argv[2]), warn=sys.exit)
for number in range(200):
    key = f"{sys.argv[3] if number % 2 else 'both'} {number}"
    cache.put(key, "Maker", [["x" * 500, number]], {}, 1.0)
    found = cache.get(key)
    assert found is None or found.outputs[0][1] == number
cache.close()
"""


def test_two_processes_that_write_at_once_leave_a_sound_cache(tmp_path: Path, opened: Opener) -> None:
    limit = 50_000
    folder = tmp_path / "cache"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(limit), name], cwd=Path(__file__).parents[2])
        for name in ("one", "other")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    cache = opened(limit)
    lines = cache.lines()
    assert 0.8 * limit < sum(line.bytes for line in lines) <= limit
    assert len({line.key for line in lines}) == len(lines)
    assert all(cache.get(line.key) is not None for line in lines)
    assert len(files(folder)) == len(lines)
    database = sqlite3.connect(folder / INDEX)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("SELECT bytes FROM held").fetchone() == (sum(line.bytes for line in lines),)
    database.close()
