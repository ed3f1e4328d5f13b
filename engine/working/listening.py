"""Listening: who hears what unattended work tells: whoever asked for it, and the journal's heartbeat."""

from typing import Protocol

from engine.working.pulse import Pulse
from schemas.report import Event, Warned


class Listener(Protocol):
    """Who is told what happens; from several threads."""

    def event(self, event: Event, job: int | None = None) -> None:
        """Something happened, in a job or with it."""

    def note(self, said: str) -> None:
        """Something that is about no job and stops nothing."""


class Ears:
    """A listener and a pulse."""

    def __init__(self, listener: Listener, pulse: Pulse) -> None:
        """Nothing was said yet."""
        self._listener, self._pulse = listener, pulse
        self._said: set[str] = set()

    def event(self, event: Event, job: int | None = None) -> None:
        """Tell both."""
        self._pulse.event(event, job)
        self._listener.event(event, job)

    def note(self, said: str) -> None:
        """Tell the one that shows it."""
        self._listener.note(said)

    def hear(self, event: Event) -> None:
        """What a session tells of no job in particular; each warning once, however many jobs it holds for."""
        if not isinstance(event, Warned):
            self.event(event)
        elif event.said not in self._said:
            self._said.add(event.said)
            self.note(event.said)
