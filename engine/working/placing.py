"""Placing: what remains to be done on disk when a job has run, in steps that anyone can repeat after a crash.

Every name is chosen and written to the journal before a file gets it. So whoever finds an outcome in the journal can
tell a file that is there because of it from one that somebody else put there, and no picture is placed twice.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from engine.errors import NotWritten
from engine.running.output_names import Place, place_of
from engine.running.outputs import Kind
from engine.whole_files import passing_name, replacing, stamp_of
from engine.working.error_note import error_note
from engine.working.settling import bring, keep_names, settle, settle_across
from engine.working.staging import LONGEST_NAME
from schemas.job import Draft, Move, Outcome
from schemas.report import RunReport

DOUBLE_ENDINGS = (".report.json", ".error.txt")
"""Endings of what lies beside a graph, which a number goes before."""

Changed = Callable[[Outcome], None]
"""Told of an outcome in which a name has changed, to write it to the journal before it is acted upon."""


class Counters:
    """The last counter given to each place, so that a folder is not listed anew for every picture."""

    def __init__(self) -> None:
        """None is known."""
        self._last: dict[Place, int] = {}

    def next(self, place: Place) -> int:
        """The next counter, from 1; no other caller of this object gets it. Raises OSError."""
        last = self._last[place] if place in self._last else place.last_counter()
        self._last[place] = last + 1
        return last + 1

    def forget(self, place: Place) -> None:
        """Somebody else gives counters there too: look again."""
        self._last.pop(place, None)


def place(
    outcome: Outcome, roots: Mapping[Kind, Path], changed: Changed, counters: Counters | None = None
) -> RunReport:
    """Carry an outcome out; the job's report, naming pictures where they are now.

    roots: the folders that pictures are for. changed: called at least once before the first file gets its name, and
    again before each further change. Calling this again with the outcome that was told last does what is left to be
    done. Raises OSError if the disk is in the way, NotWritten for a picture that cannot have a place or is gone.
    """
    return _Placing(outcome, roots, changed, counters or Counters()).run()


def redirected(report: RunReport, paths: Mapping[str, str]) -> RunReport:
    """A report whose outputs are elsewhere now. paths: new by old."""
    outputs = {node: [paths.get(path, path) for path in found] for node, found in report.outputs.items()}
    return report.model_copy(update={"outputs": outputs})


class _Placing:
    """One outcome being carried out."""

    def __init__(self, outcome: Outcome, roots: Mapping[Kind, Path], changed: Changed, counters: Counters) -> None:
        self._outcome, self._roots, self._changed, self._counters = outcome, roots, changed, counters
        self._again = outcome.named
        self._touched: set[Path] = set()

    def run(self) -> RunReport:
        if not self._outcome.named:
            self._name()
        for draft in self._outcome.drafts:
            self._settle(draft)
        report = redirected(
            self._outcome.report, {draft.file: draft.final for draft in self._outcome.drafts if draft.final}
        )
        self._write_notes(report)
        if self._outcome.move is not None:
            self._move(self._outcome.move)
        keep_names(self._touched)
        if self._outcome.staging is not None and os.path.lexists(self._outcome.staging):
            shutil.rmtree(self._outcome.staging)
        return report

    def _name(self) -> None:
        """Choose all names at once, so that the journal is written once; it hears of the outcome in any case."""
        try:
            for draft in self._outcome.drafts:
                if draft.final is None:
                    draft.final = self._next_name(draft)
            _name_beside(self._outcome)
            self._outcome.named = True
        finally:
            self._changed(self._outcome)

    def _next_name(self, draft: Draft) -> str:
        if not os.path.exists(draft.file):
            raise NotWritten(f"the picture {draft.file} was removed before it got its name.")
        place = place_of(draft.name, self._roots[draft.kind])
        place.folder.mkdir(parents=True, exist_ok=True)
        return str(place.folder / place.file_name(draft.batch_index, self._counters.next(place)))

    def _settle(self, draft: Draft) -> None:
        """Give a draft its name. One that is neither here nor there was placed, and taken away since."""
        again = self._again
        while draft.final is not None and os.path.exists(draft.file):
            final = Path(draft.final)
            final.parent.mkdir(parents=True, exist_ok=True)
            try:
                settle(Path(draft.file), final, again)
                if draft.kind == "output":
                    self._touched.add(final.parent)
                return
            except FileExistsError:
                self._counters.forget(place_of(draft.name, self._roots[draft.kind]))
                draft.final, again = self._next_name(draft), False
                self._changed(self._outcome)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._bring(draft, final.parent)

    def _bring(self, draft: Draft, folder: Path) -> None:
        """Let the draft be a copy on the file system where its place is."""
        old, new = draft.file, str(bring(Path(draft.file), folder))
        self._outcome.report = redirected(self._outcome.report, {old: new})
        draft.file = new
        self._changed(self._outcome)

    def _write_notes(self, report: RunReport) -> None:
        outcome = self._outcome
        if outcome.report_file is not None:
            told = report.model_dump(mode="json") | {"seconds": round(outcome.seconds, 3)}
            self._write(Path(outcome.report_file), json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        if outcome.error_file is not None:
            self._write(Path(outcome.error_file), error_note(report, outcome))

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(text.encode("utf-8", "backslashreplace"))
        self._touched.add(path.parent)

    def _move(self, move: Move) -> None:
        """Move the graph's file, unless it is another one by now, or it was moved before.

        It leaves under a passing name first, and is looked at there: its writer may replace it at any moment, and what
        came instead of it has not run.
        """
        source, again = Path(move.source), self._again
        leaving = passing_name(source, source.parent)
        if not leaving.exists() and _stands(source, move.stamp):
            os.rename(source, leaving)
        if leaving.exists() and not _stands(leaving, move.stamp):
            _give_back(leaving, source)
        _keep_link(leaving)
        while leaving.exists():
            target = Path(move.target)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                settle_across(leaving, target, again)
                self._touched |= {source.parent, target.parent}
                return
            except FileExistsError:
                move.target, again = str(_free(target)), False
                self._changed(self._outcome)


def _stands(path: Path, stamp: str) -> bool:
    """Whether the file that was run is here. stamp: of it (see stamp_of); "" for whatever is here."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stamp in ("", stamp_of(found))


def _keep_link(path: Path) -> None:
    """Let a symbolic link hold wherever it is moved to: what it leads to may be told from the folder it is in."""
    if path.is_symlink() and not (leads := os.readlink(path)).startswith(os.sep) and path.exists():
        passing = passing_name(path, path.parent)
        passing.unlink(missing_ok=True)
        passing.symlink_to(path.parent / leads)
        os.replace(passing, path)


def _give_back(leaving: Path, source: Path) -> None:
    """Put a file that is not ours back, unless its writer has replaced it once more."""
    try:
        settle(leaving, source)
    except FileExistsError:
        leaving.unlink()


def _name_beside(outcome: Outcome) -> None:
    """Give graph, report and note one new number together if any of their names is taken: `NAME-2.json`."""
    paths = [outcome.move.target if outcome.move else None, outcome.report_file, outcome.error_file]
    wanted = [Path(path) for path in paths if path is not None]
    number = next(n for n in count(1) if not any(os.path.lexists(_numbered(path, n)) for path in wanted))
    if outcome.move is not None:
        outcome.move.target = str(_numbered(Path(outcome.move.target), number))
    if outcome.report_file is not None:
        outcome.report_file = str(_numbered(Path(outcome.report_file), number))
    if outcome.error_file is not None:
        outcome.error_file = str(_numbered(Path(outcome.error_file), number))


def _free(path: Path) -> Path:
    """The first numbered name that nothing has."""
    return next(found for n in count(2) if not os.path.lexists(found := _numbered(path, n)))


def _numbered(path: Path, number: int) -> Path:
    """`a/NAME.report.json` for 1, then `a/NAME-2.report.json`; a NAME that is too long for the disk is cut."""
    ending = next((each for each in DOUBLE_ENDINGS if path.name.endswith(each)), path.suffix)
    stem, more = path.name.removesuffix(ending), "" if number == 1 else f"-{number}"
    while len(os.fsencode(stem + more + ending)) > LONGEST_NAME:
        stem = stem[:-1]
    return path.with_name(stem + more + ending)
