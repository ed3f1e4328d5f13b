"""The user's cache folder, as each operating system has it."""

import sys
from pathlib import Path

import pytest

from engine.disk_cache.places import default_folder
from engine.folders.user_cache import user_cache


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these have folders of their own")
def test_the_cache_lies_where_the_user_wants_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for said, folder in (
        (str(tmp_path / "x"), tmp_path / "x"),
        ("relative", tmp_path / ".cache"),
        ("", tmp_path / ".cache"),
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", said)
        assert user_cache() == folder / "comfyless"


@pytest.mark.skipif(sys.platform == "darwin", reason="its cache is in the home folder whatever the environment says")
def test_no_test_uses_the_cache_of_who_runs_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert tmp_path_factory.getbasetemp() in user_cache().parents
    assert default_folder().parent == user_cache()
