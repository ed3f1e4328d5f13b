"""A file is there with all its bytes or not at all, and nothing else is left behind."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.whole_files import give_name, own_passing_name, passing_name, replacing, write_instead, write_new


def breaking() -> Iterator[bytes]:
    yield b"half"
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_new_file_is_whole_or_not_there(tmp_path: Path) -> None:
    write_new(tmp_path / "a", [b"x", memoryview(b"yz")], durable=True)
    with pytest.raises(OSError, match="Input/output"):
        write_new(tmp_path / "b", breaking(), durable=True)
    assert contents(tmp_path) == {"a": b"xyz"}


def test_a_new_file_takes_no_other_place_and_removes_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", [b"ours"], durable=False)
    assert contents(tmp_path) == {"a": b"theirs"}


def test_a_file_that_is_replaced_stays_until_the_other_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_instead(path, [b"old"])
    with pytest.raises(OSError, match="Input/output"):
        write_instead(path, breaking())
    with pytest.raises(OSError, match="Input/output"), replacing(path) as file:
        file.writelines(breaking())
    assert contents(tmp_path) == {"a": b"old"}
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert contents(tmp_path) == {"a": b"new"}


def test_what_a_crash_has_left_goes_with_the_next_try(tmp_path: Path) -> None:
    path = tmp_path / "a"
    passing_name(path, tmp_path).write_bytes(b"half of what somebody who was killed has written")
    with replacing(path) as file:
        file.write(b"new")
    assert contents(tmp_path) == {"a": b"new"}


def test_trouble_names_the_file_and_not_its_passing_name(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output") as raised, replacing(tmp_path / "a"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    assert raised.value.filename == str(tmp_path / "a")


@pytest.mark.parametrize("links", [True, False])
def test_a_name_is_given_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not links:
        monkeypatch.setattr(os, "link", unsupported)
    for name in ("first", "second"):
        (tmp_path / name).write_text(name)
    give_name(tmp_path / "first", tmp_path / "a")
    with pytest.raises(FileExistsError):
        give_name(tmp_path / "second", tmp_path / "a")
    assert contents(tmp_path) == {"a": b"first", "second": b"second"}


def test_a_file_that_cannot_be_moved_leaves_no_empty_one_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    (tmp_path / "first").write_text("first")
    for name in ("link", "replace"):
        monkeypatch.setattr(os, name, refused)
    with pytest.raises(OSError, match="not implemented"):
        give_name(tmp_path / "first", tmp_path / "a")
    assert contents(tmp_path) == {"first": b"first"}


def test_passing_names_fit_where_the_name_itself_does(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    with replacing(path) as file:
        file.write(b"new")
    write_instead(path, [b"newer"])
    assert contents(tmp_path) == {"x" * 255: b"newer"}
    assert own_passing_name(tmp_path) != own_passing_name(tmp_path)
