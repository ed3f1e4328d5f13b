"""The manifest grows row by row, and what a killed process has torn is mended."""

import csv
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from engine.batching.manifest import JSON_LINES, TABLE, Manifest, sha256_of
from schemas.batch import ManifestLine
from tests.working.crashing import Killed, half_written


def line(row: int, **more: Any) -> ManifestLine:
    return ManifestLine(**({"row": row, "settings": {"seed": row}, "state": "done"} | more))


def json_rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in (folder / JSON_LINES).read_text("utf-8").split("\n")[:-1]]


def table_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / TABLE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def picture(folder: Path, name: str = "a.png", data: bytes = b"picture") -> str:
    (folder / name).write_bytes(data)
    return str(folder / name)


def test_each_row_stands_in_both_files_as_soon_as_it_is_added(tmp_path):
    manifest = Manifest(tmp_path)
    for row in (1, 2):
        manifest.add(line(row, seconds=0.5, attempts=1))
        assert [each["row"] for each in json_rows(tmp_path)] == list(range(1, row + 1))
        assert [each["row"] for each in table_rows(tmp_path)] == [str(each) for each in range(1, row + 1)]
    assert table_rows(tmp_path)[0] == {
        "row": "1", "seed": "1", "state": "done", "outputs": "", "hashes": "", "seconds": "0.500", "attempts": "1",
        "error": "",
    }  # fmt: skip


def test_outputs_are_hashed_and_what_is_gone_is_told(tmp_path):
    there, gone = picture(tmp_path), str(tmp_path / "gone.png")
    written = Manifest(tmp_path).add(line(1, outputs=[there, gone]))
    assert written.hashes == [f"sha256:{sha256(b'picture').hexdigest()}", None]
    assert written.error == f"{gone} cannot be read any more"
    (row,) = table_rows(tmp_path)
    assert row["outputs"] == f"{there};{gone}"
    assert row["hashes"] == f"{written.hashes[0]};"
    assert json_rows(tmp_path)[0]["hashes"] == written.hashes


def test_texts_with_quotes_commas_breaks_and_odd_letters_come_back_from_both(tmp_path):
    said = 'a "cat", é 猫\r\nsecond\u2028line\rthird'
    Manifest(tmp_path).add(line(1, settings={"te,xt": said, "list": [1, "b"], "on": True, "none": None}, error="x\ny"))
    (row,) = table_rows(tmp_path)
    assert (row["te,xt"], row["list"], row["on"], row["none"], row["error"]) == (said, '[1, "b"]', "true", "", "x\ny")
    assert json_rows(tmp_path)[0]["settings"]["te,xt"] == said


def test_half_a_surrogate_pair_and_a_zero_byte_stop_nothing(tmp_path):
    manifest = Manifest(tmp_path)
    manifest.add(line(1, settings={"text": "a\udc80\0b"}))
    manifest.add(line(2))
    assert json_rows(tmp_path)[0]["settings"]["text"] == "a\udc80\0b"
    assert [row["row"] for row in table_rows(tmp_path)] == ["1", "2"]


def test_a_setting_that_comes_later_gets_a_column_and_earlier_rows_are_kept(tmp_path):
    manifest = Manifest(tmp_path, ["seed"])
    manifest.add(line(1))
    manifest.add(line(2, settings={"cfg": 3.5}))
    manifest.add(line(3))
    assert [(row["seed"], row["cfg"]) for row in table_rows(tmp_path)] == [("1", ""), ("", "3.5"), ("3", "")]


def test_a_torn_last_line_is_mended_at_the_next_start(tmp_path):
    Manifest(tmp_path).add(line(1))
    Manifest(tmp_path).add(line(2))
    for name in (JSON_LINES, TABLE):
        with (tmp_path / name).open("r+b") as file:
            file.truncate((tmp_path / name).stat().st_size - 4)
    manifest = Manifest(tmp_path)
    manifest.rebuild([line(1), line(2)])
    manifest.add(line(3))
    assert [row["row"] for row in json_rows(tmp_path)] == [1, 2, 3]
    assert [row["row"] for row in table_rows(tmp_path)] == ["1", "2", "3"]
    assert sorted(os.listdir(tmp_path)) == [TABLE, JSON_LINES]


def test_a_rebuilt_manifest_keeps_the_hashes_it_knew_and_hashes_only_other_files(tmp_path):
    first, second = picture(tmp_path), picture(tmp_path, "b.png")
    before = Manifest(tmp_path).add(line(1, outputs=[first]))
    Path(first).write_bytes(b"painted over")
    Manifest(tmp_path).rebuild([line(1, outputs=[first]), line(2, outputs=[second])])
    assert [row["hashes"] for row in json_rows(tmp_path)] == [before.hashes, [sha256_of(second)]]


def test_what_a_process_left_that_was_killed_while_it_rebuilt_goes_with_the_next(tmp_path, monkeypatch):
    Manifest(tmp_path).add(line(1))
    with monkeypatch.context() as patch:
        half_written(patch)
        with pytest.raises(Killed):
            Manifest(tmp_path).rebuild([line(1)])
    assert len(os.listdir(tmp_path)) == 3
    monkeypatch.setattr(os, "getpid", lambda: -1)
    Manifest(tmp_path).rebuild([line(1)])
    assert sorted(path.name for path in tmp_path.iterdir()) == [TABLE, JSON_LINES]


def test_a_table_with_other_columns_is_made_anew(tmp_path):
    Manifest(tmp_path).add(line(1))
    (tmp_path / TABLE).write_text("by,hand\n")
    Manifest(tmp_path, ["seed"]).add(line(2))
    assert [row["seed"] for row in table_rows(tmp_path)] == ["1", "2"]


def test_a_disk_that_takes_half_a_row_keeps_none_of_it(tmp_path, monkeypatch):
    manifest = Manifest(tmp_path)
    manifest.add(line(1))
    whole, write = (tmp_path / JSON_LINES).read_bytes(), os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda handle, data: write(handle, data[:5]))
        with pytest.raises(OSError, match="No space left"):
            manifest.add(line(2))
    assert (tmp_path / JSON_LINES).read_bytes() == whole
    manifest.add(line(2))
    assert [row["row"] for row in json_rows(tmp_path)] == [1, 2]


def test_rows_that_cannot_be_listed_leave_the_old_manifest(tmp_path):
    def failing():
        yield line(2)
        raise OSError("the journal is gone")

    manifest = Manifest(tmp_path)
    manifest.add(line(1))
    with pytest.raises(OSError, match="journal"):
        manifest.rebuild(failing())
    assert [row["row"] for row in json_rows(tmp_path)] == [1]
    assert sorted(os.listdir(tmp_path)) == [TABLE, JSON_LINES]


def test_an_empty_batch_has_a_table_with_its_head(tmp_path):
    Manifest(tmp_path, ["seed"]).rebuild([])
    assert (tmp_path / TABLE).read_text().strip() == "row,seed,state,outputs,hashes,seconds,attempts,error"
    assert json_rows(tmp_path) == []
