"""Fingerprints: short texts that change when a file's content may have changed."""

import os
import time
from hashlib import blake2b

WHOLE_UP_TO = 64 << 20
"""Bytes up to which the whole file is read."""
SAMPLES = 256
SAMPLE_BYTES = 64 << 10
"""Of larger files: this many places of this many bytes, evenly spread (16 MiB), the first of which holds the header."""
CHUNK_BYTES = 1 << 20
SETTLED_NS = 2_000_000_000
"""A file changed less than 2 s ago may change again within one tick of its file system's clock: not remembered."""
DIGEST_BYTES = 16

_known: dict[str, tuple[tuple[int, ...], str]] = {}


def fingerprint(path: str | os.PathLike[str]) -> str:
    """A file's "blake2b:…" of the whole content; over 64 MiB "sampled:…" of size, time and 16 MiB of samples.

    Remembered per process until the file's size, times or identity change. Raises OSError if it cannot be read.
    """
    name = os.fspath(path)
    facts = os.stat(name)
    stamp = (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_dev)
    known = _known.get(name)
    if known is not None and known[0] == stamp:
        return known[1]
    if facts.st_size <= WHOLE_UP_TO:
        found = f"blake2b:{_whole(name)}"
    else:
        found = f"sampled:{_sampled(name, facts.st_size, facts.st_mtime_ns)}"
    if time.time_ns() - max(facts.st_mtime_ns, facts.st_ctime_ns) > SETTLED_NS:
        _known[name] = (stamp, found)
    return found


def _whole(path: str) -> str:
    digest = blake2b(digest_size=DIGEST_BYTES)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _sampled(path: str, size: int, mtime_ns: int) -> str:
    digest = blake2b(f"{size} {mtime_ns} {SAMPLES} {SAMPLE_BYTES}".encode(), digest_size=DIGEST_BYTES)
    with open(path, "rb", buffering=0) as file:
        for number in range(SAMPLES):
            file.seek((size - SAMPLE_BYTES) * number // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()
