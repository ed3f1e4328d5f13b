"""Many graphs in one process: does anything grow? One JSON line.

    python -m tests.soak [--graphs 500] [--every N]

per_graph: growth of private memory (bytes), handles, threads, and of journal and disk cache (bytes), each with its
standard error, over the second half of the run. memory_floor: of the least memory in each turn of twelve graphs, which
what a graph takes for a moment, and rubbish not yet collected, raise little; the samples themselves are in it, about
250 bytes a graph. rise_bytes: private memory, last quarter against second. --every: also show every Nth sample.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.soak import Soak


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=500, help="at least 72")
    parser.add_argument("--every", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        soak = Soak(Path(name), given.graphs)
        begun = time.monotonic()
        soak.run()
        seconds = time.monotonic() - begun
    line = {"bench": "soak", **soak.summary(), "seconds": round(seconds, 1)}
    if given.every:
        line["samples"] = [list(sample) for sample in soak.samples[:: given.every]]
    line |= {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
