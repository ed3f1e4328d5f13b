"""Warming: one watch and one batch that nobody kills, so that all is imported before processes are forked."""

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from engine.cli.main import main
from tests.torture.graphs import made_simply


def warm(root: Path) -> None:
    """Run both. root: a folder that is not there yet. Raises RuntimeError if they do not end well."""
    (root / "in").mkdir(parents=True)
    graph = root / "in" / "g.json"
    graph.write_bytes(json.dumps(made_simply(1)).encode())
    said = StringIO()
    settings = ["--output", str(root / "out"), "--cache", str(root / "cache"), "--threads", "1", "--device", "cpu"]
    with redirect_stdout(said), redirect_stderr(said):
        codes = [
            main(["batch", str(graph), "--grid", "1.color=1,2", *settings]),
            main(["watch", str(root / "in"), "--once", "--by-model", *settings]),
        ]
    if codes != [0, 0]:
        raise RuntimeError(f"{codes}: {said.getvalue()}")
