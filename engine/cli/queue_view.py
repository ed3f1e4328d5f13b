"""QueueView: a queue at work, as a line for each job that ended and a bar for what runs now, or as lines of JSON."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from engine.cli import words
from engine.cli.console import Console
from engine.cli.views import REDRAWN, bar
from schemas.job import JobEnded, JobStarted, Waits
from schemas.quantities import size_text
from schemas.report import Event, MemoryMoved, Noted, Progress, StepDone, StepStarted, Warned


@dataclass(slots=True)
class _Current:
    """A job that runs, and its step."""

    name: str
    step: StepStarted | None = None


class QueueView:
    """What a queue is shown through; safe for threads.

    verbose: also tell of every step and of weights that come and go. quiet: only what went wrong. total: how many jobs
    there are, if that is known; begun: how many of them were over before.
    """

    def __init__(
        self,
        console: Console,
        as_json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        *,
        total: int | None = None,
        begun: int = 0,
    ) -> None:
        """Speak through the console."""
        self._console, self._json, self._quiet, self._verbose = console, as_json, quiet, verbose
        self._total, self._over = total, begun
        self._running: dict[int, _Current] = {}
        self._drawn, self._waits = 0.0, ""
        self._lock = threading.Lock()

    def event(self, event: Event, job: int | None = None) -> None:
        """Show it. job: whose event it is, where the event does not say."""
        with self._speaking():
            if self._json:
                if not self._quiet or isinstance(event, JobEnded):
                    self._console.record({"job": job, **event.as_json()} if job is not None else event.as_json())
            else:
                self._show(event, job)

    def note(self, said: str) -> None:
        """Tell something that stops nothing."""
        with self._speaking():
            if not self._json:
                self._console.note(words.plain(said))
            elif not self._quiet:
                self._console.record({"event": "note", "said": said})

    def summary(self, done: int, failed: int, waiting: int) -> None:
        """The last line: how many jobs are over, and how many are not."""
        with self._speaking():
            if self._json:
                self._console.record({"event": "summary", "done": done, "failed": failed, "waiting": waiting})
                return
            parts = [f"{done:,} done"] + ([f"{failed:,} failed"] if failed else [])
            parts += [f"{waiting:,} {'waits' if waiting == 1 else 'wait'}"] if waiting else []
            (self._console.complain if failed else self._console.result)(", ".join(parts))

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """One thread at a time. A log that takes no more, its disk being full, stops no work: reports tell the same."""
        with self._lock, suppress(OSError):
            yield

    def _show(self, event: Event, job: int | None) -> None:
        match event:
            case JobStarted():
                self._started(event)
            case JobEnded():
                self._ended(event)
            case Waits():
                if event.said != self._waits:
                    self._console.complain(words.plain(f"waiting: {event.said}"))
                self._waits = event.said
            case _ if job in self._running:
                self._follow(self._running[job], event)

    def _started(self, event: JobStarted) -> None:
        self._running[event.job], self._waits = _Current(words.plain(event.name)), ""
        if event.attempt > 1:
            self._console.note(f"again   {words.plain(event.name)}  attempt {event.attempt}")
        self._console.live(self._running[event.job].name)

    def _ended(self, event: JobEnded) -> None:
        self._running.pop(event.job, None)
        why = words.plain((event.error or "").strip().partition("\n")[0])
        if event.state == "done":
            self._console.result(f"{self._count()}done    {self._took(event)}{_where(event.outputs)}")
        elif event.state == "failed":
            self._console.complain(f"{self._count()}failed  {self._took(event)}{f': {why}' if why else ''}")
        else:
            self._console.note(f"waits   {words.plain(event.name)}{f'  {why}' if why else ''}")

    def _count(self) -> str:
        """`[12/100] `, empty where nobody knows how many there are."""
        self._over += 1
        return "" if self._total is None else f"[{self._over:>{len(str(self._total))}}/{self._total}] "

    def _took(self, event: JobEnded) -> str:
        return f"{words.plain(event.name)}  {words.seconds(event.seconds)}"

    def _follow(self, current: _Current, event: Event) -> None:
        """What goes on within a job."""
        match event:
            case StepStarted():
                current.step = event
                self._draw(current, "")
            case Progress() if current.step is not None:
                self._draw(current, f"  {bar(event.done, event.total)}  {event.done}/{event.total}")
            case StepDone() if self._verbose and event.state == "run":
                took = words.seconds(event.seconds)
                self._console.note(words.plain(f"{current.name}  {event.node} {event.class_type}  {took}"))
            case Warned() | Noted():
                where = f"{event.node}: " if event.node else ""
                self._console.note(words.plain(f"{current.name}: {where}{event.said}"))
            case MemoryMoved() if self._verbose:
                said = f"{event.action} {event.label}, {size_text(event.bytes)}: {event.why}"
                self._console.note(words.plain(said))

    def _draw(self, current: _Current, progress: str) -> None:
        """The line that moves, now and then: a queue may have very many short steps."""
        now = time.monotonic()
        if current.step is None or now - self._drawn < REDRAWN:
            return
        self._drawn = now
        step = current.step
        place = words.plain(f"[{step.index}/{step.total}] {step.node} {step.class_type}")
        self._console.live(f"{current.name}  {place}{progress}")


def _where(outputs: tuple[str, ...]) -> str:
    """` → output/x_00001_.png and 3 more`."""
    if not outputs:
        return ""
    more = f" and {len(outputs) - 1} more" if len(outputs) > 1 else ""
    return f" → {words.plain(words.path(outputs[0]))}{more}"
