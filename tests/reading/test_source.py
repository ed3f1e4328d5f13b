"""Reading files by path."""

import io
import sys
from types import SimpleNamespace

import pytest

from engine.errors import GraphInvalid
from engine.reading import read_file, source
from tests.reading.pictures import GRAPH, PROMPT


def only(path):
    with pytest.raises(GraphInvalid) as caught:
        read_file(path)
    (problem,) = caught.value.problems
    assert problem.code == "unreadable-file"
    assert problem.model_dump_json()
    return problem


def test_file_is_read_by_path(tmp_path):
    path = tmp_path / "graph.json"
    path.write_text(PROMPT)
    workflow = read_file(path)
    assert workflow.name == str(path)
    assert workflow.prompt.as_json() == GRAPH


def test_dash_reads_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(PROMPT.encode())))
    assert read_file("-").name == "-"


def test_missing_file_names_those_near(tmp_path):
    (tmp_path / "portrait.json").write_text(PROMPT)
    (tmp_path / "portrait.txt").write_text(PROMPT)
    problem = only(tmp_path / "portrit.json")
    assert "portrait.json" in problem.fix
    assert "portrait.txt" not in problem.fix


def test_missing_folder_is_told(tmp_path):
    assert "does not exist either" in only(tmp_path / "no" / "graph.json").fix


def test_folder_is_told_and_a_file_in_it_named(tmp_path):
    (tmp_path / "graph.json").write_text(PROMPT)
    problem = only(tmp_path)
    assert "folder" in problem.said
    assert "graph.json" in problem.fix


@pytest.mark.parametrize("name", ["a\0b", "a" * 5000, "bad\udcff.json", ""])
def test_names_no_file_has_are_told(name):
    assert only(name).fix


def test_an_empty_name_is_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert only("").said == "the name of the file is empty."


def test_file_far_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "LARGEST", 100)
    (tmp_path / "big.json").write_text(" " * 101)
    assert "larger" in only(tmp_path / "big.json").said
