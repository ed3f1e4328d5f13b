"""Peak: the most private memory that this process took during a run, looked at from beside and not by the steps."""

import os
import sys
from threading import Event, Thread
from types import TracebackType

INTERVAL = 0.05
"""Seconds between two looks. A run that is shorter is looked at when it begins and when it ends."""

_STATM = "/proc/self/statm"


def private_bytes() -> int:
    """Bytes in memory now that belong to this process alone: pages of mapped files are not among them.

    From Linux's /proc; on other Unix systems the largest resident size that the process ever had, mapped files
    included; 0 on Windows, where the standard library does not tell.
    """
    try:
        with open(_STATM, "rb") as file:
            _, resident, shared, *_ = file.read().split()
    except OSError:
        return _largest_resident()
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def _largest_resident() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


class PeakWatch:
    """A thread that looks at private_bytes now and then, from `with` to its end. bytes: the most it has seen."""

    def __init__(self) -> None:
        """Nothing is seen yet."""
        self.bytes = 0
        self._over = Event()
        self._thread = Thread(target=self._watch, name="peak memory", daemon=True)

    def __enter__(self) -> "PeakWatch":
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(INTERVAL):
            self._look()

    def _look(self) -> None:
        self.bytes = max(self.bytes, private_bytes())
