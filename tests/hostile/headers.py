"""Mutations of model headers: whatever comes, the answer is an index or ModelFileInvalid, soon and in little memory.

    python -m tests.hostile.headers [COUNT] [SEED]

Prints one JSON line: how many were read, how many refused, the slowest in seconds, the most memory in bytes.
"""

import json
import random
import struct
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from engine.checkpoints.describe import describe
from engine.errors import ModelFileInvalid
from tests.checkpoints.pickles import legacy, zipped
from tests.checkpoints.tables import gguf_bytes, gguf_text, load, safetensors_bytes

LONGEST_SECONDS = 2.0
LONGEST_MESSAGE = 2_000
MOST_MEMORY = 64 << 20
"""Bytes of Python objects; the seeds are a few hundred kilobytes."""

PICKLED = {f"block.{number}.weight": ("fp16", (2, 3)) for number in range(20)}

Mutation = Callable[[random.Random, bytearray], bytearray]


def small(name: str, keep: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    """A table with lengths shrunk so that the file is small, and only the first blocks."""
    return {
        key: (dtype, tuple(min(length, 256 if dtype.startswith("gguf") else 16) for length in shape))
        for key, (dtype, shape) in load(name).items()
        if not any(f".{number}." in key for number in range(1, 40)) or keep in key
    }


def seeds() -> list[bytes]:
    """Valid files of several layouts."""
    state = json.dumps({"quant_type": "nf4", "blocksize": 64, "shape": [3072, 64], "dtype": "bfloat16"}).encode()
    nf4 = {"w": ("uint8", (64, 1)), "w.quant_state.bitsandbytes__nf4": ("uint8", (len(state),))}
    metadata = {
        "general.architecture": struct.pack("<I", 8) + gguf_text("flux"),
        "general.alignment": struct.pack("<II", 4, 32),
        "comfy.gguf.orig_shape.shared.weight": struct.pack("<IIQ2i", 9, 5, 2, 8, 256),
        "tokens": struct.pack("<IIQ", 9, 8, 100) + b"".join(gguf_text(f"word {number}") for number in range(100)),
        "scores": struct.pack("<IIQ100f", 9, 6, 100, *range(100)),
        "flag": struct.pack("<I?", 7, True),
    }
    return [
        safetensors_bytes(small("flux_dev", "nothing"), {"format": "pt", "modelspec.title": "x"}),
        safetensors_bytes(small("t5xxl_fp8_scaled", "nothing")),
        safetensors_bytes(small("flux_vae", "encoder")),
        safetensors_bytes(nf4)[: -len(state)] + state,
        gguf_bytes(small("t5xxl_llama_cpp", "nothing"), metadata),
        gguf_bytes({"a.weight": ("gguf:Q8_0", (4, 64)), "b": ("bf16", (3,))}),
        zipped(PICKLED, "state_dict"),
        legacy(PICKLED),
    ]


def header_place(dice: random.Random, data: bytearray) -> int:
    """A place that is more often in the header than in the data."""
    end = min(len(data), 8 + int.from_bytes(data[:8], "little")) if data[8:9] == b"{" else len(data) // 2
    return dice.randrange(max(1, end if dice.random() < 0.9 else len(data)))


def flip_bits(dice: random.Random, data: bytearray) -> bytearray:
    """Up to eight bits."""
    for _ in range(dice.randint(1, 8)):
        data[header_place(dice, data)] ^= 1 << dice.randrange(8)
    return data


def put_bytes(dice: random.Random, data: bytearray) -> bytearray:
    """A run of bytes over the old ones."""
    at = header_place(dice, data)
    run = dice.choice(
        [dice.randbytes(dice.randint(1, 16)), b"\xff" * 8, b"\0" * 8, b"\xc3\x28", b"-1", b"[[[[", b"1e999"]
    )
    data[at : at + len(run)] = run
    return data


def insert_or_cut(dice: random.Random, data: bytearray) -> bytearray:
    """Bytes more or less in the middle."""
    at = header_place(dice, data)
    if dice.random() < 0.5:
        data[at:at] = dice.randbytes(dice.randint(1, 64))
    else:
        del data[at : at + dice.randint(1, 64)]
    return data


def truncate(dice: random.Random, data: bytearray) -> bytearray:
    """The beginning only."""
    return data[: dice.randrange(len(data))]


def huge_number(dice: random.Random, data: bytearray) -> bytearray:
    """A large little-endian number over eight bytes, at the beginning or anywhere."""
    at = dice.choice([0, 4, 8, 16, 24, header_place(dice, data)])
    number = dice.choice([1 << 63, (1 << 64) - 1, 1 << 40, len(data), len(data) - 8, 1 << 31, 100_000_000])
    data[at : at + 8] = number.to_bytes(8, "little")
    return data


def edit_json(dice: random.Random, data: bytearray) -> bytearray:
    """Another value in a safetensors header, which stays valid JSON."""
    length = int.from_bytes(data[:8], "little")
    try:
        header, rest = json.loads(data[8 : 8 + length]), data[8 + length :]
        key = dice.choice(["__metadata__", *header] if "__metadata__" in header else list(header))
    except (ValueError, IndexError, TypeError, RecursionError):  # no safetensors file, or not any more
        return flip_bits(dice, data)
    odd = [-1, 1 << 70, 1.5, None, True, "x", [], {}, [[[]]], "F4", [0, 1 << 62], [-8, 8], "\ud800", 10**400]
    entry = header[key]
    field = dice.choice(["dtype", "shape", "data_offsets", "all", "name"])
    if field == "all":
        header[key] = dice.choice(odd)
    elif field == "name":
        header[dice.choice(["", "__metadata__", "a\0b", "x" * 100_000, "\udc00"])] = header.pop(key)
    elif key == "__metadata__" and isinstance(entry, dict):
        entry[dice.choice(["k", "\ud800", ""])] = dice.choice(["v", "\udfff", "\0", 3, "y" * 100_000])
    elif isinstance(entry, dict):
        entry[field] = dice.choice(odd)
    text = json.dumps(header).encode()
    return bytearray(len(text).to_bytes(8, "little") + text + rest)


def nest(dice: random.Random, data: bytearray) -> bytearray:
    """Brackets without end where a value belongs."""
    depth = dice.choice([10, 1_000, 100_000])
    text = b'{"a":' + dice.choice([b"[", b'{"a":']) * depth
    return bytearray(len(text).to_bytes(8, "little") + text + data)


MUTATIONS: tuple[Mutation, ...] = (flip_bits, put_bytes, insert_or_cut, truncate, huge_number, edit_json, nest)


def mutate(dice: random.Random, seed: bytes) -> bytes:
    """One to three mutations."""
    data = bytearray(seed)
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        data = dice.choice(MUTATIONS)(dice, data) or bytearray(b"\0")
    return bytes(data)


def run(count: int, seed: int, folder: Path) -> dict[str, float]:
    """Try `count` mutations. Raises AssertionError that names the mutation if one is answered wrongly."""
    dice, originals = random.Random(seed), seeds()
    facts = {"count": float(count), "seed": float(seed), "read": 0.0, "refused": 0.0, "slowest": 0.0, "memory": 0.0}
    for number in range(count):
        content = mutate(dice, dice.choice(originals))
        path = folder / f"{number}.safetensors"
        path.write_bytes(content)
        tracemalloc.start()
        began = time.perf_counter()
        try:
            describe(path)
            said = ""
        except ModelFileInvalid as error:
            said = str(error)
        except Exception as error:
            raise AssertionError(f"mutation {number} of seed {seed}: {type(error).__name__}: {error}") from error
        facts["refused" if said else "read"] += 1
        facts["slowest"] = max(facts["slowest"], time.perf_counter() - began)
        facts["memory"] = max(facts["memory"], float(tracemalloc.get_traced_memory()[1]))
        tracemalloc.stop()
        path.unlink()
        assert len(said) < LONGEST_MESSAGE, f"mutation {number} of seed {seed}: a message of {len(said)} characters"
        assert facts["memory"] < MOST_MEMORY, f"mutation {number} of seed {seed} took {facts['memory']:,} bytes"
    return facts


def main() -> None:
    """Run from the command line."""
    count, seed = (
        (int(text) for text in (*sys.argv[1:], "1000", "1")[:2]) if len(sys.argv) != 2 else (int(sys.argv[1]), 1)
    )
    with tempfile.TemporaryDirectory() as folder:
        facts = run(count, seed, Path(folder))
    assert facts["slowest"] < LONGEST_SECONDS, facts
    sys.stdout.write(json.dumps({"name": "hostile headers", **facts}) + "\n")


if __name__ == "__main__":
    main()
