"""Threads for each worker."""

import os
from pathlib import Path

import pytest

from engine.working import threads


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with eight cores; the folder returned is where its control groups would be."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(threads, "GROUPS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("workers", "each"), [(2, 4), (3, 2), (8, 1), (20, 1)])
def test_cores_are_shared_out_and_nobody_gets_none(eight_cores: Path, workers: int, each: int) -> None:
    assert threads.share(workers, None) == each


def test_what_the_user_gives_counts_for_each_worker(eight_cores: Path) -> None:
    assert threads.share(4, 6) == 6


def test_one_worker_alone_is_left_to_the_libraries(eight_cores: Path) -> None:
    assert threads.share(1, None) is None


@pytest.mark.parametrize(("line", "each"), [("400000 100000\n", 2), ("50000 100000\n", 1), ("max 100000\n", 4)])
def test_a_container_shares_out_what_it_may_use(eight_cores: Path, line: str, each: int) -> None:
    (eight_cores / "cpu.max").write_text(line)
    assert threads.share(2, None) == each


@pytest.mark.parametrize(("quota", "each"), [("200000", 1), ("-1", 4)])
def test_containers_of_the_first_version_are_understood(eight_cores: Path, quota: str, each: int) -> None:
    (eight_cores / "cpu").mkdir()
    (eight_cores / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (eight_cores / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert threads.share(2, None) == each


def test_a_limited_container_limits_one_worker_too(eight_cores: Path) -> None:
    (eight_cores / "cpu.max").write_text("300000 100000\n")
    assert threads.share(1, None) == 3


def test_libraries_are_told_before_they_are_imported() -> None:
    assert threads.environment(3)["OMP_NUM_THREADS"] == "3"
    assert threads.environment(None) == {}
