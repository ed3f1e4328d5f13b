"""Views: what a run shows on its way and at its end, as JSON for programs or as lines for people."""

import time
from collections.abc import Iterator
from typing import Protocol

from engine.cli import words
from engine.cli.console import Console
from engine.cli.problems import tell
from schemas.quantities import size_text
from schemas.report import Event, MemoryMoved, Noted, Progress, RunReport, RunStarted, StepDone, StepStarted, Warned

BAR_WIDTH = 24
REDRAWN = 0.05
"""Seconds between two drawings of a bar."""
TOLD = 10.0
"""Seconds between two lines about one step where no bar can move."""


class View(Protocol):
    """What a run is shown through."""

    def event(self, event: Event) -> None:
        """Something happened."""

    def note(self, file: str, said: str) -> None:
        """Something about a file that stops nothing."""

    def repeat(self, file: str, number: int, total: int) -> None:
        """A file that is run several times begins again. number: from 1."""

    def report(self, report: RunReport, took: float) -> None:
        """A file has ended, after so many seconds."""


class Records:
    """Each event, unless quiet, and each report as a line of JSON."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        """Speak through the console."""
        self._console, self._quiet = console, quiet

    def event(self, event: Event) -> None:
        """Write it."""
        if not self._quiet:
            self._console.record(event.as_json())

    def note(self, file: str, said: str) -> None:
        """Write it as an event."""
        if not self._quiet:
            self._console.record({"event": "note", "file": file, "said": said})

    def repeat(self, file: str, number: int, total: int) -> None:
        """Write it as an event."""
        if not self._quiet:
            self._console.record({"event": "repeat", "file": file, "run": number, "total": total})

    def report(self, report: RunReport, took: float) -> None:
        """Write it."""
        self._console.record(report.model_dump(mode="json"))


class Lines:
    """A line for each step that ended, and on the way a bar on a terminal, or now and then a line elsewhere.

    verbose: also tell which weights came and went. several: there is more than one file, so name it.
    """

    def __init__(self, console: Console, verbose: bool = False, several: bool = False) -> None:
        """Speak through the console."""
        self._console, self._verbose, self._several = console, verbose, several
        self._step: StepStarted | None = None
        self._pace = Pace()
        self._told = 0.0
        self._widths = (2, 18)

    def event(self, event: Event) -> None:
        """Show it."""
        match event:
            case StepStarted():
                self._start(event)
            case Progress():
                self._progress(event)
            case StepDone():
                self._done(event)
            case Warned():
                where = f"{event.node}: " if event.node else ""
                self._console.note(words.plain(f"warning: {where}{event.said}"))
            case Noted():
                self._console.note(words.plain(f"{event.node}: {event.said}" if event.node else event.said))
            case MemoryMoved() if self._verbose:
                said = f"{event.action} {event.label}, {size_text(event.bytes)}: {event.why}"
                self._console.note(words.plain(said))
            case RunStarted() if self._several:
                self._console.note(words.plain(f"{event.file}: {words.count(event.total, 'step')}"))

    def note(self, file: str, said: str) -> None:
        """Say it."""
        self._console.note(words.plain(f"{file}: {said}"))

    def repeat(self, file: str, number: int, total: int) -> None:
        """Say it."""
        self._console.note(words.plain(f"{file}: run {number} of {total}"))

    def report(self, report: RunReport, took: float) -> None:
        """Say where the pictures are, or what is wrong."""
        if report.status == "done":
            for line in done_lines(report, took, self._several):
                self._console.result(line)
        elif report.problems:
            tell(self._console.complain, self._console.terminal, report.file, report.problems)
        else:
            said = report.error or report.status
            self._console.complain("\n    ".join(map(words.plain, f"{report.file}: {said}".splitlines())))

    def _start(self, event: StepStarted) -> None:
        self._step, self._pace, self._told = event, Pace(), time.monotonic()
        self._console.live(self._head(event))

    def _progress(self, event: Progress) -> None:
        if self._step is None:
            return
        self._pace.note(event.done, event.seconds)
        now, every = time.monotonic(), REDRAWN if self._console.terminal else TOLD
        if now - self._told < every and not (self._console.terminal and event.done == event.total):
            return
        self._told = now
        if self._console.terminal:
            self._console.live(f"{self._head(self._step)}  {bar(event.done, event.total)}  {self._steps(event)}")
        else:
            self._console.note(f"{self._head(self._step)}  {self._steps(event)}")

    def _done(self, event: StepDone) -> None:
        pace = f"{self._pace}  " if event.state == "run" and self._pace.done > 1 else ""
        ended = f"{pace}{words.seconds(event.seconds)}" if event.state == "run" else event.state
        self._console.note(f"{self._head(event)}  {ended}")
        self._step, self._pace = None, Pace()

    def _steps(self, event: Progress) -> str:
        return f"{event.done:>{len(str(event.total))}}/{event.total}  {self._pace.rate}".rstrip()

    def _head(self, event: StepStarted | StepDone) -> str:
        """`[ 7/11] 31 KSampler`, its columns as wide as the widest so far."""
        node, kind = words.plain(event.node), words.plain(event.class_type)
        self._widths = (max(self._widths[0], len(node)), max(self._widths[1], len(kind)))
        index = f"{event.index:>{len(str(event.total))}}/{event.total}"
        return f"[{index}] {node:>{self._widths[0]}} {kind:<{self._widths[1]}}"


class Pace:
    """How fast a sampler goes, counted from the first word it gave, which comes when its model is loaded."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.done = 0
        self._seconds = 0.0
        self._first: tuple[int, float] | None = None

    def note(self, done: int, seconds: float) -> None:
        """So many steps are done so many seconds after the node began."""
        self.done, self._seconds = done, seconds
        self._first = self._first or (done, seconds)

    @property
    def rate(self) -> str:
        """`1.31 s/it`; empty as long as it is not known."""
        done, seconds = self._first or (0, 0.0)
        if self.done > done:
            return f"{(self._seconds - seconds) / (self.done - done):.2f} s/it"
        return f"{self._seconds / self.done:.2f} s/it" if self.done else ""

    def __str__(self) -> str:
        """`20 it  1.31 s/it`."""
        return f"{self.done} it  {self.rate}"


def done_lines(report: RunReport, took: float, named: bool) -> Iterator[str]:
    """`done: 11 steps, 3 cached, 34.1 s, peak 11.2 GiB → output/flux_00001_.png`, or each picture on its own line."""
    cached = sum(step.state == "cached" for step in report.steps)
    told = [words.plain(report.file) if named else "", words.count(len(report.steps), "step")]
    told += [f"{cached} cached" if cached else "", words.seconds(took)]
    told += [f"peak {size_text(report.peak.ram)}" if report.peak.ram else ""]
    told += [f"{size_text(report.peak.vram)} on the device" if report.peak.vram else ""]
    paths = [words.plain(words.path(path)) for written in report.outputs.values() for path in written]
    where = f" → {paths[0]}" if len(paths) == 1 else f" → {words.count(len(paths), 'file')}:" if paths else ""
    yield f"done: {', '.join(part for part in told if part)}{where}"
    if len(paths) > 1:
        yield from (f"  {path}" for path in paths)


def bar(done: int, total: int) -> str:
    """A bar of BAR_WIDTH cells."""
    full = BAR_WIDTH * done // total if total else 0
    return "━" * full + "─" * (BAR_WIDTH - full)
