"""Leaving: names in `done` and `failed` are recognisable, and differ where files do."""

from pathlib import Path

from engine.watching.leaving import folder_of_pictures, leaving


def names(folder: Path, name: str, failed: bool = False) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in leaving(folder, name, failed)]


def test_a_graph_keeps_its_name_and_folder(tmp_path: Path) -> None:
    assert names(tmp_path, "sub/a.json") == ["done/sub/a.json", "done/sub/a.report.json", "done/sub/a.error.txt"]
    assert names(tmp_path, "a.JSON", failed=True) == ["failed/a.JSON", "failed/a.report.json", "failed/a.error.txt"]


def test_a_picture_and_a_text_of_one_name_share_no_report(tmp_path: Path) -> None:
    assert names(tmp_path, "a.png") == ["done/a.png", "done/a.png.report.json", "done/a.png.error.txt"]


def test_pictures_of_a_graph_have_a_folder_of_its_name(tmp_path: Path) -> None:
    assert folder_of_pictures("sub/a.b.json") == "sub/a.b"
    assert folder_of_pictures("a\\..\\..\\b.json") == "a_.._.._b"
