"""waking: the operating system says that something stirs in a folder; what it is, a look at the folder tells.

Events may come late, twice or never (overflow, network mounts), so that nothing is learned from them but to look.
"""

import os
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

_STIRRING: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileClosedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]
"""What may bring a graph. Our own reading opens and closes files, our own clearing away deletes them: not these."""


class Waker(FileSystemEventHandler):
    """While entered, `wait` returns as soon as something stirs in a folder. polling: only time wakes it, no events."""

    def __init__(self, folder: Path, skipped: Collection[Path], *, polling: bool, note: Callable[[str], None]) -> None:
        """skipped: absolute paths of folders in it whose stirring means nothing. note: told if events cannot be had."""
        self._folder, self._note = folder, note
        self._skipped = tuple(os.path.join(path, "") for path in skipped)
        self._stirred = threading.Event()
        self._observer: BaseObserver | None = None if polling else Observer()

    @property
    def listens(self) -> bool:
        """Whether events come at all."""
        return self._observer is not None

    def wait(self, seconds: float) -> None:
        """Until something stirs, has stirred since the last call, or the time is over."""
        self._stirred.wait(seconds)
        self._stirred.clear()

    def wake(self) -> None:
        """End the wait, or the next one."""
        self._stirred.set()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Wake if it is about a place where graphs may come."""
        path = os.fsdecode(event.dest_path or event.src_path)
        if not path.startswith(self._skipped):
            self._stirred.set()

    def __enter__(self) -> "Waker":
        """Begin to listen."""
        if self._observer is not None:
            try:
                self._observer.schedule(self, str(self._folder), recursive=True, event_filter=_STIRRING)
                self._observer.start()
            except OSError as error:  # no inotify left for this user, or none at all on that file system
                why = error.strerror or error
                self._note(f"{self._folder}: the system tells of no changes here ({why}); looking again and again")
                self._observer = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
