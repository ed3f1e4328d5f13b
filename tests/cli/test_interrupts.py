"""Interrupts: who is asked to stop by which signal, and how often."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from engine.cli.interrupts import Interrupts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has none of these signals")


@pytest.fixture
def hangup() -> Iterator[Any]:
    """What the process does when its terminal is closed; that and Ctrl-C are restored after the test."""
    before, interrupt = signal.getsignal(signal.SIGHUP), signal.getsignal(signal.SIGINT)
    yield before
    signal.signal(signal.SIGHUP, before)
    signal.signal(signal.SIGINT, interrupt)


def test_a_closed_terminal_asks_to_stop_however_often_it_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with Interrupts() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop()
    assert capfd.readouterr().err.count("stopping") == 1


@pytest.mark.parametrize("name", [signal.SIGHUP, signal.SIGINT])
def test_what_is_ignored_from_the_start_stays_ignored(hangup: Any, name: signal.Signals) -> None:
    signal.signal(name, signal.SIG_IGN)
    with Interrupts() as stop:
        os.kill(os.getpid(), name)
        assert not stop()
    assert signal.getsignal(name) is signal.SIG_IGN


def test_a_signal_is_heard_where_nothing_can_be_said() -> None:
    kept = os.dup(2)
    os.close(2)
    try:
        with Interrupts() as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop()
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def test_signals_are_given_back(hangup: Any) -> None:
    with Interrupts():
        pass
    assert signal.getsignal(signal.SIGHUP) is hangup
