"""The torch line holds in a fresh interpreter: only running a graph may load torch, and its likes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GRAPHS = sorted(str(path) for path in (ROOT / "graphs").glob("*.json"))
DEMO = (
    *(str(ROOT / "graphs/flux_dev_fp8.json"), "--models", str(ROOT / "graphs/demo/models")),
    *("--set", "CheckpointLoaderSimple.ckpt_name=demo-flux-fp8.safetensors"),
)
BELOW = ("torch", "diffusers", "transformers", "bitsandbytes", "safetensors", "tokenizers", "engine.inference")

PROGRAM = f"""
import sys
from engine.cli.main import main
code = main(sys.argv[1:])
crossed = [name for name in {BELOW!r} if name in sys.modules]
sys.exit(f"{{crossed}} were imported" if crossed else code)
"""


@pytest.mark.parametrize(
    ("argv", "codes"),
    [
        (("validate", *GRAPHS), (0, 2)),
        (("validate", *DEMO), (0,)),
        (("run", "--dry-run", *DEMO), (0,)),
        (("convert", str(ROOT / "graphs/ui/flux_dev_fp8.json"), "--to", "gguf"), (0,)),
        (("validate", str(ROOT / "graphs/ui/flux_dev_fp8.json"), *DEMO[1:]), (0,)),
        (("nodes",), (0,)),
        (("nodes", str(ROOT / "graphs/ui/flux_dev_nf4.json"), "ImageCompare"), (0,)),
        (("models",), (0,)),
        (("run", "--help"), (0,)),
    ],
)
def test_nothing_but_a_run_loads_torch(tmp_path: Path, argv: tuple[str, ...], codes: tuple[int, ...]) -> None:
    command = [sys.executable, "-c", PROGRAM, *argv]
    ended = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, check=False
    )
    assert ended.returncode in codes, ended.stdout + ended.stderr
    assert "imported" not in ended.stderr


def test_there_are_bundled_graphs_to_try() -> None:
    assert GRAPHS
