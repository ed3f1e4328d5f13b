"""Mutations of small GGUF and NF4 models: whatever comes, it is loaded and answers, or ModelFileInvalid says why not.

    python -m tests.hostile.packed_weights [COUNT] [SEED]

Prints one JSON line: how many were loaded, how many refused, the slowest in seconds.
"""

import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from engine.checkpoints.families.flux import FluxSizes
from engine.errors import DoesNotFit, ModelFileInvalid
from engine.inference import network
from engine.inference.models.flux import Flux
from engine.memory import Ledger
from schemas.sockets import ModelRef
from tests.hostile.headers import mutate
from tests.inference.packed_files import write_gguf, write_nf4
from tests.inference.random_weights import random_tensors
from tests.inference.stand_in import StandInContext, file_ref

SIZES = FluxSizes(64, 32, 2, 1, 1, 64, 64, 24, 12, 64, guided=False)
BUDGET = 64 << 20
"""Bytes that a model may take beside its file: a mutated size must not make us allocate more."""

STATE = re.compile(rb'\{"quant_type[^}]*\}')


def seeds(folder: Path) -> list[tuple[str, bytes]]:
    """Valid files: ending, content."""
    tensors = random_tensors(Flux(SIZES))
    write_gguf(folder / "a.gguf", tensors, "flux")
    found = [(".gguf", (folder / "a.gguf").read_bytes())]
    for nested in (True, False):
        write_nf4(folder / "a.safetensors", tensors, nested)
        found.append((".safetensors", (folder / "a.safetensors").read_bytes()))
    return found


def other_state(dice: random.Random, content: bytes) -> bytes:
    """Another value in one of the quantisation states, or noise over it, as long as it was."""
    match = dice.choice(list(STATE.finditer(content)))
    state = json.loads(match[0])
    odd = [
        0,
        -1,
        1,
        3,
        64,
        1 << 40,
        1.5,
        1e308,
        True,
        None,
        "x",
        [],
        [64],
        [0, 64],
        [64, 24, 1],
        [1 << 39, 1 << 39],
        {},
    ]
    state[dice.choice(list(state))] = dice.choice(odd)
    text = json.dumps(state).encode() if dice.random() < 0.8 else dice.randbytes(len(match[0]))
    text = text[: len(match[0])].ljust(len(match[0]))
    return content[: match.start()] + text + content[match.end() :]


def mutations(dice: random.Random, originals: list[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Without end: ending, content."""
    while True:
        ending, content = dice.choice(originals)
        if STATE.search(content) and dice.random() < 0.5:
            yield ending, other_state(dice, content)
        else:
            yield ending, mutate(dice, content)


def answer(path: Path) -> None:
    """Load a model and ask it once."""
    context = StandInContext(ledger=Ledger(budgets={"cpu": BUDGET}))
    with network.borrow(context, ModelRef(file_ref(path))) as net:
        tokens, pooled = torch.zeros(1, 3, 24), torch.zeros(1, 12)
        net.velocity(torch.zeros(1, 16, 4, 4), torch.tensor([0.5]), tokens, {"pooled_output": pooled})


def run(count: int, seed: int, folder: Path) -> dict[str, float]:
    """Try `count` mutations. Raises AssertionError that names the mutation if one is answered wrongly."""
    dice = random.Random(seed)
    made = mutations(dice, seeds(folder))
    facts = {"count": float(count), "seed": float(seed), "loaded": 0.0, "refused": 0.0, "slowest": 0.0}
    for number in range(count):
        ending, content = next(made)
        path = folder / f"{number}{ending}"
        path.write_bytes(content)
        began = time.perf_counter()
        try:
            answer(path)
            facts["loaded"] += 1
        except (ModelFileInvalid, DoesNotFit):
            facts["refused"] += 1
        except Exception as error:
            kept = folder / f"kept-{seed}-{number}{ending}"
            path.rename(kept)
            raise AssertionError(f"mutation {number} of seed {seed}: {type(error).__name__}: {error}") from error
        facts["slowest"] = max(facts["slowest"], time.perf_counter() - began)
        path.unlink()
    return facts


def main() -> None:
    """Run from the command line."""
    count, seed = (int(text) for text in (*sys.argv[1:], *("300", "1")[len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        facts = run(count, seed, Path(folder))
    sys.stdout.write(json.dumps({"name": "hostile packed weights", **facts}) + "\n")


if __name__ == "__main__":
    main()
