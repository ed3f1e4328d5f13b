"""watch: a folder is watched until somebody wants to stop, or, once, until it is drained."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from engine.disk_cache.places import with_cache
from engine.errors import GraphInvalid, NotWritten
from engine.journal.journal import Journal
from engine.watching import places
from engine.watching.arrivals import SETTLE, Arrival, Arrivals
from engine.watching.desk import WatchDesk
from engine.watching.grouping import group_of
from engine.watching.lookout import RESCAN, Lookout
from engine.watching.waking import Waker
from engine.working import anywhere
from engine.working.anywhere import Where
from engine.working.listening import Ears, Listener
from engine.working.pulse import Pulse
from engine.working.source import Stop
from engine.working.work import roots_of
from schemas.job import CRASHES
from schemas.report import Problem
from schemas.settings import Settings

WAVE = 16
"""Jobs that run together where the order may change: steps are then ordered so that each model is loaded once."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to watch.

    state: where the journal lies; None: in the folder. poll: seconds between two looks, without waiting for events;
    None: woken by events. settle: seconds that a file must rest whose end cannot be told. by_model: graphs of models
    that are loaded come first. crashes: deaths of the program that a graph may take part in.
    """

    state: Path | None = None
    once: bool = False
    poll: float | None = None
    settle: float = SETTLE
    by_model: bool = False
    per_graph: bool = False
    retries: int = 0
    crashes: int = CRASHES
    where: Where = Where()


class Tally(NamedTuple):
    """What came of it: jobs that ended in this process, and those that wait in the journal.

    unplaced: have run here, but the disk did not take their results.
    """

    done: int
    failed: int
    waiting: int
    unplaced: int


def watch(folder: Path, settings: Settings, options: Options, listener: Listener, stop: Stop) -> Tally:
    """Run the graphs of a folder as they come.

    Raises GraphInvalid for a folder or settings that cannot be used, JournalInvalid, FileNotFoundError if the folder
    goes away, NotWritten if results or the journal could not be written.
    """
    settings = with_cache(settings)
    found = places.watched(folder, settings)
    state = places.state_folder(found, options.state)
    places.check_writable(state, settings)
    with _writing(state / places.JOURNAL), ExitStack() as stack:
        journal = stack.enter_context(Journal(state / places.JOURNAL))
        _check_same(journal, found, options.state)
        pulse = stack.enter_context(Pulse(journal, "watch"))
        ears = Ears(listener, pulse)
        lookout = stack.enter_context(_lookout(found, state, settings, options, journal, ears))
        desk = WatchDesk(
            journal,
            found,
            lookout,
            settings,
            listener=ears,
            once=options.once,
            per_graph=options.per_graph,
            folder=places.drafts_folder(state, settings.output),
            roots=roots_of(settings),
            retries=options.retries,
            crashes=options.crashes,
            wave=WAVE if options.by_model else 1,
            patient=not options.once,
        )
        with closing(desk):
            anywhere.run(desk, settings, options.where, stop, ears.hear)
        told = pulse.doing()
        return Tally(told["done"], told["failed"], journal.counts()["waiting"], desk.summary.unplaced)


@contextmanager
def _writing(journal: Path) -> Iterator[None]:
    """What SQLite says of a disk, in words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        fix = "Make room there, or keep it elsewhere: --state DIR."
        raise NotWritten(f"the journal {journal} cannot be written: {error}. {fix}") from error


def _lookout(
    folder: Path, state: Path, settings: Settings, options: Options, journal: Journal, listener: Listener
) -> Lookout:
    apart = places.skipped(folder, state, settings)
    arrivals = Arrivals(folder, settle=options.settle, skipped=apart, note=listener.note)
    waker = Waker(polling=options.poll is not None, note=listener.note)
    every = RESCAN if options.poll is None else options.poll

    def group(arrival: Arrival) -> str:
        return group_of(folder / arrival.name) if options.by_model else ""

    return Lookout(arrivals, waker, journal, every=every, group=group, note=listener.note)


def _check_same(journal: Journal, folder: Path, state: Path | None) -> None:
    """Raise GraphInvalid if a state folder named by the user belongs to the watch of another folder."""
    if state is None:
        return
    known = journal.fact(places.FOLDER)
    if known is None:
        journal.keep(places.FOLDER, str(folder))
    elif known != str(folder):
        said = f"--state: {state} keeps what became of another folder, {known}."
        raise GraphInvalid([Problem(code="bad-setting", found=str(state), said=said, fix="Name another one.")])
