"""Request: what a batch is asked to do, as the command line or a program says it: one graph, and what its rows are.

    request = Request(data, "portrait.json", grids=["KSampler.seed=0..99"])
    base = request.base(settings)
    folder = request.folder(request.combination(base), settings.output)
    with opened(folder, base, settings) as batch:
        tally = work(batch, Options(), listener, stop)

The last two lines are of engine.batching.batch.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.batching import rows, state
from engine.batching.base import Base
from engine.batching.combine import Combination
from engine.batching.grid import axes_of
from engine.batching.mapping import Columns
from engine.batching.state import BatchFolder
from schemas.batch import Recipe
from schemas.settings import Settings

PICTURES = frozenset({".png", ".webp", ".jpg", ".jpeg"})
"""Endings that a graph keeps in its batch's folder; every other file is JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """A graph and what its rows are. data: the graph's file; name: it was named.

    sets: NODE.FIELD=VALUE, for every row. rows: a file of settings. maps: NAME=NODE.FIELD, for its columns. grids,
    zips: NODE.FIELD=VALUES, each with each and side by side. repeat: runs of each row. prompt_seed, control: as for
    `run --repeat`.
    """

    data: bytes
    name: str
    sets: Sequence[str] = ()
    maps: Sequence[str] = ()
    rows: Path | None = None
    grids: Sequence[str] = ()
    zips: Sequence[str] = ()
    repeat: int = 1
    prompt_seed: int | Literal["off"] | None = None
    control: str | None = None

    def base(self, settings: Settings) -> Base:
        """The graph with what changes it in every row. Raises GraphInvalid."""
        return Base(self.data, self.name, self.sets, mode=self.control, prompt_seed=self.prompt_seed, settings=settings)

    def combination(self, base: Base) -> Combination:
        """All rows. Raises GraphInvalid for a file and for lists that cannot be read, or do not fit the graph."""
        columns = Columns(base, self.maps)
        table = rows.read(self.rows) if self.rows is not None else None
        zips = axes_of(self.zips, "--zip", columns.knows)
        grids = axes_of(self.grids, "--grid", columns.knows)
        seed = self.prompt_seed if isinstance(self.prompt_seed, int) else random.SystemRandom().getrandbits(48)
        return Combination(base, columns, table, zips, grids, self.repeat, seed)

    def folder(
        self, combination: Combination, output: Path, options: Mapping[str, Any] | None = None, *, again: bool = False
    ) -> BatchFolder:
        """The batch's folder below `output`, made if this request is new, or is to be done `again`.

        options: settings that the folder keeps. What was judged when it was made may have gone since: then the rows
        that need it fail, and the others go on. Raises GraphInvalid with what is wrong with the rows of a new one.
        """
        ending = Path(self.name).suffix.lower()
        recipe = Recipe(
            name=self.name,
            graph=f"graph{ending if ending in PICTURES else '.json'}",
            sets=list(self.sets),
            prompt_seed=self.prompt_seed,
            control=self.control,
            rows=combination.total,
            options=dict(options or {}),
        )
        parts = (list(self.sets), self.prompt_seed, self.control, list(self.maps), combination.meaning())
        key = state.identity(self.data, *parts)
        if again or state.found(output, self.name, key) is None:
            combination.check()
        return state.obtain(output, key, recipe, self.data, combination.rows(), again=again)


def base_of(folder: BatchFolder, settings: Settings) -> Base:
    """The graph of a batch that goes on. Raises GraphInvalid."""
    recipe = folder.recipe
    known = Request(folder.graph, recipe.name, recipe.sets, prompt_seed=recipe.prompt_seed, control=recipe.control)
    return known.base(settings)
