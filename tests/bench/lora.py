"""What LoRAs cost while they are laid on: full-width Flux blocks with none, one and two of them.

    python -m tests.bench.lora [--storages fp8 Q8_0 nf4] [--tokens 512] [--rank 16] [--repeats N]

One JSON line: for each storage the median seconds per step of the blocks of tests.bench.full_width without a LoRA (what
merged weights would take too) and with one and two that change every linear layer of the blocks; the ratio of the CPU
seconds, which other work on the machine hardly touches; and how long laying one on took. The cases take turns.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.inference.layers.linear import linears
from engine.inference.models.flux import Flux, places, rotary_axes, turns
from engine.inference.patches import lora
from schemas.sockets import FileRef, Lora
from tests.bench.full_width import GGUF, SIZES, WORDS, network, stored_as, write_file

CASES = (0, 1, 2)
"""How many LoRAs."""


def write_lora(path: Path, rank: int) -> FileRef:
    """A LoRA in Black Forest Labs' names for every linear layer of the blocks."""
    generator, tensors = torch.Generator().manual_seed(1), {}
    for name, layer in linears(Flux(SIZES)).items():
        if "blocks." in name:
            up, down = (layer.outputs, rank), (rank, layer.inputs)
            tensors[f"diffusion_model.{name}.lora_B.weight"] = torch.randn(up, generator=generator).mul_(0.01).half()
            tensors[f"diffusion_model.{name}.lora_A.weight"] = torch.randn(down, generator=generator).mul_(0.01).half()
    save_file(tensors, path)
    return FileRef("loras", path.name, str(path), "bench")


def step(flux: Flux, tokens: int) -> tuple[float, float]:
    """Wall and CPU seconds of the blocks once."""
    vector = torch.randn(1, SIZES.hidden)
    by = turns(places(WORDS, 1, tokens - WORDS, torch.device("cpu")), rotary_axes(SIZES.head_dim))
    img, txt = (torch.randn(1, count, SIZES.hidden) for count in (tokens - WORDS, WORDS))
    begun, worked = time.perf_counter(), time.process_time()
    flux._blocks(img, txt, vector, by)
    return time.perf_counter() - begun, time.process_time() - worked


def measure(flux: Flux, file: FileRef, tokens: int, repeats: int) -> dict[str, object]:
    """The cases in turn, after one step to warm up."""
    wall: dict[int, list[float]] = {case: [] for case in CASES}
    work: dict[int, list[float]] = {case: [] for case in CASES}
    laying = []
    step(flux, tokens)
    for _ in range(repeats):
        for case in CASES:
            begun = time.perf_counter()
            with lora.laid({"flux": flux}, [Lora(file, 0.7)] * case, torch.float32, torch.device("cpu")):
                laying.append(time.perf_counter() - begun if case == 1 else 0.0)
                for found, seconds in zip((wall, work), step(flux, tokens), strict=True):
                    found[case].append(seconds)
    return {
        "seconds": {case: round(statistics.median(wall[case]), 3) for case in CASES},
        "cpu_ratio": {case: round(min(work[case]) / min(work[0]), 3) for case in CASES},
        "laying_on_seconds": round(max(laying), 3),
    }


def main() -> None:
    """Measure every storage, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storages", nargs="+", default=["fp8", "Q8_0", "nf4"], choices=("fp8", "nf4", *GGUF))
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        original = Path(folder, "flux.safetensors")
        write_file(str(original))
        file = write_lora(Path(folder, "lora.safetensors"), options.rank)
        for storage in options.storages:
            flux = network(str(stored_as(storage, original)), storage)
            rows[storage] = measure(flux, file, options.tokens, options.repeats)
    facts = {"tokens": options.tokens, "rank": options.rank, "threads": torch.get_num_threads()}
    sys.stdout.write(json.dumps({"bench": "lora", "storages": rows, **facts, "torch": torch.__version__}) + "\n")


if __name__ == "__main__":
    main()
