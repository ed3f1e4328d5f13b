"""`comfyless demo --to TYPE`: the graph is converted, the weights are made once and kept in the user's cache."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from engine.cli.demo_weights import cache_folder
from tests.cli.conftest import Ended


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these have folders of their own")
def test_the_cache_lies_where_the_user_wants_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for said, folder in (
        (str(tmp_path / "x"), tmp_path / "x"),
        ("relative", tmp_path / ".cache"),
        ("", tmp_path / ".cache"),
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", said)
        assert cache_folder() == folder / "comfyless"


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


def test_an_unknown_type_is_told(command: Callable[..., Ended]) -> None:
    ended = command("demo", "--to", "Q9")
    assert ended.code == 2
    assert "no weight type 'Q9'; there are " in ended.err
