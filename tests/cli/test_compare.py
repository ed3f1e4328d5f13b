"""`comfyless compare`: two graphs, or runs that are finished, become one page and a few lines."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.cli.demo import changes
from engine.running.outputs import encode_png
from tests.cli.conftest import Ended

ROOT = Path(__file__).parents[2]
GRAPH = str(ROOT / "graphs" / "flux_dev_fp8.json")
DEMO = ["--models", str(ROOT / "graphs" / "demo" / "models"), "--threads", "1", "--device", "cpu"]
for each in (*changes("a red circle on a blue background", None), "KSampler.steps=1"):
    DEMO += ["--set", each]


def test_two_graphs_are_drawn_from_the_same_seeds(command: Callable[..., Ended], empty_folder: Path) -> None:
    both = command("compare", GRAPH, GRAPH, *DEMO, "--set-b", "KSampler.sampler_name=heun", "--seeds", "0..1", "--json")
    assert both.code == 0, both.err
    told = both.records[-1]
    assert told["event"] == "comparison"
    assert [pair["seed"] for pair in told["pairs"]] == [0, 1]
    assert all(pair["latent_error"] == 0 and pair["identical"] for pair in told["pairs"])  # one step of either is equal
    assert [(change["node"], change["fields"][0]["field"]) for change in told["changes"]] == [("31", "sampler_name")]
    assert told["a"]["files"][0]["storage"]["flux"] == "fp8_e4m3fn"
    assert [path.name for path in empty_folder.iterdir()] == ["comparison.html"]


def test_a_graph_is_compared_with_a_finished_picture(command: Callable[..., Ended], empty_folder: Path) -> None:
    made = command("run", GRAPH, *DEMO, "--json")
    assert made.code == 0, made.err
    Path("run.jsonl").write_text(made.out)
    picture = "output/ComfyUI_00001_.png"
    for finished in (picture, "output", "run.jsonl"):
        both = command("compare", GRAPH, finished, *DEMO, "-q")
        assert both.code == 2  # --set cannot change what is finished
        assert "--set can change graphs only" in both.err
        alone = command("compare", picture, finished, "-o", "pages/p.html")
        assert (alone.code, alone.err) == (0, "")
        assert alone.out.startswith("ComfyUI_00001_.png: identical\n")
        assert alone.out.endswith("→ pages/p.html\n")
    again = command("compare", picture, picture, "--render", *DEMO[:6])
    assert again.code == 0, again.err
    assert ": identical\n" in again.out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("a.json", "b.json"), "there is no such file"),
        (("a.json", "b.json", "--seeds", "x"), "argument --seeds: 'x' is neither a seed nor a range"),
        ((GRAPH, GRAPH), "[missing-file]"),
        ((GRAPH, GRAPH, "-o", "diary.html"), "diary.html: this file exists, and is no page of comfyless"),
    ],
)
def test_what_cannot_be_compared_is_told_before_anything_runs(
    command: Callable[..., Ended], empty_folder: Path, argv: tuple[str, ...], said: str
) -> None:
    Path("diary.html").write_text("dear diary")
    ended = command("compare", *argv)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert Path("diary.html").read_text() == "dear diary"


def test_finished_pictures_are_compared_without_loading_torch(empty_folder: Path) -> None:
    Path("a.png").write_bytes(encode_png(np.zeros((16, 16, 3), np.uint8), {}, 1))
    program = (
        "import sys; from engine.cli.main import main; code = main(['compare', 'a.png', 'a.png']);"
        " sys.exit(code or int(bool({'torch', 'engine.inference', 'tokenizers'} & sys.modules.keys())))"
    )
    ended = subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert ended.returncode == 0
