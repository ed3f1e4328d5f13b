"""A file that grows: what a killed writer has left goes at the next start, what somebody writes stays."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engine.quantize import growing
from engine.quantize.growing import HAS_LOCKS

ROOT = Path(__file__).parents[2]
WRITER = """
import sys, time
from pathlib import Path
from engine.quantize.growing import growing
with growing(Path(sys.argv[1]), 1000) as path:
    print(path, flush=True)
    time.sleep(60)
"""

pytestmark = pytest.mark.skipif(not HAS_LOCKS, reason="there are no locks here")


def make(target: Path) -> None:
    with growing.growing(target, 10) as path:
        path.write_bytes(b"0123456789")


def test_what_a_killed_writer_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    target = tmp_path / "a.gguf"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as writer:
        try:
            assert writer.stdout is not None
            left = Path(writer.stdout.readline().strip())
            assert left.parent == tmp_path
            make(target)
            assert left.exists()
        finally:
            writer.send_signal(signal.SIGKILL)
    assert left.exists()
    make(tmp_path / "another.gguf")
    assert left.exists()
    make(target)
    assert sorted(os.listdir(tmp_path)) == ["a.gguf", "another.gguf"]


def test_names_that_only_look_alike_stay(tmp_path: Path) -> None:
    others = [".a.gguf.short.part", ".aXgguf.abcdefgh.part", ".a.gguf.abcdefgh.bak", "a.gguf.abcdefgh.part"]
    for name in others:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".a.gguf.abcdefgh.part").mkdir()
    (tmp_path / "precious").write_bytes(b"")
    (tmp_path / ".a.gguf.hgfedcba.part").symlink_to("precious")
    (tmp_path / ".a.gguf.12345678.part").write_bytes(b"left")
    make(tmp_path / "a.gguf")
    stay = [*others, "precious", "a.gguf", ".a.gguf.abcdefgh.part", ".a.gguf.hgfedcba.part"]
    assert sorted(os.listdir(tmp_path)) == sorted(stay)


def test_a_new_file_that_was_taken_for_a_leftover_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, real = [], tempfile.mkstemp

    def robbed(*arguments: str) -> tuple[int, str]:
        handle, name = real(*arguments)
        if not made:
            os.unlink(name)
        made.append(name)
        return handle, name

    monkeypatch.setattr(tempfile, "mkstemp", robbed)
    make(tmp_path / "a.gguf")
    assert len(made) == 2
    assert (tmp_path / "a.gguf").read_bytes() == b"0123456789"


def test_without_locks_leftovers_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*arguments: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(growing.fcntl, "flock", none)
    (tmp_path / ".a.gguf.12345678.part").write_bytes(b"left")
    make(tmp_path / "a.gguf")
    assert sorted(os.listdir(tmp_path)) == [".a.gguf.12345678.part", "a.gguf"]
