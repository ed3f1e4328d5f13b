"""What the executor itself costs: microseconds per trivial node to bind, plan and run, one JSON line.

    python -m tests.bench.executor

Nodes that only hand a token on, as a chain, side by side, and as a layered random graph of two links a node; a fresh
session each time, so nothing is cached. CPU seconds of this process, so that other work on the machine counts little.
Goal: plan and run within 50 together at 10,000 nodes, and in proportion beyond.
"""

import gc
import json
import os
import platform
import random
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from engine.graph.values import bind
from engine.planning.plan import plan_run
from engine.running.session import Session
from schemas.prompt import Prompt
from schemas.workflow import Workflow
from tests import toys
from tests.graph.fakes import TOYS
from tests.planning.fakes import FakeFiles
from tests.running.house import FakeLedger, FakePictures, node

Graph = dict[str, dict[str, Any]]
REPEATS = {1_000: 9, 10_000: 5, 100_000: 3}


def wide(count: int) -> Graph:
    """Pairs of a source and an output."""
    graph: Graph = {}
    for index in range(count // 2):
        graph[f"s{index}"] = node("ToySource", name=str(index))
        graph[f"k{index}"] = node("ToyKeep", token=[f"s{index}", 0])
    return graph


def layered(count: int, width: int = 100) -> Graph:
    """Layers of `width` additions, each of its like and a random one of the layer before; outputs at the end."""
    rng = random.Random(2024)
    graph: Graph = {f"0-{index}": node("ToyNumber", value=index) for index in range(width)}
    layers = count // width
    for layer in range(1, layers):
        for index in range(width):
            like, other = [f"{layer - 1}-{index}", 0], [f"{layer - 1}-{rng.randrange(width)}", 0]
            last = layer == layers - 1
            graph[f"{layer}-{index}"] = node("ToyShow", value=like) if last else node("ToyAdd", a=like, b=other)
    return graph


SHAPES: dict[str, Callable[[int], Graph]] = {
    "chain": lambda count: toys.chain(count - 2),
    "wide": wide,
    "layered": layered,
}


def measured(graph: Graph) -> dict[str, float]:
    """CPU microseconds per node to bind, to plan, and to plan and run."""
    toys.RUNS.clear()
    toys.SHOWN.clear()
    gc.collect()
    session = Session(TOYS, FakeFiles(), FakePictures(Path()), FakeLedger())
    workflow = Workflow(name="bench.json", form="api", prompt=Prompt.model_validate({"nodes": graph}))
    begun = process_time()
    bound = bind(workflow.prompt, TOYS)
    at_plan = process_time()
    targets = [name for name, found in bound.items() if found.spec.output_node]
    plan_run(workflow.name, bound, targets, session.cache, FakeFiles())
    at_run = process_time()
    report = session.run(workflow, bound)
    over = process_time()
    if report.status != "done" or len(report.steps) != len(graph):
        raise SystemExit(f"the run went wrong: {report.status} {report.error}")
    parts = {"bind": at_plan - begun, "plan": at_run - at_plan, "plan_and_run": over - at_run}
    return {name: seconds * 1e6 / len(graph) for name, seconds in parts.items()}


def main() -> None:
    """Measure every shape and size, smallest first."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for shape, make in SHAPES.items():
        for count, repeats in REPEATS.items():
            graph = make(count)
            runs = [measured(graph) for _ in range(repeats)]
            figures = {name: round(median(run[name] for run in runs), 1) for name in runs[0]}
            totals = [run["plan_and_run"] for run in runs]
            found.setdefault(shape, {})[str(count)] = {**figures, "spread": round(max(totals) - min(totals), 1)}
    about = {"python": platform.python_version(), "machine": platform.machine(), "cpus": os.cpu_count()}
    print(json.dumps({"bench": "executor", "unit": "CPU microseconds per node", **about, **found}))  # noqa: T201


if __name__ == "__main__":
    main()
