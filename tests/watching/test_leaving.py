"""Leaving: names in `done` and `failed` are free, recognisable and never too long."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.watching.leaving import LONGEST_NAME, folder_of_pictures, leaving


def names(folder: Path, name: str, failed: bool = False) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in leaving(folder, name, failed)]


def test_a_graph_keeps_its_name_and_folder(tmp_path: Path) -> None:
    assert names(tmp_path, "sub/a.json") == ["done/sub/a.json", "done/sub/a.report.json", "done/sub/a.error.txt"]
    assert names(tmp_path, "a.JSON", failed=True) == ["failed/a.JSON", "failed/a.report.json", "failed/a.error.txt"]


def test_a_picture_and_a_text_of_one_name_share_no_report(tmp_path: Path) -> None:
    assert names(tmp_path, "a.png") == ["done/a.png", "done/a.png.report.json", "done/a.png.error.txt"]


@pytest.mark.parametrize("taken", ["a.json", "a.report.json", "a.error.txt"])
def test_a_name_that_is_taken_gets_a_number(tmp_path: Path, taken: str) -> None:
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / taken).touch()
    assert names(tmp_path, "a.json") == ["done/a-2.json", "done/a-2.report.json", "done/a-2.error.txt"]


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=255))
def test_no_name_is_too_long(name: str) -> None:
    stem = name.encode()[:250].decode(errors="ignore") or "x"
    for path in leaving(Path("/nowhere"), f"{stem}.json", True):
        assert len(os.fsencode(path.name)) <= LONGEST_NAME


def test_a_long_name_that_is_taken_gets_a_number_too(tmp_path: Path) -> None:
    name = "ü" * 125 + ".json"
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / name).touch()
    (tmp_path / names(tmp_path, name)[0]).touch()
    graph = names(tmp_path, name)[0]
    assert graph.endswith("-3.json")
    (tmp_path / graph).touch()


def test_pictures_of_a_graph_have_a_folder_of_its_name(tmp_path: Path) -> None:
    assert folder_of_pictures("sub/a.b.json") == "sub/a.b"
    assert folder_of_pictures("a\\..\\..\\b.json") == "a_.._.._b"
