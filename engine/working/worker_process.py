"""The body of a worker's process: orders come on its standard input, messages leave on its standard output.

Both are pickles, between two processes of one program. Its own end of life is decided by the other side: the end of
its input ends it, even in the middle of a step, and signals of a terminal or a service manager, which reach the whole
group of processes, do not.
"""

import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from engine.working.worker_messages import Message
from schemas.job import JobOrder

HALT = b"halt"
LEISURE = 2.0
"""Seconds that an idle worker may take to end."""


class Inbox:
    """What comes in, read by a thread of its own, so that a halt or the end is noticed during a step."""

    def __init__(self, stream: BinaryIO, halt: Callable[[], None]) -> None:
        """Read from now on. halt: called when the other side wants the worker to stop."""
        self._stream, self._halt = stream, halt
        self._waves: queue.SimpleQueue[Sequence[JobOrder] | None] = queue.SimpleQueue()
        self._come = 0
        self._over = 0
        threading.Thread(target=self._read, daemon=True).start()

    def waves(self) -> Iterator[Sequence[JobOrder]]:
        """Jobs to be run together, until the end."""
        while (orders := self._waves.get()) is not None:
            yield orders
            self._over += 1

    def _read(self) -> None:
        try:
            while True:
                message = pickle.load(self._stream)
                if message == HALT:
                    self._halt()
                else:
                    self._come += 1
                    self._waves.put(message)
        except (EOFError, OSError, pickle.UnpicklingError):
            self._end()

    def _end(self) -> None:
        """Nobody wants results any more: leave, and at once if something runs, whatever it is."""
        if self._come == self._over:
            self._waves.put(None)
            time.sleep(LEISURE)
        os._exit(1)


def main() -> None:
    """Work until the input ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    news = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the messages
    from engine.working.worker_bench import set_up  # late: takes a while, in which a signal would end the process

    lock = threading.Lock()

    def tell(message: Message) -> None:
        try:
            with lock:
                pickle.dump(message, news, pickle.HIGHEST_PROTOCOL)
                news.flush()
        except BrokenPipeError:  # nobody listens any more
            os._exit(1)

    halted = threading.Event()
    bench = set_up(pickle.load(sys.stdin.buffer), tell, halted.is_set)
    if bench is not None:
        for orders in Inbox(sys.stdin.buffer, halted.set).waves():
            bench.work(orders)
        bench.close()


if __name__ == "__main__":
    main()
