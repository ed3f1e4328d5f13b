"""The streams of a command, as odd as a shell may give them."""

import io
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


@pytest.mark.parametrize(
    ("encoding", "unicode"), [("utf-8", True), ("UTF8", True), ("cp1252", False), ("ascii", False)]
)
def test_only_utf8_takes_every_letter(monkeypatch: pytest.MonkeyPatch, encoding: str, unicode: bool) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert Console().unicode is unicode
