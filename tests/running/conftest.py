"""A fresh house for each test."""

from pathlib import Path

import pytest

from tests.running.house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A session with the toys and nothing else."""
    return House(tmp_path)
