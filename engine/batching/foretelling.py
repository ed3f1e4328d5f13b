"""Foretelling: the rows of a batch merged as they would be run, and counted; nothing is computed or written."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Protocol

from engine import accelerators, api
from engine.batching.base import Base
from engine.batching.batch import LARGE_WAVE
from engine.batching.combine import Combination
from engine.disk_cache.disk_cache import DiskCache, surroundings
from engine.disk_cache.places import INDEX
from engine.errors import FileMissing, GraphInvalid, ModelFileInvalid
from engine.planning.forecast import forecast
from engine.planning.merging import Merger
from engine.reading.printable import printable
from schemas.batch import Forecast, Row
from schemas.report import Problem
from schemas.settings import Settings

MOST_ROWS = 10_000
"""Rows that are merged to be counted."""


def foretold(base: Base, combination: Combination, settings: Settings) -> tuple[list[Row], Forecast]:
    """The first MOST_ROWS rows, and what running them takes. Raises GraphInvalid for files that cannot be used."""
    rows = list(islice(combination.rows(), MOST_ROWS))
    session = api.Session(settings)
    merger = Merger(session.folders)
    wave = None if api.all_models_stay(settings) else LARGE_WAVE
    try:
        for row in rows:
            bound, targets = session.bound(base.workflow_of(row))
            merger.add(row.index - 1, bound, targets)
        with _known(settings) as known:
            return rows, forecast(merger.merged, session.folders, known.has, known.timings, wave)
    except (FileMissing, ModelFileInvalid) as error:
        fix = "Put it back, or choose another one."
        raise GraphInvalid([Problem(code="bad-file", said=printable(str(error)), fix=fix)]) from error


class _Known(Protocol):
    """What is known from before."""

    def has(self, key: str) -> bool:
        """Whether outputs are kept under that key."""

    def timings(self, shapes: Iterable[str]) -> Mapping[str, float]:
        """Seconds by shape."""


class _Nothing:
    """Known, if there is no cache."""

    def has(self, key: str) -> bool:
        """Never."""
        return False

    def timings(self, shapes: Iterable[str]) -> Mapping[str, float]:
        """None."""
        return {}


@contextmanager
def _known(settings: Settings) -> Iterator[_Known]:
    """The cache on disk, if there is one."""
    folder = settings.cache
    if not isinstance(folder, Path) or not (folder / INDEX).exists():
        yield _Nothing()
        return
    where = surroundings(accelerators.resolve(settings.device), settings.dtype)
    with closing(DiskCache(folder, settings.cache_size, where)) as cache:
        yield cache
