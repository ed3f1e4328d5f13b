"""Mutations of valid graphs through read, override, check and bind: a Workflow or Problems, and nothing else.

python -m tests.hostile.mutate --count 10000 --seed 0

Each mutation is made from the seed and its own number alone, so that `--only NUMBER` makes it again.
"""

import argparse
import copy
import json
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine import api
from engine.errors import ComfylessError, GraphInvalid
from engine.graph.check import examine
from engine.graph.rewrite import apply
from engine.graph.values import bind
from engine.plugins.registry import Registry
from schemas.prompt import Prompt
from schemas.report import Problem
from schemas.workflow import Workflow
from tests import toys
from tests.graph.fakes import FakeFolders
from tests.reading.pictures import international_text, packed_text, png, text, with_tags

SLOW = 2.0
"""Seconds after which one mutation counts as a hang."""
GOLDENS = Path(__file__).parents[1] / "goldens"
ODD_TEXTS = (
    "",
    "\0",
    "\x1b[31m",
    "é",
    "😀",
    "\u202e",
    "a" * 100_000,
    "../../etc/passwd",
    "C:\\a",
    "%s%n{}",
    "NaN",
    "1e999",
)
ODD_TEXTS += (
    "nodes",
    "links",
    "prompt",
    "class_type",
    "inputs",
    "__value__",
    "1",
    "\ud800",
    "\ufeff",
    "KSampler",
    "ToyShow",
)
ODD_NUMBERS = (0, -1, 1.5, 2**63, 2**64, -(2**70), 10**400, 10**5000, 1e308, float("nan"), float("inf"), -0.0)


class AnyModels(FakeFolders):
    """Every model file is there, so that mutated graphs of real models can be sound."""

    def has(self, folder: str, name: str) -> bool:
        """By its ending."""
        return name.endswith(".safetensors")

    def input_path(self, name: str) -> Path | None:
        """By its ending."""
        return Path(name) if name.endswith(".png") else None


def graphs() -> list[dict[str, Any]]:
    """Valid graphs to start from: real ones of the goldens, and one of toys that has every kind of input."""
    real = [json.loads(path.read_text()) for path in sorted(GOLDENS.glob("*/workflow_api.json"))]
    every = {
        "1": {"class_type": "ToyNumber", "inputs": {"value": 5}, "_meta": {"title": "A number"}},
        "2": {"class_type": "ToyRange", "inputs": {"count": ["1", 0]}},
        "3": {"class_type": "ToySum", "inputs": {"items": ["2", 0], "start": 0}},
        "4": {"class_type": "ToyModel", "inputs": {"ckpt_name": "a.safetensors"}},
        "5": {"class_type": "ToyPicture", "inputs": {"image": "cat.png"}},
        "6": {"class_type": "ToyMerge", "inputs": {"first": ["4", 0], "second": ["5", 0]}},
        "7": {"class_type": "ToySwitch", "inputs": {"switch": True, "on_true": ["6", 0], "on_false": ["3", 0]}},
        "8": {"class_type": "ToyShow", "inputs": {"value": ["7", 0]}},
        "9": {
            "class_type": "ToyWidgets",
            "inputs": {"whole": 1, "real": 0.5, "text": "a", "toggle": True, "colour": "red"},
        },
        "10": {"class_type": "ToyShow", "inputs": {"value": ["9", 0]}},
    }
    return [every, toys.chain(5), *real]


class Mutator:
    """One source of changes, driven by one random generator."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def odd(self, depth: int = 0) -> Any:
        """Some value that nobody expects."""
        kind = self.rng.randrange(9 if depth < 3 else 5)
        if kind == 0:
            return self.rng.choice((None, True, False))
        if kind in (1, 2):
            return self.rng.choice(ODD_NUMBERS)
        if kind in (3, 4):
            return self.rng.choice(ODD_TEXTS)
        if kind == 5:
            return [self.odd(depth + 1) for _ in range(self.rng.randrange(4))]
        if kind == 6:
            return {self.rng.choice(ODD_TEXTS): self.odd(depth + 1) for _ in range(self.rng.randrange(4))}
        if kind == 7:
            return {"__value__": self.odd(depth + 1)}
        nested: Any = 1
        for _ in range(self.rng.choice((5, 90, 120, 500))):
            nested = [nested] if self.rng.random() < 0.5 else {"a": nested}
        return nested

    def place(self, graph: Any) -> tuple[Any, Any]:
        """A container somewhere in the graph, and a key or index in it."""
        inner = graph[self.rng.choice(list(graph))]
        inputs = inner.get("inputs") if isinstance(inner, dict) else None
        start = inputs if isinstance(inputs, dict) and inputs and self.rng.random() < 0.8 else graph
        holder, key = start, self.rng.choice(list(start))
        while self.rng.random() < 0.75:
            inner = holder[key]
            if not isinstance(inner, dict | list) or not inner:
                break
            holder, key = inner, self.rng.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        return holder, key

    def change(self, graph: dict[str, Any]) -> None:
        """One change in place."""
        if not graph:
            return
        holder, key = self.place(graph)
        kind = self.rng.randrange(7)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            other, from_key = self.place(graph) if graph else (holder, key)
            value = copy.deepcopy(other[from_key])
            holder[key] = value
        elif kind == 2 and isinstance(holder, dict):
            holder[self.rng.choice(ODD_TEXTS)] = holder.pop(key)
        elif kind == 3:
            holder[key] = [self.rng.choice([*graph, "99", 5, -1]), self.rng.choice((0, 1, 7, -1, 0.5, True, 1e30))]
        else:
            holder[key] = self.odd()

    def flip(self, data: bytes) -> bytes:
        """Bytes changed, cut, doubled or put in."""
        changed = bytearray(data)
        for _ in range(self.rng.choice((1, 1, 3, 20))):
            at = self.rng.randrange(len(changed) + 1)
            kind = self.rng.randrange(5)
            if kind == 0:
                del changed[at:]
            elif kind == 1:
                changed[at:at] = self.rng.randbytes(self.rng.choice((1, 4, 100)))
            elif kind == 2:
                del changed[at : at + self.rng.choice((1, 2, 50))]
            elif kind == 3 and at < len(changed):
                changed[at] ^= 1 << self.rng.randrange(8)
            else:
                changed[at:at] = changed[: self.rng.randrange(len(changed) + 1)]
        return bytes(changed)

    def packed(self, written: str) -> bytes:
        """JSON text as a file: bare, in an envelope, in an odd encoding, or in a picture."""
        kind = self.rng.randrange(10)
        wraps = {
            0: lambda: f'{{"prompt": {written}, "workflow": {{"nodes": [], "links": []}}}}'.encode(),
            1: lambda: png(text("prompt", written), text("workflow", '{"nodes": []}')),
            2: lambda: png(packed_text("prompt", written)),
            3: lambda: png(international_text("prompt", written, packed=True)),
            4: lambda: with_tags("webp", {0x0110: f"prompt:{written}"}) if len(written) < 60_000 else written.encode(),
            5: lambda: with_tags("jpeg", {0x0110: f"prompt:{written}"}) if len(written) < 60_000 else written.encode(),
            6: lambda: written.encode(self.rng.choice(("utf-16", "utf-32", "utf-8-sig", "utf-16-be"))),
        }
        return wraps.get(kind, written.encode)()

    def packed_workflow(self, written: str) -> bytes:
        """The text of an editor's graph as a file: bare, in an envelope, or in a picture without a prompt."""
        kind = self.rng.randrange(12)
        if kind == 0:
            return png(text("workflow", written))
        if kind == 1:
            return f'{{"workflow": {written}}}'.encode()
        if kind == 2 and len(written) < 60_000:
            return with_tags("webp", {0x010F: f"workflow:{written}"})
        return written.encode()

    def override(self, graph: dict[str, Any]) -> str:
        """A --set argument, more or less sensible."""
        if self.rng.random() < 0.2:
            return self.rng.choice(ODD_TEXTS) + self.rng.choice(("", "=", ".", "=.", ".=")) + self.rng.choice(ODD_TEXTS)
        name = self.rng.choice([*graph, "KSampler", "ToyNumber", "A number", "99"])
        field = self.rng.choice(
            ("text", "seed", "steps", "value", "whole", "images", "sampler_name", self.rng.choice(ODD_TEXTS))
        )
        return f"{name}.{field}={self.rng.choice((*ODD_TEXTS, '5', 'true', '[1]', '9' * 5000))}"


@contextmanager
def without_limits() -> Iterator[None]:
    """Let values be copied and written that are nested too deeply to be read, and numbers too long to be printed."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        sys.set_int_max_str_digits(4300)


def case(seed: int, number: int, originals: list[dict[str, Any]]) -> tuple[bytes, list[str]]:
    """The file and the overrides of one mutation."""
    with without_limits():
        return _case(seed, number, originals)


def _case(seed: int, number: int, originals: list[dict[str, Any]]) -> tuple[bytes, list[str]]:
    rng = random.Random(f"{seed}/{number}")
    mutator = Mutator(rng)
    graph = copy.deepcopy(rng.choice(originals))
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        mutator.change(graph)
    written = json.dumps(graph)
    if rng.random() < 0.05:
        written = written.replace('"class_type"', '"inputs"', 1)
    data = mutator.packed(written)
    if rng.random() < 0.3:
        data = mutator.flip(data)
    return data, [mutator.override(graph) for _ in range(rng.choice((0, 0, 1, 3)))]


def overridden(prompt: Prompt, overrides: list[str], registry: Registry) -> tuple[Prompt, list[Problem]]:
    """The prompt with all overrides done, or as it was with their problems."""
    try:
        return apply(prompt, overrides, registry), []
    except GraphInvalid as error:
        return prompt, error.problems


def outcome(data: bytes, overrides: list[str], registry: Registry) -> str:
    """What becomes of a file: "sound", or the codes of its problems. Raises whatever should never be raised."""
    try:
        workflow = api.load(data, "hostile")
        prompt, refused = overridden(workflow.prompt, overrides, registry)
        changed = Workflow.model_validate(workflow.model_dump() | {"prompt": {"nodes": {}}})
        changed.prompt = prompt
        checked = examine(changed, registry, AnyModels())
        problems = [*refused, *checked.problems]
        for note in [*workflow.notes, *checked.notes]:
            note.encode()
        if not checked.problems:
            bind(prompt, registry, [name for name in prompt.nodes if name in checked.needed])
            json.dumps(prompt.as_json())
    except GraphInvalid as error:
        str(error).encode()
        problems = error.problems
        if not problems:
            raise AssertionError("refused without a problem") from error
    for problem in problems:
        problem.model_dump_json()
        if not problem.said or not problem.fix or len(problem.said) > 2000:
            raise AssertionError(f"a problem says too little or too much: {problem.code} {problem.said[:200]}")
    return "+".join(sorted({problem.code for problem in problems})) or "sound"


def judged(cases: Iterable[tuple[int, bytes, list[str]]]) -> tuple[Counter[str], list[str]]:
    """Outcomes of (number, file, overrides) by kind, and a report for each that ended in anything else or took long."""
    registry = Registry.of([*Registry.builtin().all(), *toys.specs()])
    outcomes, failures = Counter[str](), []
    for number, data, overrides in cases:
        began = time.process_time()
        try:
            outcomes[outcome(data, overrides, registry)] += 1
        except (Exception, RecursionError) as error:
            kind = "foreign error" if isinstance(error, ComfylessError) else "traceback"
            failures.append(f"{number}: {kind}: {overrides!r:.200}\n{traceback.format_exc()}")
        seconds = time.process_time() - began
        if seconds > SLOW:
            failures.append(f"{number}: took {seconds:.1f} s for {len(data)} bytes")
    return outcomes, failures


def run(count: int, seed: int, first: int = 0) -> tuple[Counter[str], list[str]]:
    """What became of so many mutations, and a report for each that failed."""
    originals = graphs()
    return judged((number, *case(seed, number, originals)) for number in range(first, first + count))


def main(run: Callable[[int, int, int], tuple[Counter[str], list[str]]] = run) -> int:
    """Print outcomes and failures; 1 if there are failures. run: of which mutations: (how many, seed, first number)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first mutation")
    parser.add_argument("--only", type=int, help="make this one mutation again")
    given = parser.parse_args()
    began = time.perf_counter()
    count, first = (given.count, given.first) if given.only is None else (1, given.only)
    outcomes, failures = run(count, given.seed, first)
    for failure in failures[:20]:
        sys.stderr.write(failure + "\n")
    told = {
        "mutations": count,
        "seed": given.seed,
        "failures": len(failures),
        "seconds": round(time.perf_counter() - began, 1),
    }
    sys.stdout.write(json.dumps(told | {"outcomes": dict(outcomes.most_common(25))}) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
