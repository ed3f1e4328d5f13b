"""Interrupts: the first Ctrl-C asks a run to stop, the second stops the program; a closed terminal asks, too."""

import os
import signal
import threading
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

ASKED = b"\nstopping at the next step; press Ctrl-C again to stop at once\n"


class Interrupts:
    """While entered, SIGINT, SIGTERM and SIGHUP set a flag that is read by calling the object.

    The second SIGINT or SIGTERM raises KeyboardInterrupt wherever the program is. SIGHUP never does: who closes a
    terminal sends several. Where it is ignored (nohup), it stays so. Outside the main thread, where Python allows no
    handlers, it does nothing.
    """

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __call__(self) -> bool:
        """Whether the user wants to stop."""
        return self.asked

    def __enter__(self) -> "Interrupts":
        """Take the signals over."""
        if threading.current_thread() is threading.main_thread():
            for name in _heard():
                self._before[name] = signal.signal(name, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        for name, handler in self._before.items():
            signal.signal(name, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            if number in (signal.SIGINT, signal.SIGTERM):
                raise KeyboardInterrupt
            return
        self.asked = True
        with suppress(OSError):  # the terminal may be gone
            os.write(2, ASKED)  # a stream's own lock may be held where the signal struck


def _heard() -> list[signal.Signals]:
    """The signals that ask, without those that whoever started us wants ignored: a shell in the background, nohup."""
    known = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    return [name for name in known if signal.getsignal(name) is not signal.SIG_IGN]
