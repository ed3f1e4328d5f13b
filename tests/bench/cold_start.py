"""Cold start: from a fresh process to the finished picture of the demo graph, in wall time, CPU time and memory.

Beside it the floor: a process that only imports torch. One JSON line; `--against CMD` times another program in turn.
"""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def once(command: list[str]) -> dict[str, float]:
    """Wall and CPU seconds, and the largest resident set in bytes, of one process that must succeed."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{shlex.join(command)} ended with {process.returncode}")
    wall = time.perf_counter() - begun
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * RSS_UNIT}


def middle(runs: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure, and the spread of the wall time."""
    found = {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}
    walls = [run["wall"] for run in runs]
    return {**found, "wall_spread": round(max(walls) - min(walls), 3)}


def main() -> None:
    """Time every program in turns, so that a busy minute hits them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--against", metavar="CMD", help="another program to time, as one shell-like text")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as output:
        commands = {
            "comfyless": [sys.executable, "-m", "engine", "demo", "--output", output],
            "import_torch": [sys.executable, "-c", "import torch"],
        }
        if arguments.against:
            commands["against"] = shlex.split(arguments.against)
        for command in commands.values():  # a warm disk and written bytecode, as on any day but the first
            once(command)
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
        for _ in range(arguments.runs):
            for name, command in commands.items():
                runs[name].append(once(command))
    about = {"bench": "cold_start", "runs": arguments.runs, "cores": os.cpu_count()}
    about |= {"python": platform.python_version(), "torch": version("torch")}
    results = {name: middle(found) for name, found in runs.items()}
    sys.stdout.write(json.dumps({**about, **results}) + "\n")


if __name__ == "__main__":
    main()
