"""What the cache keeps, and what it lets go."""

from engine.planning.keys import StepRecord
from engine.running import cache as cache_module
from engine.running.cache import ENTRY_BYTES, Entry, OutputCache
from engine.running.sizes import size_of


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
