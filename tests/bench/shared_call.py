"""Seeds that share one call of the model: how much faster that is, and whether the numbers stay those of single calls.

    python -m tests.bench.shared_call [--seeds N] [--threads N] [--repeats N]

One JSON line: for each size of the latent the seconds of one evaluation of the demo model for all seeds at once, those
of one evaluation for each seed, and the largest difference between the two results (0: the same bits). Medians of pairs
that were timed one after the other.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch

from engine.inference import network
from engine.inference.network import DiffusionNetwork
from schemas.sockets import ModelRef
from tests.inference.stand_in import StandInContext, file_ref

MODEL = Path("graphs/demo/models/checkpoints/demo-flux-fp8.safetensors")
TOKENS, WIDTH, CHANNELS = 256, 64, 16


def calls(net: DiffusionNetwork, size: int, seeds: int) -> tuple[Any, Any]:
    """Two functions: all seeds in one evaluation, and each in its own."""
    generator = torch.Generator().manual_seed(1)
    latent = torch.randn(seeds, CHANNELS, size, size, generator=generator)
    tokens = torch.randn(1, TOKENS, WIDTH, generator=generator).expand(seeds, -1, -1)
    pooled = torch.randn(1, WIDTH, generator=generator).expand(seeds, -1)
    timestep = torch.full((seeds,), 0.7)

    def evaluate(part: slice) -> torch.Tensor:
        options = {"pooled_output": pooled[part], "guidance": 3.5}
        return net.velocity(latent[part], timestep[part], tokens[part], options)

    alone = [slice(seed, seed + 1) for seed in range(seeds)]
    return lambda: evaluate(slice(0, seeds)), lambda: torch.cat([evaluate(part) for part in alone])


def measure(size: int, seeds: int, repeats: int) -> dict[str, Any]:
    """One row."""
    with network.borrow(StandInContext(), ModelRef(file_ref(MODEL))) as net, torch.inference_mode():
        shared, single = calls(net, size, seeds)
        difference = (shared() - single()).abs().max().item()
        ratios, seconds = [], []
        for _ in range(repeats):
            begun = time.perf_counter()
            shared()
            between = time.perf_counter()
            single()
            seconds.append((between - begun, time.perf_counter() - between))
            ratios.append(seconds[-1][1] / seconds[-1][0])
    together, apart = (statistics.median(column) for column in zip(*seconds, strict=True))
    return {
        "latent": size,
        "shared_seconds": round(together, 4),
        "single_seconds": round(apart, 4),
        "times_faster": round(statistics.median(ratios), 2),
        "largest_difference": difference,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = [measure(size, options.seeds, options.repeats) for size in (8, 16, 32, 64)]
    facts = {"seeds": options.seeds, "threads": options.threads, "torch": torch.__version__}
    sys.stdout.write(json.dumps({"bench": "shared_call", "rows": rows, **facts, "machine": platform.machine()}) + "\n")


if __name__ == "__main__":
    main()
