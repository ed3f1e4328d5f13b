"""The streams of a command, as odd as a shell may give them."""

import io
import os
import sys

import pytest

from engine.cli.console import Console


def test_streams_that_were_closed_are_spoken_to_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    console = Console()
    console.data("a")
    console.complain("b")
    assert not console.terminal


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_what_runs_goes_on_when_its_terminal_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    with open(slave, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        console = Console()
        os.close(master)
        console.data("a")
        console.data("b")


@pytest.mark.parametrize(
    ("encoding", "unicode"), [("utf-8", True), ("UTF8", True), ("cp1252", False), ("ascii", False)]
)
def test_only_utf8_takes_every_letter(monkeypatch: pytest.MonkeyPatch, encoding: str, unicode: bool) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert Console().unicode is unicode
