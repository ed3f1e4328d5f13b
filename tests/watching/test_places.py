"""Places: folders that cannot be watched are told, and what is no graph is not looked at."""

from pathlib import Path

import pytest

from engine.errors import GraphInvalid
from engine.watching import places
from schemas.settings import Settings


def test_a_folder_that_is_not_there_is_told_with_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(GraphInvalid) as raised:
        places.watched(tmp_path / "in", Settings())
    assert raised.value.problems[0].fix == f"Make it: mkdir -p {tmp_path / 'in'}"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    with pytest.raises(GraphInvalid, match="is no folder"):
        places.watched(tmp_path / "in", Settings())


@pytest.mark.parametrize("option", ["output", "temp", "input"])
def test_a_folder_that_pictures_come_to_is_not_watched(tmp_path: Path, option: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(GraphInvalid, match=f"--{option} is the watched folder itself"):
        places.watched(tmp_path / "link", Settings(**{option: tmp_path}))


@pytest.mark.parametrize("option", ["state", "output", "temp"])
def test_a_file_where_a_folder_is_to_be_made_is_told_before_anything_runs(tmp_path: Path, option: str) -> None:
    (tmp_path / "file").touch()
    state = tmp_path / "state" if option != "state" else tmp_path / "file" / "state"
    settings = Settings(**{option: tmp_path / "file"} if option != "state" else {})
    with pytest.raises(GraphInvalid, match=f"--{option}: {tmp_path / 'file'} is a file"):
        places.check_writable(state, settings)
    (tmp_path / "file").unlink()
    places.check_writable(state, settings)


def test_folders_of_other_use_are_skipped_where_they_lie_inside(tmp_path: Path) -> None:
    settings = Settings(
        output=tmp_path / "output", temp=tmp_path.parent, input=tmp_path / "a" / "input", cache=tmp_path / "cache"
    )
    found = places.skipped(tmp_path, tmp_path / ".comfyless", settings)
    assert found == [tmp_path / each for each in (".comfyless", "output", "a/input", "cache")]


def test_a_journal_is_found_where_a_watch_and_where_a_batch_keep_it(tmp_path: Path) -> None:
    assert places.journal_in(tmp_path) is None
    (tmp_path / "journal.sqlite").touch()
    assert places.journal_in(tmp_path) == tmp_path / "journal.sqlite"
    assert places.journal_in(tmp_path / "else", tmp_path) == tmp_path / "journal.sqlite"
    (tmp_path / ".comfyless").mkdir()
    (tmp_path / ".comfyless" / "journal.sqlite").touch()
    assert places.journal_in(tmp_path) == tmp_path / ".comfyless" / "journal.sqlite"


def test_drafts_lie_on_the_file_system_of_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, output = tmp_path / "state", tmp_path / "made" / "later"
    assert places.drafts_folder(state, output) == state
    monkeypatch.setattr(places, "_device", {state: 1, output: 2}.get)
    assert places.drafts_folder(state, output) == output / ".comfyless"
