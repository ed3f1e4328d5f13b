"""batch: the rows of a batch's folder run, those that did not before, until all are over or somebody wants to stop."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from engine import api
from engine.batching import contact_sheet
from engine.batching.base import Base
from engine.batching.desk import BatchDesk, lines
from engine.batching.manifest import Manifest
from engine.batching.sheet_axes import Cell
from engine.batching.state import BatchFolder
from engine.errors import NotWritten
from engine.journal.journal import Journal
from engine.reading.printable import printable
from engine.working import anywhere
from engine.working.anywhere import Where
from engine.working.listening import Ears, Listener
from engine.working.pulse import Pulse
from engine.working.source import Stop
from engine.working.work import roots_of
from schemas.job import CRASHES
from schemas.settings import Settings

WAVE, LARGE_WAVE = 16, 256
"""Rows that run together; many where models may have to leave memory, so that each comes once for many rows."""
CLUSTER = 16
"""Workers that a Ray cluster is taken to have, for dividing the rows, where nobody said how many."""
SHOWN = "contact sheet"
"""The fact of a journal that says what the contact sheet shows: who drew it may have died before the last rows."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. fail_fast: begin nothing more after a failure. retries: more attempts at a row that fails.

    where: who runs the rows. sheet: draw the contact sheet. axes: its settings across and down, to be found if None.
    crashes: deaths of the program that a row may take part in.
    """

    fail_fast: bool = False
    retries: int = 0
    where: Where = Where()
    sheet: bool = True
    axes: tuple[str, str | None] | None = None
    crashes: int = CRASHES


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that this process holds. journal: of its rows, which are queued. base: the graph that they change."""

    folder: BatchFolder
    journal: Journal
    base: Base
    settings: Settings


class Tally(NamedTuple):
    """Rows of the whole batch by what became of them. before: those that were done before this run."""

    done: int
    failed: int
    waiting: int
    before: int


@contextmanager
def opened(folder: BatchFolder, base: Base, settings: Settings) -> Iterator[OpenBatch]:
    """A batch to be worked at, for one process at a time. Raises GraphInvalid if another one is at it."""
    with folder.open() as journal:
        folder.queue(journal, base.group)
        yield OpenBatch(folder, journal, base, settings)


def work(batch: OpenBatch, options: Options, listener: Listener, stop: Stop) -> Tally:
    """Run what is queued and not done.

    Raises GraphInvalid for settings that cannot be used, NotWritten if the manifest cannot be written at all or
    pictures could not be put in their places.
    """
    folder, journal, rows = batch.folder, batch.journal, batch.folder.recipe.rows
    before = journal.counts()["done"]
    manifest = Manifest(folder.path, list(next(folder.rows()).settings))
    try:
        manifest.rebuild(lines(journal, folder))
    except OSError as error:
        said = f"{printable(str(folder.path))}: the manifest cannot be written: {error.strerror or error}."
        raise NotWritten(f"{said} The same command again goes on.") from error
    try:
        if before < rows:
            _run(batch, manifest, options, listener, stop)
    finally:
        counts = journal.counts()
        shows = f"{counts['done']} done, axes {options.axes}"
        there = journal.fact(SHOWN) == shows and (folder.path / f"{contact_sheet.NAME}.png").exists()
        if options.sheet and not stop() and (before < rows or not there):
            if _draw(folder, manifest, options, listener):
                journal.keep(SHOWN, shows)
    return Tally(counts["done"], counts["failed"], rows - counts["done"] - counts["failed"], before)


def wave(settings: Settings, rows: int, where: Where) -> int:
    """How many of so many rows run together. Several workers each get some, and the last ones end about together."""
    most = WAVE if api.all_models_stay(settings) else LARGE_WAVE
    workers = where.workers or (CLUSTER if where.ray is not None else 1)
    return most if workers < 2 else max(1, min(most, rows // (2 * workers)))


def _run(batch: OpenBatch, manifest: Manifest, options: Options, listener: Listener, stop: Stop) -> None:
    folder, journal, settings = batch.folder, batch.journal, batch.settings
    left = folder.recipe.rows - journal.counts()["done"]
    where = replace(options.where, workers=min(options.where.workers, left))  # more would start for nothing
    with ExitStack() as stack:
        ears = Ears(listener, stack.enter_context(Pulse(journal, "batch")))
        desk = BatchDesk(
            journal,
            folder,
            batch.base,
            manifest,
            listener=ears,
            folder=folder.path,
            roots=roots_of(settings),
            retries=options.retries,
            crashes=options.crashes,
            wave=wave(settings, left, where),
            fail_fast=options.fail_fast,
        )

        def over() -> bool:
            """Whether to begin nothing more: what runs beside a failed row goes back as well."""
            return stop() or (options.fail_fast and desk.summary.failed > 0)

        with closing(desk):
            anywhere.run(desk, settings, where, over, ears.hear)


def _draw(folder: BatchFolder, manifest: Manifest, options: Options, listener: Listener) -> bool:
    """The contact sheet, if there is anything to show; a disk that refuses it takes nothing from the pictures."""
    cells = [Cell(line.row, line.settings, line.outputs, line.error) for line in manifest.read()]
    if not cells:
        return False
    try:
        for path in contact_sheet.write(
            folder.path, sorted(cells, key=lambda cell: cell.row), options.axes, folder.recipe.name
        ):
            listener.note(f"contact sheet: {path}")
    except OSError as error:
        listener.note(f"the contact sheet could not be written: {error.strerror or error}")
        return False
    return True
