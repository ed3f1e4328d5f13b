"""How many prompts equal what ComfyUI's frontend queued: ours beside another converter's. One JSON line.

python -m tests.bench.converters --autograph PYTHON

PYTHON has the package comfyui-autograph, which needs schemas as ComfyUI's /object_info gives them: both get those that
the frontend had, the same files, the same judge and the same excuses. As it takes saved file names for errors where the
schemas do not list them, its schemas list every file that the graphs name, as those of an install with all models.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.catalogue.catalogue import Catalogue
from tests.catalogue.dumps import Dump, dumps
from tests.conversion.deviations import STATED, expected
from tests.conversion.frontend_schemas import GAINED, NEW, OLD
from tests.conversion.judge import differences
from tests.conversion.measure import everything, found

FILE = re.compile(r"\.\w{2,11}$")
OTHER = """
import json, sys, time
from pathlib import Path
from autograph.convert import convert_workflow
folder = Path(sys.argv[1])
infos = {path.stem: json.loads(path.read_text()) for path in folder.glob("schemas-*.json")}
began, made = time.perf_counter(), {}
for path in sorted(folder.glob("file-*.json")):
    asked = json.loads(path.read_text())
    try:
        made[path.stem] = dict(convert_workflow(asked["graph"], node_info=infos[asked["schemas"]]))
    except Exception as error:
        made[path.stem] = f"{type(error).__name__}: {error}"
(folder / "made.json").write_text(json.dumps({"seconds": time.perf_counter() - began, "made": made}))
"""


def merged(names: tuple[str, ...]) -> Dump:
    """The dumps as one, the last that has a class counting, with the widgets that newer releases gained."""
    one: Dump = {}
    for name in names:
        one |= json.loads(json.dumps(dumps()[name]))
    for name, inputs in GAINED.items() if names is NEW else ():
        one[name]["input"]["required"] |= inputs
        one[name]["input_order"]["required"] += inputs
    return one


def with_files(schemas: Dump, asked: list[dict[str, Any]]) -> Dump:
    """The schemas, their lists of choices holding every file that is named in the graphs besides."""
    texts = sorted({text for each in asked for text in _texts(each["graph"])})
    for info in schemas.values():
        for part in info["input"].values():
            for entry in part.values() if isinstance(part, dict) else ():
                if isinstance(entry, list) and entry and isinstance(entry[0], list):
                    entry[0] = [*entry[0], *(text for text in texts if text not in entry[0])]
    return schemas


def _texts(graph: dict[str, Any]) -> Iterator[str]:
    """File names that an editor's graph holds as saved values, those of subgraphs included."""
    held = graph.get("definitions") or {}
    for part in (graph, *held.get("subgraphs", [])):
        for node in part["nodes"]:
            values = node.get("widgets_values")
            yield from (each for each in values or [] if isinstance(each, str) and FILE.search(each))


def others(python: str, asked: list[dict[str, Any]]) -> tuple[list[Any], float]:
    """What the other converter makes of files, and the seconds it took for all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "schemas-old.json").write_text(json.dumps(with_files(merged(OLD), asked)))
        (folder / "schemas-new.json").write_text(json.dumps(with_files(merged(NEW), asked)))
        for number, each in enumerate(asked):
            (folder / f"file-{number:04}.json").write_text(json.dumps(each))
        subprocess.run([python, "-c", OTHER, name], check=True, capture_output=True)
        told = json.loads((folder / "made.json").read_text())
    return [told["made"][f"file-{number:04}"] for number in range(len(asked))], told["seconds"]


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--autograph", metavar="PYTHON", required=True, help="a Python that has comfyui-autograph")
    given = parser.parse_args()
    truths, known = list(everything()), Catalogue()
    asked = [
        {"graph": truth.graph, "schemas": "schemas-old" if truth.kind in ("pair", "old template") else "schemas-new"}
        for truth in truths
    ]
    made, seconds = others(given.autograph, asked)
    files, ours, theirs, failed = Counter[str](), Counter[str](), Counter[str](), 0
    began = time.perf_counter()
    for truth in truths:
        ours[truth.kind] += not found(truth)
    own_seconds = time.perf_counter() - began
    for truth, prompt in zip(truths, made, strict=True):
        files[truth.kind] += 1
        if isinstance(prompt, str):
            failed += 1
        else:
            theirs[truth.kind] += not differences(prompt, expected(truth.name, truth.prompt), known, STATED)
    told = {
        "bench": "converters",
        "files": dict(files),
        "comfyless": {"equal": sum(ours.values()), **ours, "seconds_judged": round(own_seconds, 2)},
        "autograph": {"equal": sum(theirs.values()), **theirs, "raised": failed, "seconds": round(seconds, 2)},
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
