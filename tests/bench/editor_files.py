"""How long the largest official template takes from file to checked prompt, and to export. One JSON line.

python -m tests.bench.editor_files [--runs 9] [--autograph PYTHON --object-info FILE]

The whole command is timed, process and imports included, in turn with `python -m autograph` of the package
comfyui-autograph, if a Python that has it is given with a dump of ComfyUI's /object_info, which it needs. Largest: the
template that unfolds to the most nodes, and the one with the most bytes.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from engine import api

PACKAGES = ("comfyui_workflow_templates", "comfyui_workflow_templates_json")
SETTLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
WITHOUT_TORCH = """
import sys
from engine.cli.main import main
try:
    main(["validate", sys.argv[1]])
except SystemExit:
    pass
sys.exit(17 if "torch" in sys.modules else 0)
"""


def templates() -> Iterator[Path]:
    """Every official template."""
    for package in PACKAGES:
        with as_file(files(package).joinpath("templates")) as folder:
            for path in sorted(folder.glob("*.json")):
                if not path.name.startswith(("index", "fuse_options")) and '"nodes"' in path.read_text("utf-8"):
                    yield path


def largest() -> tuple[dict[str, Path], float, int]:
    """The largest templates by measure, and the seconds that reading and translating all took, and how many."""
    most: dict[str, tuple[int, Path]] = {}
    seconds, count = 0.0, 0
    for path in templates():
        began = time.perf_counter()
        workflow = api.load(path)
        seconds, count = seconds + time.perf_counter() - began, count + 1
        for measure, size in (("nodes", len(workflow.prompt.nodes)), ("bytes", path.stat().st_size)):
            if size > most.get(measure, (0, path))[0]:
                most[measure] = (size, path)
    return {measure: path for measure, (_, path) in most.items()}, seconds, count


def timed(command: list[str]) -> float:
    """Wall seconds of a command; its exit code is its own matter, as templates name models that are not here."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=SETTLED)
    seconds = time.perf_counter() - began
    if "Traceback" in done.stderr:
        raise RuntimeError(f"{command} failed:\n{done.stderr}")
    return seconds


def in_turn(commands: dict[str, list[str]], runs: int) -> dict[str, float]:
    """The median seconds of each command, run in turn, after one run that leaves compiled modules behind."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs + 1):
        for name, command in commands.items():
            taken[name].append(timed(command))
    return {name: round(statistics.median(each[1:]), 3) for name, each in taken.items()}


def measure(path: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Everything about one template."""
    with tempfile.TemporaryDirectory() as folder:
        made = str(Path(folder) / "api.json")
        commands = {
            "validate_seconds": [sys.executable, "-m", "engine", "validate", str(path)],
            "export_seconds": [sys.executable, "-m", "engine", "export", str(path), "--to", "api", "-o", made],
        }
        if given.autograph:
            other = [given.autograph, "-m", "autograph", "-i", str(path), "-o", made, "-f", given.object_info]
            commands["autograph_export_seconds"] = other
        told = in_turn(commands, given.runs)
    alone = []
    for _ in range(given.runs):
        began = time.perf_counter()
        workflow = api.load(path)
        alone.append(time.perf_counter() - began)
    torch = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, str(path)], capture_output=True, check=False)
    return {
        "template": path.name,
        "kilobytes": path.stat().st_size // 1000,
        "nodes": len(workflow.prompt.nodes),
        "conversion_seconds": round(statistics.median(alone), 4),
        "torch_imported": torch.returncode == 17,
        **told,
    }


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--autograph", metavar="PYTHON", help="a Python that has comfyui-autograph")
    parser.add_argument("--object-info", metavar="FILE", help="the dump of /object_info that it is given")
    given = parser.parse_args()
    if given.autograph and not given.object_info:
        parser.error("--autograph needs --object-info")
    found, seconds, count = largest()
    told = {
        "bench": "editor_files",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "templates": count,
        "all_conversions_seconds": round(seconds, 2),
        **{f"most_{measured}": measure(path, given) for measured, path in found.items()},
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
