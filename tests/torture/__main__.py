"""`python -m tests.torture watch --rounds 1000 --graphs 1000`: one line of JSON, and exit code 1 for any finding."""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: children are forked

MOST = 20
"""Findings that are told."""


def main() -> int:
    """Torture."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="kill -9 at any moment")
    parser.add_argument("verb", choices=["watch", "batch"])
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--graphs", type=int, default=1000, help="graphs of all rounds, or rows of one batch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="work here and leave it, instead of in a temporary folder")
    options = parser.parse_args()
    if options.folder is not None:
        return _torture(options, options.folder.resolve())
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        return _torture(options, Path(folder).resolve())


def _torture(options: argparse.Namespace, root: Path) -> int:
    from tests.torture.batching import Batching
    from tests.torture.warming import warm
    from tests.torture.watching import Watching

    begun = time.monotonic()
    warm(root / "warm")
    made = Watching if options.verb == "watch" else Batching
    torture = made(root, options.seed, _say)
    torture.run(options.rounds, options.graphs)
    for said in torture.findings[:MOST]:
        _say(said)
    sys.stdout.write(
        json.dumps(
            {
                "verb": options.verb,
                "rounds": options.rounds,
                "graphs": torture.total,
                "seed": options.seed,
                "ends": dict(sorted(torture.ends.items())),
                "seconds": round(time.monotonic() - begun, 1),
                "findings": len(torture.findings),
            }
        )
        + "\n"
    )
    return 1 if torture.findings else 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
