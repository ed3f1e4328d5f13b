"""What the cache keeps, and what it lets go."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.disk_cache.disk_cache import DiskCache
from engine.planning.keys import StepRecord
from engine.running import cache as cache_module
from engine.running.cache import ENTRY_BYTES, Entry, OutputCache
from engine.running.sizes import size_of
from schemas.report import LoraReport
from schemas.sockets import FileRef


def entry(size: int = 0, **more) -> Entry:
    return Entry(([bytes(size)],), **more)


def room_for(count: int, size: int) -> OutputCache:
    return OutputCache(count * (ENTRY_BYTES + size_of(entry(size).outputs)))


def test_what_was_put_in_comes_out():
    cache = OutputCache()
    cache.put("a", entry(10))
    assert cache.has("a")
    assert cache.get("a") == entry(10)
    assert cache.get("b") is None
    assert (cache.stats.hits, cache.stats.misses, cache.stats.entries) == (1, 1, 1)


def test_the_least_recently_used_goes_first():
    cache = room_for(3, 1000)
    for key in "abc":
        cache.put(key, entry(1000))
    cache.get("a")
    cache.put("d", entry(1000))
    assert [key for key in "abcd" if cache.has(key)] == ["a", "c", "d"]
    assert cache.stats.dropped == 1


def test_the_limit_is_kept_in_bytes():
    cache = room_for(4, 1000)
    for key in range(100):
        cache.put(str(key), entry(1000 if key % 2 else 10))
        assert cache.stats.bytes <= cache.limit
    cache.put("large", entry(3000))
    assert cache.has("large")
    assert cache.stats.bytes <= cache.limit


def test_what_can_never_fit_drives_nothing_out():
    cache = room_for(2, 100)
    cache.put("a", entry(100))
    cache.put("huge", entry(100_000))
    assert cache.has("a")
    assert not cache.has("huge")


def test_putting_again_replaces():
    cache = OutputCache()
    cache.put("a", entry(1000))
    cache.put("a", entry(10))
    assert cache.stats.bytes == ENTRY_BYTES + size_of(entry(10).outputs)
    assert cache.stats.entries == 1


def test_dropping_and_clearing_give_the_bytes_back():
    cache = OutputCache()
    for key in "abc":
        cache.put(key, entry(10))
    cache.drop("a")
    cache.drop("a")
    assert not cache.has("a")
    cache.clear()
    assert (cache.stats.bytes, cache.stats.entries) == (0, 0)
    assert cache.get("b") is None


def test_an_entry_whose_file_has_gone_counts_as_lost(tmp_path):
    cache = OutputCache()
    path = tmp_path / "a.png"
    path.touch()
    cache.put("a", entry(saved=(str(path),)))
    assert cache.has("a")
    assert cache.lost("a") is None
    path.unlink()
    assert not cache.has("a")
    assert cache.get("a") is None
    assert cache.lost("a") == f"{path} is gone"
    assert cache.lost("b") == "no longer in the cache"


def test_records_stay_when_values_go(monkeypatch):
    monkeypatch.setattr(cache_module, "REMEMBERED", 2)
    cache = OutputCache()
    records = {name: StepRecord(name, "", {}, {}, {}, name) for name in "abc"}
    cache.remember({"a": records["a"]})
    cache.clear()
    assert cache.last("a") is records["a"]
    cache.remember({"b": records["b"]})
    cache.remember({"c": records["c"]})
    assert [cache.last(name) for name in "abc"] == [None, None, records["c"]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskCache]:
    cache = DiskCache(tmp_path / "cache", 2**30)
    yield cache
    cache.close()


def texts(**more) -> Entry:
    return Entry((["one", "two"], []), **more)


def test_what_is_on_disk_is_found_by_another_process_with_all_that_belongs_to_it(disk):
    models = frozenset({(FileRef("vae", "a.safetensors", "/m/a.safetensors", "f1"), "fp32")})
    loras = (LoraReport(node="3", file="style.safetensors", model=2, unmatched=["odd"]),)
    whole = texts(models=models, loras=loras, digests=frozenset({("key", "d1")}))
    OutputCache(disk=disk).put("a", whole, "Maker", worth=True)
    later = OutputCache(disk=disk)
    assert later.has("a")
    assert later.lost("a") is None
    assert later.get("a") == whole
    assert later.get("a") == whole
    assert (later.stats.hits, later.stats.restored, later.stats.misses, later.stats.entries) == (2, 1, 0, 1)
    assert [line.class_type for line in disk.lines()] == ["Maker"]


def test_what_is_too_large_for_memory_is_restored_each_time(disk):
    cache = OutputCache(0, disk)
    cache.put("a", texts(), worth=True)
    assert cache.has("a")
    assert cache.get("a") == cache.get("a") == texts()
    assert (cache.stats.restored, cache.stats.entries) == (2, 0)


@pytest.mark.parametrize(
    ("seconds", "worth", "size", "kept"),
    [(0.1, False, 10, False), (0.3, False, 10, True), (0.3, False, 40_000_000, False), (0.0, True, 10, True)],
)
def test_what_takes_long_for_its_size_or_needs_weights_goes_to_disk(disk, seconds, worth, size, kept):
    cache = OutputCache(disk=disk)
    cache.put("a", Entry((["x" * size],)), "Maker", seconds, worth)
    assert disk.has("a") == kept
    assert cache.stats.stored == kept


def test_what_wrote_files_or_cannot_be_written_down_stays_in_memory(disk, tmp_path):
    cache = OutputCache(disk=disk)
    (tmp_path / "a.png").touch()
    cache.put("a", texts(saved=(str(tmp_path / "a.png"),)), worth=True)
    cache.put("b", Entry(([object()],)), worth=True)
    assert cache.has("a")
    assert cache.has("b")
    assert cache.stats.stored == 0
    assert disk.lines() == []


def test_what_the_disk_has_spoiled_counts_as_not_there(disk, tmp_path):
    OutputCache(disk=disk).put("a", texts(), worth=True)
    disk.flush()
    (file,) = (tmp_path / "cache").rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-1])
    later = OutputCache(disk=disk)
    assert later.has("a")
    assert later.get("a") is None
    assert not later.has("a")
    assert later.lost("a") == "no longer in the cache"
    assert later.stats.misses == 1
