"""Memory looked at from beside."""

import threading
import time

from engine.running import peak
from engine.running.peak import PeakWatch, private_bytes


def test_private_memory_is_that_of_this_process():
    assert 1_000_000 < private_bytes() < 1 << 40


def test_the_watch_sees_what_is_gone_again_at_the_end(monkeypatch):
    looks = iter([100, 900])
    seen = threading.Event()

    def look() -> int:
        value = next(looks, 200)
        if value == 200:
            seen.set()
        return value

    monkeypatch.setattr(peak, "private_bytes", look)
    monkeypatch.setattr(peak, "INTERVAL", 0.001)
    with PeakWatch() as watch:
        assert seen.wait(10)
    assert watch.bytes == 900


def test_the_watch_ends_with_its_block():
    before = threading.active_count()
    with PeakWatch():
        time.sleep(0)
    assert threading.active_count() == before


def test_elsewhere_than_on_linux_the_largest_size_is_taken(monkeypatch):
    monkeypatch.setattr(peak, "_STATM", "/nowhere/statm")
    assert private_bytes() > 1_000_000
