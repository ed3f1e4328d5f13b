"""batch: the rows of a batch's folder run, those that did not before, until all are over or somebody wants to stop."""

from contextlib import ExitStack, closing
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
    crashes: int = 3


class Tally(NamedTuple):
    """Rows of the whole batch by what became of them. before: those that were done before this run."""

    done: int
    failed: int
    waiting: int
    before: int


def work(
    batch: BatchFolder,
    journal: Journal,
    base: Base,
    settings: Settings,
    options: Options,
    listener: Listener,
    stop: Stop,
) -> Tally:
    """Run what is queued and not done.

    Raises GraphInvalid for settings that cannot be used, NotWritten if the manifest cannot be written at all or
    pictures could not be put in their places.
    """
    before = journal.counts()["done"]
    manifest = Manifest(batch.path, list(next(batch.rows()).settings))
    try:
        manifest.rebuild(lines(journal, batch))
    except OSError as error:
        said = f"{printable(str(batch.path))}: the manifest cannot be written: {error.strerror or error}."
        raise NotWritten(f"{said} The same command again goes on.") from error
    try:
        if before < batch.recipe.rows:
            _run(batch, journal, base, manifest, settings, options, listener, stop)
    finally:
        counts = journal.counts()
        shows = f"{counts['done']} done, axes {options.axes}"
        there = journal.fact(SHOWN) == shows and (batch.path / f"{contact_sheet.NAME}.png").exists()
        if options.sheet and not stop() and (before < batch.recipe.rows or not there):
            if _draw(batch, manifest, options, listener):
                journal.keep(SHOWN, shows)
    return Tally(counts["done"], counts["failed"], batch.recipe.rows - counts["done"] - counts["failed"], before)


def wave(settings: Settings, rows: int, where: Where) -> int:
    """How many of so many rows run together. Several workers each get some, and the last ones end about together."""
    most = WAVE if api.all_models_stay(settings) else LARGE_WAVE
    workers = where.workers or (CLUSTER if where.ray is not None else 1)
    return most if workers < 2 else max(1, min(most, rows // (2 * workers)))


def _run(
    batch: BatchFolder,
    journal: Journal,
    base: Base,
    manifest: Manifest,
    settings: Settings,
    options: Options,
    listener: Listener,
    stop: Stop,
) -> None:
    left = batch.recipe.rows - journal.counts()["done"]
    where = replace(options.where, workers=min(options.where.workers, left))  # more would start for nothing
    with ExitStack() as stack:
        ears = Ears(listener, stack.enter_context(Pulse(journal, "batch")))
        desk = BatchDesk(
            journal,
            batch,
            base,
            manifest,
            listener=ears,
            folder=batch.path,
            roots={"output": settings.output, "temp": settings.temp},
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


def _draw(batch: BatchFolder, manifest: Manifest, options: Options, listener: Listener) -> bool:
    """The contact sheet, if there is anything to show; a disk that refuses it takes nothing from the pictures."""
    cells = [Cell(line.row, line.settings, line.outputs, line.error) for line in manifest.read()]
    if not cells:
        return False
    try:
        for path in contact_sheet.write(
            batch.path, sorted(cells, key=lambda cell: cell.row), options.axes, batch.recipe.name
        ):
            listener.note(f"contact sheet: {path}")
    except OSError as error:
        listener.note(f"the contact sheet could not be written: {error.strerror or error}")
        return False
    return True
