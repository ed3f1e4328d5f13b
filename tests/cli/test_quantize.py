"""`comfyless quantize`: what it shows, and how it ends."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.checkpoints import detect, index
from engine.quantize import job
from tests.cli.conftest import Ended
from tests.models.fixture import tiny_models

pytest.importorskip("libgguf")

Command = Callable[..., Ended]
SOURCE = "diffusion_models/flux1-dev-kontext_fp8_scaled.safetensors"


@pytest.fixture
def model(empty_folder: Path) -> Path:
    """A tiny model in a models folder at hand."""
    path = empty_folder / "models" / SOURCE
    path.parent.mkdir(parents=True)
    shutil.copyfile(tiny_models(SOURCE) / SOURCE, path)
    return path


def test_a_name_in_the_folders_becomes_a_file_beside_it(model: Path, command: Command) -> None:
    ended = command("quantize", "flux1-dev-kontext_fp8_scaled.safetensors", "--to", "Q8_0", "--jobs", "1")
    assert (ended.code, ended.err) == (0, "")
    first, *types = ended.out.splitlines()
    assert first.startswith("models/diffusion_models/flux1-dev-kontext-Q8_0.gguf: gguf:Q8_0, 10.4 MiB, ")
    assert [line.split()[:2] for line in types] == [["fp32", "62"], ["gguf:Q8_0", "36"], ["bf16", "10"]]
    assert "error up to 0.5" in types[1]
    (part,) = detect.parts(index.read(model.with_name("flux1-dev-kontext-Q8_0.gguf")))
    assert (part.kind, part.storage) == ("flux", "gguf:Q8_0")


def test_json_tells_progress_and_the_result(model: Path, command: Command) -> None:
    *progress, done = command("quantize", str(model), "--to", "q4_0", "-o", "a.gguf", "--json", "--jobs", "1").records
    assert {each["event"] for each in progress} == {"progress"}
    assert progress[-1]["done"] == progress[-1]["total"]
    assert (done["event"], done["path"], done["type"]) == ("quantized", "a.gguf", "gguf:Q4_0")
    assert done["bytes"] == Path("a.gguf").stat().st_size
    assert "errors" not in done


def test_a_report_lists_every_tensor(model: Path, command: Command) -> None:
    text = command("quantize", str(model), "--to", "Q8_0", "-o", "a.gguf", "--report", "--quiet").out
    assert len(text.splitlines()) == 109
    assert text.splitlines()[0].split()[:3] == ["tensor", "from", "to"]
    ended = command("quantize", str(model), "--to", "Q8_0", "-o", "b.gguf", "--report", "b.json")
    assert ended.code == 0
    rows = json.loads(Path("b.json").read_text())["errors"]
    assert len(rows) == 108
    assert {row["source"] for row in rows} == {"bf16", "fp8_e4m3fn scaled"}
    command("quantize", str(model), "--to", "Q8_0", "-o", "c.gguf", "--report", "c.txt")
    assert len(Path("c.txt").read_text().splitlines()) == 4 + 109


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_device_or_a_pipe_is_never_written_over(model: Path, command: Command, empty_folder: Path) -> None:
    os.mkfifo("a.gguf")
    ended = command("quantize", str(model), "--to", "gguf", "-o", "a.gguf", "--force")
    assert ended.code == 2
    assert "a.gguf is no ordinary file" in ended.err
    assert Path("a.gguf").is_fifo()


def test_a_file_that_is_there_is_kept_unless_forced(model: Path, command: Command) -> None:
    Path("a.gguf").write_bytes(b"mine")
    arguments = ("quantize", str(model), "--to", "Q8_0", "-o", "a.gguf")
    ended = command(*arguments)
    assert (ended.code, ended.err) == (2, "comfyless: a.gguf is there already; --force replaces it.  [bad-setting]\n")
    assert command(*arguments, "--json").records == [
        {"event": "failed", "error": "a.gguf is there already; --force replaces it."}
    ]
    assert Path("a.gguf").read_bytes() == b"mine"
    assert command(*arguments, "--force", "-q") == Ended(0, "", "")
    assert Path("a.gguf").read_bytes() != b"mine"
    ended = command("quantize", str(model), "--to", "Q8_0", "-o", "a.safetensors")
    assert (ended.code, "would be a file that ends in .gguf" in ended.err) == (2, True)
    ended = command("quantize", str(model), "--to", "fp8", "-o", str(model), "--force")
    assert (ended.code, "is the file that is read" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "Q9_0"), "no weight type 'Q9_0'"),
        ((), "the following arguments are required: --to"),
        (("--to", "nf4", "--jobs", "0"), "'0' is no number of processes"),
    ],
)
def test_a_wrong_command_is_told_and_ends_with_2(
    model: Path, command: Command, arguments: tuple[str, ...], said: str
) -> None:
    ended = command("quantize", str(model), *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_what_cannot_be_stored_so_is_told_and_ends_with_2(empty_folder: Path, command: Command) -> None:
    name = "vae/ae.safetensors"
    source = tiny_models(name) / name
    ended = command("quantize", str(source), "--to", "Q8_0", "-o", "a.gguf")
    assert (ended.code, ended.out) == (2, "")
    assert "holds a VAE; only Flux transformers are stored as GGUF" in ended.err
    assert "[bad-file]" in ended.err
    Path("broken.safetensors").write_bytes(source.read_bytes()[:1000])
    assert command("quantize", "broken.safetensors", "--to", "fp8").code == 2
    assert command("quantize", "missing.safetensors", "--to", "fp8").code == 2
    assert os.listdir() == ["broken.safetensors"]


def test_an_interrupted_run_leaves_nothing(model: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "carry_out", interrupted)
    ended = command("quantize", str(model), "--to", "Q8_0", "-o", "a.gguf")
    assert (ended.code, ended.err) == (130, "comfyless: interrupted; nothing was written\n")
    assert os.listdir() == ["models"]


def test_a_bar_is_drawn_on_a_terminal(
    model: Path, on_terminal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cli.quantize.REDRAWN", 0.0)
    monkeypatch.setattr(job.Clock, "PAUSE", 0.0)
    shown = on_terminal("quantize", str(model), "--to", "Q8_0", "-o", "a.gguf", "--jobs", "1")
    assert "gguf  ━" in shown
    assert " of 10.4 MiB" in shown


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("-o", "none/a.gguf"), "none is no folder"),
        (("-o", "a.safetensors"), "would be a file that ends in .gguf"),
        (("-o", SOURCE), "is the file that is read"),
        (("--report", "none/report.json"), "'none/report.json' is no file that can be written"),
        (("--report", "other.safetensors"), "is called like a model"),
    ],
)
def test_a_command_that_cannot_be_carried_out_ends_with_2(
    model: Path, command: Command, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, str], said: str
) -> None:
    monkeypatch.chdir("models")
    ended = command("quantize", SOURCE, "--to", "Q8_0", *argv)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert os.listdir(model.parent) == [model.name]


def test_programs_are_told_of_a_name_that_is_nowhere(model: Path, command: Command) -> None:
    (record,) = command("quantize", "nowhere.safetensors", "--to", "Q8_0", "--json").records
    assert record["event"] == "failed"
    assert "'nowhere.safetensors' is no file here" in record["error"]
