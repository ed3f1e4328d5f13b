"""`comfyless models`: what lies in the folders, and what a file holds."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ended

Command = Callable[..., Ended]


@pytest.fixture
def folder(empty_folder: Path) -> Path:
    """A models folder at hand with an autoencoder-like name, a LoRA-like name, and a file that is broken."""
    header = json.dumps({"odd.weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    for name in ("vae/sub/odd.safetensors", "checkpoints/broken.safetensors"):
        (empty_folder / "models" / name).parent.mkdir(parents=True)
    (empty_folder / "models/vae/sub/odd.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    (empty_folder / "models/checkpoints/broken.safetensors").write_bytes(b"not a model")
    return empty_folder / "models"


def test_files_are_listed_by_folder_broken_ones_with_the_reason(folder: Path, command: Command) -> None:
    ended = command("models")
    assert (ended.code, ended.err) == (0, "")
    first, broken, second, odd, count = ended.out.splitlines()
    assert (first, second, count) == ("checkpoints", "vae", "2 files")
    assert broken.startswith("  broken.safetensors  ")
    assert len(broken) > len("  broken.safetensors  ")
    assert odd.split() == ["sub/odd.safetensors", *odd.split()[1:3], "nothing", "that", "is", "recognised"]


def test_json_is_one_line_for_each_file(folder: Path, command: Command) -> None:
    broken, odd = command("models", "--json").records
    assert (broken["event"], broken["folder"], broken["name"]) == ("model", "checkpoints", "broken.safetensors")
    assert broken["error"]
    assert (odd["file"], odd["parts"], odd["unclaimed"]) == (
        str(folder / odd["folder"] / odd["name"]),
        [],
        ["odd.weight"],
    )


@pytest.mark.parametrize("name", ["models/vae/sub/odd.safetensors", "sub/odd.safetensors", "sub\\odd.safetensors"])
def test_one_file_is_described_by_path_or_name(folder: Path, command: Command, name: str) -> None:
    ended = command("models", name)
    assert (ended.code, ended.err) == (0, "")
    assert "safetensors" in ended.out.splitlines()[0]


def test_a_broken_file_is_told_and_ends_with_2(folder: Path, command: Command) -> None:
    ended = command("models", "broken.safetensors")
    assert (ended.code, ended.out) == (2, "")
    assert "[bad-file]" in ended.err


def test_an_unknown_file_is_told_with_near_names(folder: Path, command: Command) -> None:
    ended = command("models", "sub/od.safetensors")
    assert ended.code == 2
    assert "Did you mean 'sub/odd.safetensors'" in ended.err
