"""Waiting: trouble with the disk is told in words, and of many jobs once."""

import errno
from pathlib import Path

import pytest

from engine.whole_files import replacing
from engine.working.waiting import Owed, may_pass, told

FULL = OSError(errno.ENOSPC, "No space left on device", "/out/x.png")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FULL, "/out/x.png: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "/drafts/1", None, "/out/1"), "/out/1: Permission denied"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (OSError("odd"), "odd"),
        (ValueError("odd"), "odd"),
    ],
)
def test_trouble_with_the_disk_is_told_by_where_and_what(error: Exception, said: str) -> None:
    assert told(error) == said


def test_of_many_jobs_that_wait_the_first_is_told() -> None:
    said: list[str] = []
    owed = Owed(said.append)

    def full() -> None:
        raise FULL

    for job in range(3):
        owed.attempt(job, f"{job}.json", full)
    first = "0.json has run, and its results wait for the disk: /out/x.png: No space left on device"
    assert said == [first, f"{first}; and 1 more", f"{first}; and 2 more"]


def test_a_write_that_finds_no_room_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.whole_files.os.fsync", full)
    with pytest.raises(OSError, match="No space") as raised:
        with replacing(tmp_path / "a.report.json") as file:
            file.write(b"{}")
    assert told(raised.value) == f"{tmp_path / 'a.report.json'}: No space left on device"
    assert may_pass(raised.value)
