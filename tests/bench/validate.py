"""How long `validate` takes for a graph of 500 real nodes: the whole command, and the check alone. One JSON line.

python -m tests.bench.validate [--nodes 500] [--runs 7]
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
from pathlib import Path
from typing import Any

import pydantic

from tests.checkpoints.tables import load, write_safetensors

NAME = "flux1-dev-fp8.safetensors"
MODEL = f"models/checkpoints/{NAME}"
CHAIN = 6
"""Nodes that one picture of the graph takes, besides the shared loader."""


def graph(nodes: int) -> dict[str, Any]:
    """A checkpoint loader, and for each further six nodes a picture from its own prompts, latent and sampler."""
    made: dict[str, Any] = {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": NAME}}}
    for index in range(max(1, (nodes - 1) // CHAIN)):
        texts, empty, latent, sampler, picture, saved = (str(CHAIN * index + offset) for offset in range(2, 2 + CHAIN))
        made |= {
            texts: {"class_type": "CLIPTextEncode", "inputs": {"text": f"a picture, {index}", "clip": ["1", 1]}},
            empty: {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}},
            latent: {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
            sampler: {
                "class_type": "KSampler",
                "_meta": {"title": f"Sampler {index}"},
                "inputs": {
                    "model": ["1", 0],
                    "seed": index,
                    "steps": 20,
                    "cfg": 1.0,
                    "sampler_name": "euler",
                    "scheduler": "simple",
                    "positive": [texts, 0],
                    "negative": [empty, 0],
                    "latent_image": [latent, 0],
                    "denoise": 1.0,
                },
            },
            picture: {"class_type": "VAEDecode", "inputs": {"samples": [sampler, 0], "vae": ["1", 2]}},
            saved: {"class_type": "SaveImage", "inputs": {"images": [picture, 0], "filename_prefix": "bench"}},
        }
    return made


def command_seconds(folder: Path, runs: int) -> tuple[list[float], list[float], int]:
    """Wall and processor seconds of each run of the command, and its exit code."""
    walls, processors, code = [], [], 0
    arguments = [
        sys.executable,
        "-m",
        "engine",
        "validate",
        "--models",
        str(folder / "models"),
        str(folder / "graph.json"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for _ in range(runs + 1):  # the first one fills the file cache
        before, began = os.times(), time.perf_counter()
        done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, check=False)
        walls.append(time.perf_counter() - began)
        after = os.times()
        processors.append(after.children_user + after.children_system - before.children_user - before.children_system)
        code = done.returncode
    return walls[1:], processors[1:], code


def engine_seconds(data: bytes, folder: Path, runs: int) -> dict[str, float]:
    """Median seconds of each part of the work inside a warm process."""
    from engine.folders import Folders
    from engine.graph.check import examine
    from engine.graph.values import bind
    from engine.plugins.registry import Registry
    from engine.reading import read

    registry, seconds = Registry.builtin(), dict[str, list[float]](read=[], check=[], bind=[])
    for _ in range(runs + 1):
        began = time.perf_counter()
        workflow = read("graph.json", data)
        was_read = time.perf_counter()
        checked = examine(workflow, registry, Folders([folder / "models"]))
        was_checked = time.perf_counter()
        bind(workflow.prompt, registry)
        ended = time.perf_counter()
        if checked.problems:
            raise SystemExit(f"the graph of the benchmark is not sound: {checked.problems[0]}")
        for name, part in zip(seconds, (was_read - began, was_checked - was_read, ended - was_checked), strict=True):
            seconds[name].append(part)
    return {name: round(statistics.median(parts[1:]), 4) for name, parts in seconds.items()}


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    made = graph(given.nodes)
    data = json.dumps(made).encode()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / MODEL).parent.mkdir(parents=True)
        write_safetensors(folder / MODEL, load("flux_dev_fp8_all_in_one"))  # the real header, and a hole behind it
        (folder / "graph.json").write_bytes(data)
        walls, processors, code = command_seconds(folder, given.runs)
        parts = engine_seconds(data, folder, given.runs)
    line = {
        "bench": "validate",
        "nodes": len(made),
        "exit": code,
        "wall_median": round(statistics.median(walls), 3),
        "wall_min_max": [round(min(walls), 3), round(max(walls), 3)],
        "cpu_median": round(statistics.median(processors), 3),
        "engine_seconds": parts,
        "runs": given.runs,
        "python": platform.python_version(),
        "pydantic": pydantic.VERSION,
    }
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
