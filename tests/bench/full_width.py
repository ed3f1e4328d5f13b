"""Flux blocks at real width, stored in each way: against the same blocks on bf16 and fp32 weights with plain F.linear.

    python -m tests.bench.full_width [--tokens 512 1024] [--threads N] [--repeats N] [--storages fp8 nf4 Q4_K fp32]

One JSON line: for each storage and number of tokens the median seconds per step of one double and two single blocks
3072 wide, the spread, CPU seconds (which other work on the machine hardly touches), the file's size, and the private
memory (weights included, the mapped file not). The files are made by `comfyless quantize` from one fp8 file. Each
storage runs in a process of its own, so that peaks do not mix. On a CPU without bfloat16 instructions bf16 is measured
once, with the fewest tokens, since it takes minutes there.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine import api
from engine.checkpoints import index, runnable
from engine.checkpoints.families.flux import FluxSizes
from engine.checkpoints.weights import of_part
from engine.inference.models.flux import Flux, places, rotary_axes, turns
from engine.inference.weights import stored
from engine.inference.weights.assembly import Terms, assemble, slots
from engine.inference.weights.mapped import MappedFile

WORDS = 256
WIDENED = {"fp32": torch.float32, "bf16": torch.bfloat16}
"""The limits: every weight widened beforehand, then PyTorch alone."""
GGUF = ("Q8_0", "Q6_K", "Q5_K", "Q5_1", "Q4_K", "Q4_0", "IQ4_XS", "Q3_K", "Q2_K")
STORAGES = ("fp8", "fp8_bf16", "nf4", *GGUF, *WIDENED)
USUAL = ["fp8", "nf4", "Q8_0", "Q4_K", "fp32", "bf16"]
SIZES = FluxSizes(3072, 128, 24, 1, 2, 64, 64, 4096, 768, 12288, guided=False)


def compute_type(storage: str) -> torch.dtype:
    """What a storage is computed in: float32, as everything is on a CPU, unless bfloat16 is in its name."""
    return torch.bfloat16 if storage.endswith("bf16") else torch.float32


def write_file(path: str) -> None:
    """A synthetic Flux in fp8; the weights keep to small numbers, so that nothing overflows on the way."""
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1 << 22, generator=generator).mul_(0.02).to(torch.float8_e4m3fn).view(torch.uint8)
    tensors = {}
    for name, slot in slots(Flux(SIZES)):
        count = math.prod(slot.shape)
        codes = sample.repeat(-(-count // len(sample)))[:count].clone()
        tensors[name] = codes.view(torch.float8_e4m3fn).view(slot.shape)
    save_file(tensors, path)


def stored_as(storage: str, original: Path) -> Path:
    """The file to run a storage from, made if it must be."""
    if storage.startswith("fp8") or storage in WIDENED:
        return original
    gguf = storage in GGUF
    made = original.with_name(f"{storage}.{'gguf' if gguf else 'safetensors'}")
    api.quantize(original, f"gguf:{storage}" if gguf else storage, made)
    return made


def network(path: str, storage: str) -> Flux:
    """The blocks as they run, or for a limit with every weight widened beforehand."""
    file, contents = MappedFile(path), index.read(path)
    part = runnable.require(contents, "flux")
    weights = stored.read(file, of_part(contents, part))
    if storage in WIDENED:
        weights = stored.plain({name: weight.data.to(WIDENED[storage]) for name, weight in weights.items()})
    flux = Flux(SIZES)
    assemble(flux, weights, path, Terms(compute_type(storage)))
    file.release()
    return flux


class Watch(threading.Thread):
    """The most private memory of this process while it runs, looked at every few milliseconds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.over = 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.004):
            self.peak = max(self.peak, private_bytes())


def private_bytes() -> int:
    """What this process has that is no file's mapping."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


def measure(path: str, storage: str, counts: list[int], repeats: int) -> list[dict[str, object]]:
    """Time one storage with each number of tokens, after a step to warm up."""
    dtype, rows = compute_type(storage), []
    with torch.inference_mode():
        before = private_bytes()
        flux = network(path, storage)
        vector = torch.randn(1, SIZES.hidden, dtype=dtype)
        for tokens in counts:
            by = turns(places(WORDS, 1, tokens - WORDS, torch.device("cpu")), rotary_axes(SIZES.head_dim))
            watch, seconds, work = Watch(), [], []
            watch.start()
            for _ in range(repeats + 1):
                img, txt = (torch.randn(1, n, SIZES.hidden, dtype=dtype) for n in (tokens - WORDS, WORDS))
                start, begun = time.perf_counter(), time.process_time()
                flux._blocks(img, txt, vector, by)
                seconds.append(time.perf_counter() - start)
                work.append(time.process_time() - begun)
            watch.over.set()
            seconds, work = seconds[1:] or seconds, work[1:] or work
            spread = round(max(seconds) - min(seconds), 3)
            took = round(statistics.median(seconds), 3)
            rows.append({"storage": storage, "tokens": tokens, "seconds": took, "spread": spread,
                         "cpu_seconds": round(min(work), 3), "file_mb": round(os.path.getsize(path) / 1e6),
                         "private_mb": round((watch.peak - before) / 1e6)})  # fmt: skip
    return rows


def main() -> None:
    """Measure every storage in a process of its own, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--storages", nargs="+", default=USUAL, choices=STORAGES)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.one:
        rows = measure(options.one, options.storages[0], options.tokens, options.repeats)
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    native = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        original = Path(folder, "flux.safetensors")
        write_file(str(original))
        for storage in options.storages:
            slow = compute_type(storage) == torch.bfloat16 and not native
            counts = options.tokens[:1] if slow else options.tokens
            path = stored_as(storage, original)
            command = [sys.executable, "-m", "tests.bench.full_width", "--one", str(path), "--storages", storage,
                       "--threads", str(options.threads), "--repeats", str(0 if slow else options.repeats),
                       "--tokens", *map(str, counts)]  # fmt: skip
            rows += json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    facts = {"threads": options.threads, "bf16_instructions": native, "torch": torch.__version__}
    sys.stdout.write(json.dumps({"bench": "full_width", "rows": rows, **facts, "machine": platform.machine()}) + "\n")


if __name__ == "__main__":
    main()
