"""RayWorker: a worker on some machine of a Ray cluster. Knows nothing of Ray, which makes an actor of it."""

import queue
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from engine import VERSION
from engine.working.worker_bench import set_up
from engine.working.worker_messages import Gone, Message, Refused
from schemas.job import JobOrder, JobResult
from schemas.settings import Settings


class RayWorker:
    """A bench in a thread of its own; its messages wait here until they are asked for.

    So each result can leave as soon as it is there, and what had left is not lost with this machine. Its methods are
    called from several threads.
    """

    def __init__(self, settings: Settings, version: str) -> None:
        """version: of comfyless, where the orders come from."""
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._waves: queue.SimpleQueue[Sequence[JobOrder]] = queue.SimpleQueue()
        self._halted = threading.Event()
        threading.Thread(target=self._work, args=(settings, version), daemon=True).start()

    def give(self, orders: Sequence[JobOrder]) -> None:
        """Run these jobs when what was given before has run."""
        self._waves.put(orders)

    def halt(self) -> None:
        """End the step that runs now, and give back what has not run."""
        self._halted.set()

    def news(self, wait: float) -> list[Message]:
        """What was not told before; waits at most so many seconds for the first word."""
        found: list[Message] = []
        try:
            found.append(self._messages.get(timeout=wait))
            while True:
                found.append(self._messages.get_nowait())
        except queue.Empty:
            return found

    def _work(self, settings: Settings, version: str) -> None:
        try:
            if version != VERSION:
                self._messages.put(Refused((), _other_version(version)))
                return
            bench = set_up(settings, self._messages.put, self._halted.is_set)
            while bench is not None:
                orders = self._waves.get()
                with TemporaryDirectory(prefix="comfyless-") as folder:
                    bench.work([_at(order, folder) for order in orders], _with_contents)
        except BaseException as error:  # of a thread that nobody waits for: the other side must hear of it
            self._messages.put(Gone(f"a worker on {socket.gethostname()} failed: {type(error).__name__}: {error}"))


def _other_version(version: str) -> str:
    return f"comfyless {VERSION} is installed on {socket.gethostname()}, but {version} here: install the same one."


def _at(order: JobOrder, folder: str) -> JobOrder:
    """The order with its staging folder on this machine's disk."""
    return order.model_copy(update={"staging": str(Path(folder) / str(order.job))})


def _with_contents(result: JobResult) -> JobResult:
    """The result with the bytes of its drafts, which need not lie here any longer."""
    contents = {}
    for draft in result.drafts:
        contents[draft.file] = Path(draft.file).read_bytes()
        Path(draft.file).unlink()
    return result.model_copy(update={"contents": contents})
