"""State: a batch's folder: the graph, its rows, how to go on with them, and the journal of what became of them.

    OUTPUT/batches/portrait-1f2e3d4c/    the graph's name, and a hash of everything that makes the rows what they are
        recipe.json  graph.json  rows.jsonl        made together, never changed
        journal.sqlite  batch.lock                 who runs what
        manifest.jsonl  manifest.csv  contact_sheet.png

The same command finds its folder again. The folder is there whole or not at all: it is made under a passing name.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from engine.errors import GraphInvalid
from engine.journal.journal import Journal, NewJob
from engine.reading.printable import printable, shown
from engine.whole_files import write_new
from schemas.batch import Recipe, Row
from schemas.report import Problem

BATCHES = "batches"
RECIPE, ROWS, JOURNAL, LOCK = "recipe.json", "rows.jsonl", "journal.sqlite", "batch.lock"
MAKING = ".making.lock"
"""Held while a folder is made, so that one command given twice makes one."""
LONGEST_STEM = 40
_ODD = re.compile(r"[^\w-]+")
_PASSING = ".making-"


class BatchFolder:
    """One batch on disk."""

    def __init__(self, path: Path) -> None:
        """Read how to go on. Raises GraphInvalid for what is no batch's folder."""
        self.path = path
        try:
            text = (path / RECIPE).read_bytes()
            self.recipe = Recipe.model_validate_json(text)
            self.graph = (path / self.recipe.graph).read_bytes()
        except FileNotFoundError as error:
            what = (
                "does not exist"
                if not path.exists()
                else f"is no batch's folder: it has no {Path(error.filename).name}"
            )
            raise _refused(path, f"{what}.", "Name a folder that comfyless batch has made.") from None
        except (OSError, ValidationError) as error:
            said = getattr(error, "strerror", None) or "its recipe is damaged, or of a newer comfyless"
            raise _refused(path, f"cannot be read: {said}.", "Give the batch's first command again.") from None

    def rows(self) -> Iterator[Row]:
        """Every row, in order."""
        with (self.path / ROWS).open("rb") as file:
            for line in file:
                yield Row.model_validate(json.loads(line))

    def row(self, text: str) -> Row:
        """A row from a job's payload."""
        return Row.model_validate(json.loads(text))

    @contextmanager
    def open(self) -> Iterator[Journal]:
        """The journal, for one process at a time. Raises GraphInvalid if another one is at it."""
        try:
            with FileLock(self.path / LOCK, timeout=0), Journal(self.path / JOURNAL) as journal:
                yield journal
        except Timeout:
            fix = f"Wait for it to end, or look at it: comfyless status {printable(str(self.path))}"
            raise _refused(self.path, "is at work in another process.", fix) from None

    def queue(self, journal: Journal, group: Callable[[Row], str]) -> None:
        """Queue the rows, unless they are; those that failed wait again. group: which models a row uses, as a text."""
        if not any(journal.counts().values()):
            journal.add(NewJob(name_of(row.index), _text(row), group(row)) for row in self.rows())
        journal.again()


def name_of(row: int) -> str:
    """What a row's job is called: row-000001."""
    return f"row-{row:06}"


def identity(graph: bytes, *parts: Any) -> str:
    """Eight hexadecimal digits that change with the graph and with what makes its rows. parts: what JSON can say."""
    digest = hashlib.sha256(graph)
    digest.update(json.dumps(parts, sort_keys=True).encode())
    return digest.hexdigest()[:8]


def obtain(
    output: Path, key: str, recipe: Recipe, graph: bytes, rows: Iterable[Row], *, again: bool = False
) -> BatchFolder:
    """The folder of a batch, made if there is none. key: its `identity`. again: make another one beside it.

    Raises OSError if the disk refuses, and what `rows` raises; then nothing was made.
    """
    first = _first(output, recipe.name, key)
    first.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(first.parent / MAKING):
        there = found(output, recipe.name, key)
        if there is not None and not again:
            return BatchFolder(there)
        for left in first.parent.glob(f"{_PASSING}*"):  # by a process that was killed: nobody else holds the lock
            shutil.rmtree(left)
        return BatchFolder(_made(first, recipe, graph, rows))


def found(output: Path, name: str, key: str) -> Path | None:
    """The folder of a batch, the newest of several."""
    first = _first(output, name, key)
    there = [first, *sorted(first.parent.glob(f"{first.name}-*"), key=_number)]
    return next((path for path in reversed(there) if (path / RECIPE).exists()), None)


def _made(first: Path, recipe: Recipe, graph: bytes, rows: Iterable[Row]) -> Path:
    """A new folder, whole, under the first name that is free."""
    passing = first.with_name(f"{_PASSING}{first.name}")
    passing.mkdir()
    try:
        write_new(passing / recipe.graph, [graph], durable=True)
        write_new(passing / ROWS, (f"{_text(row)}\n".encode() for row in rows), durable=True)
        write_new(passing / RECIPE, [recipe.model_dump_json(indent=2).encode()], durable=True)
        for number in count(1):
            path = first if number == 1 else first.with_name(f"{first.name}-{number}")
            if not path.exists():
                passing.rename(path)
                break
        return path
    except BaseException:
        shutil.rmtree(passing, ignore_errors=True)
        raise


def _first(output: Path, name: str, identity: str) -> Path:
    stem = _ODD.sub("_", Path(name).stem)[:LONGEST_STEM].strip("_-") or "graph"
    return output / BATCHES / f"{stem}-{identity}"


def _number(path: Path) -> int:
    number = path.name.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdecimal() else 0


def _text(row: Row) -> str:
    """By json: pydantic's own writer refuses halves of surrogate pairs."""
    return json.dumps(row.model_dump(), separators=(",", ":"))


def _refused(path: Path, said: str, fix: str) -> GraphInvalid:
    told = f"{shown(str(path))} {said}"
    return GraphInvalid([Problem(code="bad-setting", file=printable(str(path)), said=told, fix=fix)])
