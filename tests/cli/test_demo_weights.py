"""`comfyless demo --to TYPE`: the graph is converted, the weights are made once and kept in the user's cache."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from engine import api
from engine.cli.demo import GRAPH, changes
from engine.cli.demo_weights import stored_as
from engine.errors import GraphInvalid
from schemas.weight_types import parse
from tests.cli.conftest import Ended


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "loader", "file"),
    [
        ("Q8_0", "UnetLoaderGGUF", "demo-flux-Q8_0.gguf"),
        ("nf4", "CheckpointLoaderNF4", "demo-flux-bnb-nf4-v2.safetensors"),
    ],
)
def test_weights_are_made_at_first_use_and_kept(
    command: Callable[..., Ended],
    empty_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    loader: str,
    file: str,
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(empty_folder / "cache"))
    first = command("demo", "--to", kind, "--threads", "1", "--device", "cpu")
    assert first.code == 0, first.err
    assert f"{file}, " in first.err
    assert loader in first.err
    assert list((empty_folder / "cache").rglob(file))
    again = command("demo", "--to", kind, "--threads", "1", "--device", "cpu")
    assert again.code == 0, again.err
    assert "made " not in again.err
    with Image.open("output/ComfyUI_00001_.png") as one, Image.open("output/ComfyUI_00002_.png") as other:
        assert one.tobytes() == other.tobytes()


BUNDLED = Path(__file__).parents[2] / "graphs" / "demo" / "models"


def made(cache: Path) -> list[str]:
    """Names of the files that the demo's graph makes for fp8 with one scale a matrix, which is quick."""
    workflow = api.override(api.load(BUNDLED.parents[1] / GRAPH), changes("a", None))
    return [Path(each.path).name for each in stored_as(workflow, parse("fp8:scaled"), BUNDLED, cache)[1]]


@pytest.mark.slow
def test_a_damaged_or_foreign_file_in_the_cache_is_made_anew(tmp_path: Path) -> None:
    name = "demo-flux-fp8_scaled.safetensors"
    assert made(tmp_path) == [name]
    assert made(tmp_path) == []
    file = tmp_path / "checkpoints" / name
    whole = file.read_bytes()
    for damaged in (whole[:1000], b"", whole[:-1] + bytes([whole[-1] ^ 1]), b"<html>"):
        file.write_bytes(damaged)
        assert made(tmp_path) == [name]
        assert file.read_bytes() == whole
    file.with_name(f"{name}.sha256").unlink()
    assert made(tmp_path) == [name]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these have folders of their own")
@pytest.mark.parametrize("in_the_way", ["cache", "cache/comfyless"])
def test_a_cache_that_cannot_be_used_is_one_sentence(
    command: Callable[..., Ended], empty_folder: Path, monkeypatch: pytest.MonkeyPatch, in_the_way: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(empty_folder / "cache"))
    (empty_folder / in_the_way).parent.mkdir(exist_ok=True)
    (empty_folder / in_the_way).write_bytes(b"")
    ended = command("demo", "--to", "nf4", "--threads", "1", "--device", "cpu")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("comfyless: the cache in which the demo keeps weights that it makes cannot be used: ")
    assert ended.err.endswith("or name another folder with XDG_CACHE_HOME.  [bad-setting]\n")
    assert ended.err.count("\n") == 1


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "demo-flux-fp8_scaled.safetensors").mkdir(parents=True)
    with pytest.raises(GraphInvalid, match="demo-flux-fp8_scaled.safetensors: Is a directory"):
        made(tmp_path)


def test_an_unknown_type_is_told(command: Callable[..., Ended]) -> None:
    ended = command("demo", "--to", "Q9")
    assert ended.code == 2
    assert "no weight type 'Q9'; there are " in ended.err
