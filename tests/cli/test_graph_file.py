"""The file that a graph is written to: places that will not do are refused before any work, others are kept whole."""

import json
import os
from pathlib import Path

import pytest

from engine.cli.graph_file import check_place, text_of, write
from engine.errors import GraphInvalid, NotWritten


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for files."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["new.json", "old.json", "empty.json"])
def test_a_new_file_and_a_workflow_will_do(name: str) -> None:
    Path("old.json").write_bytes(b"\xef\xbb\xbf\n {}")
    Path("empty.json").touch()
    check_place(name)


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("", "bad-setting", "is empty"),
        (".", "bad-setting", "is a folder"),
        ("none/out.json", "bad-setting", "'none' is no folder"),
        (os.devnull, "bad-setting", "no ordinary file"),
        ("picture.png", "would-overwrite", "no workflow text"),
    ],
)
def test_another_place_is_refused(name: str, code: str, said: str) -> None:
    Path("picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(GraphInvalid, match=said) as refused:
        check_place(name)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_a_link_stays_a_link() -> None:
    Path("real.json").write_text("{}", encoding="utf-8")
    Path("link.json").symlink_to("real.json")
    write(Path("link.json"), {"a": "ü"})
    assert Path("link.json").is_symlink()
    assert Path("real.json").read_text("utf-8") == '{\n  "a": "ü"\n}\n'


def test_what_was_there_stays_if_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*paths: str) -> None:
        raise OSError(28, "No space left on device")

    Path("old.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(NotWritten, match=r"could not be written to old\.json: No space left on device\."):
        write(Path("old.json"), {"a": 1})
    assert os.listdir() == ["old.json"]
    assert Path("old.json").read_text("utf-8") == "{}"


def test_letters_that_a_stream_cannot_take_are_escaped() -> None:
    assert text_of({"a": "☃"}, unicode=False).isascii()
    assert json.loads(text_of({"a": "☃"}, unicode=False)) == json.loads(text_of({"a": "☃"})) == {"a": "☃"}
