"""200 rounds of kill -9, each: nothing lost, nothing twice, nothing half. The full form: `python -m tests.torture`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "seed"), [("watch", 1), ("watch", 2), ("batch", 1), ("batch", 2)])
def test_nothing_is_lost_or_doubled_wherever_processes_are_killed(verb: str, seed: int, tmp_path: Path) -> None:
    """In a process of its own, which forks: nothing of pytest's may be copied."""
    command = ["tests.torture", verb, "--rounds", "100", "--graphs", "200", "--seed", str(seed)]
    ended = subprocess.run(
        [sys.executable, "-m", *command, "--folder", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["findings"], told["rounds"]) == (0, 0, 100), ended.stderr
    assert told["ends"]["-9"] > 50
