"""waking: the operating system says that something stirs in a folder; what it is, a look at the folder tells.

Events may come late, twice or never (overflow, network mounts), so that nothing is learned from them but to look.
"""

import os
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
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
    from watchdog.observers.api import BaseObserver, ObservedWatch

_STIRRING: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileClosedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
"""What may bring a graph, or take the folder. Our own reading opens and closes files, and moving deletes: not these."""


MOST = 100
"""Folders that are listened to; others are found out about by looking now and then. Each takes a thread."""


class Waker(FileSystemEventHandler):
    """While entered, `wait` returns as soon as something stirs in the folders that it follows.

    Each is listened to by itself: what we write below them (journal, drafts, what is done) would wake us all the time.
    """

    def __init__(self, *, polling: bool, note: Callable[[str], None]) -> None:
        """polling: only time wakes it, no events. note: told if events cannot be had."""
        self._note = note
        self._stirred = threading.Event()
        self._observer: BaseObserver | None = None if polling else Observer()
        self._heard: dict[str, ObservedWatch] = {}
        self._gone: set[str] = set()

    @property
    def listens(self) -> bool:
        """Whether events come."""
        return self._observer is not None

    def wait(self, seconds: float) -> None:
        """Until something stirs, has stirred since the last call, or the time is over."""
        self._stirred.wait(seconds)
        self._stirred.clear()

    def wake(self) -> None:
        """End the wait, or the next one."""
        self._stirred.set()

    def follow(self, folders: Sequence[str]) -> None:
        """Listen to these, at most MOST, and to no others; wake if one is new, since it may hold something already."""
        if self._observer is None:
            return
        wanted = folders[:MOST]
        gone, self._gone = self._gone, set()
        for path in [path for path in self._heard if path not in wanted or path in gone]:
            self._observer.unschedule(self._heard.pop(path))
        for path in wanted:
            if path not in self._heard:
                self._listen(path)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Wake."""
        if isinstance(event, DirDeletedEvent | DirMovedEvent):
            self._gone.add(os.fsdecode(event.src_path))  # if there is one of its name again, it is another one
        self._stirred.set()

    def __enter__(self) -> "Waker":
        """Begin to listen."""
        if self._observer is not None:
            self._observer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def _listen(self, path: str) -> None:
        assert self._observer is not None
        try:
            self._heard[path] = self._observer.schedule(self, path, event_filter=_STIRRING)
            self._stirred.set()
        except FileNotFoundError:  # gone again
            return
        except OSError as error:  # no inotify left for this user, or none at all on that file system
            self._note(
                f"{path}: the system tells of no changes here ({error.strerror or error}); --poll looks for them"
            )
            self._observer.stop()
            self._observer.join()
            self._observer = None
