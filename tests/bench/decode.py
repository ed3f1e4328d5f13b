"""How fast packed weights become floats: Gweights a second for a 3072×3072 matrix, one JSON line.

    python -m tests.bench.decode [KIND ...]

ours: as a linear layer asks for it, run of rows by run of rows into the one reused buffer, float32. torch: the same
without libgguf. naive: the whole matrix into fresh memory, by gguf's numpy code, bitsandbytes' dequantize_4bit, or
torch's cast of 8-bit floats. The fastest of several turns, since other work on the machine only slows things down.
"""

import json
import logging
import platform
import sys
from collections.abc import Callable
from time import perf_counter
from unittest import mock

import engine.inference  # noqa: F401  # isort: skip  # before torch: it says how long waiting threads spin

import numpy as np
import torch
from gguf import GGMLQuantizationType, quants

from engine.inference.weights import gguf_blocks, scratch
from engine.inference.weights.four_bit import FourBit
from engine.inference.weights.fp8 import FP8, Float8
from engine.inference.weights.ggml.formats import DECODERS
from engine.inference.weights.gguf_blocks import GgufBlocks
from engine.inference.weights.packed import Packed

SIZE = 3072
TURNS = 7
FOUR_BIT = ("nf4 plain", "nf4 nested")
KINDS = (*(kind for kind in DECODERS if kind != "Q1_0"), *FOUR_BIT, *(str(dtype).split("_")[-1] for dtype in FP8))

Speeds = dict[str, float]


def speed(work: Callable[[], object]) -> float:
    """Gweights a second; half a second at most is spent on slow work after its first turn."""
    best, began = float("inf"), perf_counter()
    for _ in range(TURNS):
        start = perf_counter()
        work()
        best = min(best, perf_counter() - start)
        if perf_counter() - began > 0.5:
            break
    return round(SIZE * SIZE / best / 1e9, 3)


def in_runs(packed: Packed) -> None:
    buffer = scratch.rows(SIZE, SIZE, torch.float32, torch.device("cpu"))
    for first in range(0, SIZE, len(buffer)):
        last = min(first + len(buffer), SIZE)
        packed.decode(first, last, buffer[: last - first])


def gguf_speeds(kind: str) -> Speeds:
    layout = DECODERS[kind]
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 0x3C, (SIZE * SIZE // layout.values, layout.bytes), dtype=np.uint8)
    packed = GgufBlocks(torch.from_numpy(blocks).view(-1), kind, SIZE, SIZE)
    speeds = {"ours": speed(lambda: in_runs(packed))}
    with mock.patch.object(gguf_blocks, "_library", return_value=None):
        speeds["torch"] = speed(lambda: in_runs(packed))
    speeds["naive"] = speed(lambda: quants.dequantize(blocks, GGMLQuantizationType[kind]))
    return speeds


def four_bit_speeds(kind: str) -> Speeds:
    logging.disable(logging.WARNING)  # it tells of optional parts when imported
    from bitsandbytes import functional

    weight = torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    codes, state = functional.quantize_4bit(weight, compress_statistics=kind == "nf4 nested", quant_type="nf4")
    packed = FourBit.from_parts(codes, state.as_dict(packed=True), weight.shape)
    return {
        "ours": speed(lambda: in_runs(packed)),
        "naive": speed(lambda: functional.dequantize_4bit(codes, state)),
    }


def fp8_speeds(kind: str) -> Speeds:
    dtype = next(dtype for dtype in FP8 if str(dtype).endswith(kind))
    codes = torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(0)).to(dtype)
    packed = Float8(codes)
    return {"ours": speed(lambda: in_runs(packed)), "naive": speed(lambda: codes.to(torch.float32))}


def speeds_of(kind: str) -> Speeds:
    if kind in DECODERS:
        return gguf_speeds(kind)
    return four_bit_speeds(kind) if kind in FOUR_BIT else fp8_speeds(kind)


def main(kinds: list[str]) -> None:
    results: dict[str, object] = {"machine": platform.machine(), "torch": torch.__version__, "size": SIZE}
    results["libgguf"] = gguf_blocks.native()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results[f"threads {threads}"] = {kind: speeds_of(kind) for kind in kinds or KINDS}
    sys.stdout.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
