"""Nothing grows with the number of graphs that a process has run; and what does grow would be seen."""

import random
from pathlib import Path

import pytest

from tests.soak.soak import Sample, Soak, slope

ENOUGH = 100
"""Graphs."""
NOISE = 8 * 2**20
"""Bytes between the least of two quarters that allocators explain."""


@pytest.mark.slow
def test_graph_after_graph_holds_no_more_than_before(tmp_path: Path) -> None:
    soak = Soak(tmp_path, ENOUGH)
    soak.run()
    assert len(set(soak.later("handles"))) == 1
    assert len(set(soak.later("threads"))) == 1
    assert soak.rise < NOISE
    assert (tmp_path / "output").is_dir()
    assert len(list((tmp_path / "output").glob("*.png"))) == ENOUGH


def test_a_leak_of_a_hundred_kilobytes_a_graph_would_be_seen(tmp_path: Path) -> None:
    leaking, steady = Soak(tmp_path, 500), Soak(tmp_path, 500)
    chance = random.Random(1)
    for number in range(500):
        noise = chance.randrange(4_000_000)
        leaking.samples.append(Sample(300_000_000 + number * 100_000 + noise, 22, 8, 0, 0))
        steady.samples.append(Sample(300_000_000 + noise, 22, 8, 0, 0))
    assert leaking.rise > NOISE > steady.rise
    found, error = slope(leaking.later("memory"))
    assert abs(found - 100_000) < 3 * error < 30_000


def test_slopes_know_how_sure_they_are() -> None:
    assert slope([1.0, 3.0, 5.0, 7.0]) == (2.0, 0.0)
    assert slope([0.0, 1.0, 1.0, 0.0]) == (0.0, pytest.approx(0.3162, abs=1e-4))
