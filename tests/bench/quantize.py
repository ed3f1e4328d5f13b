"""Quantising matrices of real size: our processes, libgguf's own converter, and the limit of moving the bytes.

    python -m tests.bench.quantize [--types Q8_0 Q4_K nf4] [--processes 2] [--matrices 4] [--folder DIR]

One JSON line. For each type million weights per second, minutes that Flux.1's 11.9 billion would take so, CPU seconds
(which other work on the machine hardly touches) and peak private memory of all processes together; the same for
`libgguf_quantize_gguf`, where it knows the type, on the same file; and how fast reading and writing the bytes alone is.
Ours includes reading every tensor back and comparing it with its source, and the wait until the disk has it all.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from engine.checkpoints import index
from engine.quantize import job as jobs
from engine.quantize.contract import Container, Encoding, Job, Order, Reader, rows_of
from engine.quantize.fp8 import ScaledFp8Encoding, fp8_encoding
from engine.quantize.gguf_encoding import GgufEncoding
from engine.quantize.gguf_file import GgufFile
from engine.quantize.nf4 import Nf4Encoding
from engine.quantize.numbers import narrow
from engine.quantize.plain import PlainEncoding
from engine.quantize.safetensors_file import SafetensorsFile
from engine.quantize.sources import Place, Rows, Run, Stored
from schemas.weight_types import GGUF_TYPES

SHAPE = (12288, 3072)
FLUX = 11.9e9
"""Weights of Flux.1 dev."""
OTHERS: dict[str, Encoding] = {
    "nf4": Nf4Encoding(False),
    "nf4:v1": Nf4Encoding(True),
    "fp8": fp8_encoding("e4m3fn"),
    "fp8:scaled": ScaledFp8Encoding(),
    "fp16": PlainEncoding("fp16"),
}


def write_source(path: Path, matrices: int) -> None:
    """A safetensors file of normally distributed bf16 matrices under names that converters know as Flux's."""
    generator, rows, columns = np.random.default_rng(0), *SHAPE
    size = rows * columns * 2
    names = [f"double_blocks.{number}.img_attn.proj.weight" for number in range(matrices)]
    scale = "double_blocks.0.img_attn.norm.key_norm.scale"
    places = {
        name: {"dtype": "BF16", "shape": SHAPE, "data_offsets": [at * size, (at + 1) * size]}
        for at, name in enumerate(names)
    }
    places[scale] = {"dtype": "BF16", "shape": (128,), "data_offsets": [matrices * size, matrices * size + 256]}
    header = json.dumps(places).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for _ in range(matrices * rows // 1024):
            values = generator.standard_normal((1024, columns), dtype=np.float32) * np.float32(0.02)
            file.write(narrow(values, "bf16").tobytes())
        file.write(narrow(np.ones(128, np.float32), "bf16").tobytes())


def sources(path: Path) -> list[Reader]:
    """The matrices of the file."""
    found: list[Reader] = []
    for name, info in index.read(path).tensors.items():
        if len(info.shape) == 2:
            place = Place(info.start, info.bytes)
            stored = Stored(str(path), info.shape, info.dtype, PlainEncoding(info.dtype), (place,))
            found.append(Rows(name, info.shape, info.dtype, info.bytes, (Run(stored, 0, rows_of(info.shape)[0]),)))
    return found


class Watch(threading.Thread):
    """Looks now and then how much private memory this process and its children have beyond what it had before."""

    def __init__(self) -> None:
        """Begin to look."""
        super().__init__(daemon=True)
        self._ended = threading.Event()
        self._before = self._now()
        self.peak = 0
        self.start()

    def _now(self) -> int:
        total = 0
        for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
            try:
                total += process.memory_full_info().uss
            except psutil.Error:  # it has just ended
                continue
        return total

    def run(self) -> None:
        """Look."""
        while not self._ended.wait(0.05):
            self.peak = max(self.peak, self._now() - self._before)

    def stop(self) -> int:
        """The peak in bytes."""
        self._ended.set()
        self.join()
        return self.peak


def measured(act: Callable[[], Any], weights: int) -> dict[str, float]:
    """How fast it is, and what it takes."""
    watch, begun, before = Watch(), time.monotonic(), cpu()
    act()
    seconds, used = time.monotonic() - begun, cpu() - before
    return {
        "mweights_per_s": round(weights / seconds / 1e6, 1),
        "flux_minutes": round(FLUX / (weights / seconds) / 60, 1),
        "cpu_s": round(used, 2),
        "peak_mb": round(watch.stop() / 1e6),
    }


def cpu() -> float:
    """CPU seconds of this process and of children that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, kinds))


def move_bytes(source: Path, target: Path, size: int) -> None:
    """Read the source, write as many bytes as the new file has, wait for the disk."""
    buffer = memoryview(bytearray(1 << 24))
    with source.open("rb", buffering=0) as reading, target.open("wb", buffering=0) as writing:
        while reading.readinto(buffer):
            count = min(size, len(buffer))
            writing.write(buffer[:count])
            size -= count
        os.fsync(writing.fileno())


def compare(kind: str, source: Path, folder: Path, processes: int) -> dict[str, Any]:
    """One type: ours, libgguf's converter, the limit."""
    target, readers = folder / "made", sources(source)
    weights = sum(rows * columns for rows, columns in (rows_of(reader.shape) for reader in readers))
    encoding = OTHERS.get(kind) or GgufEncoding(kind)
    container: Container = SafetensorsFile() if kind in OTHERS else GgufFile()
    metadata = {} if kind in OTHERS else {"general.architecture": "flux"}
    job = Job(tuple(Order(reader, encoding) for reader in readers), container, metadata)
    told: dict[str, Any] = {"ours": measured(lambda: jobs.run(job, target, processes=processes), weights)}
    size = target.stat().st_size
    told["bits"] = round(size * 8 / weights, 2)
    program = Path(sys.executable).with_name("libgguf_quantize_gguf")
    if kind in GGUF_TYPES and program.is_file():
        command = [program, "--src", source, "--dst", target, "--qtype", kind, "--overwrite"]
        command += ["--threads", str(processes), "--backend", "cpu"]
        done: list[subprocess.CompletedProcess[bytes]] = []
        theirs = measured(lambda: done.append(subprocess.run(command, capture_output=True)), weights)
        told["libgguf"] = theirs if done[0].returncode == 0 else done[0].stderr.decode().strip().splitlines()[-1]
    told["bytes_only"] = measured(lambda: move_bytes(source, target, size), weights)["mweights_per_s"]
    target.unlink()
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", nargs="+", default=[*GGUF_TYPES, *OTHERS])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--matrices", type=int, default=4)
    parser.add_argument("--folder", help="where to write (default: the system's temporary folder)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        source = Path(name) / "source.safetensors"
        write_source(source, arguments.matrices)
        types = {kind: compare(kind, source, Path(name), arguments.processes) for kind in arguments.types}
    facts = {"cpu": platform.processor() or platform.machine(), "cores": jobs.cores(), "load": os.getloadavg()[0]}
    shown = {"processes": arguments.processes, "matrices": arguments.matrices, "shape": SHAPE}
    sys.stdout.write(json.dumps({"bench": "quantize", **facts, **shown, "types": types}) + "\n")


if __name__ == "__main__":
    main()
