"""`comfyless batch`: one graph with many settings, planned as one; killed at any moment, it goes on where it was."""

import argparse
import csv
import gc
import shlex
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.console import Console
from engine.cli.exit_codes import DONE, FAILED, INTERRUPTED, INVALID
from engine.cli.interrupts import Interrupts
from engine.cli.options import RUNNING, Verbs, add_manner, add_sets, add_settings, add_verb, settings_of
from engine.cli.problems import tell
from engine.cli.repeating import NOTHING_CHANGES, add_repeating
from engine.cli.unattended import add_working, where_of
from engine.errors import GraphInvalid
from engine.reading.printable import shown
from schemas.report import Problem, RunReport

if TYPE_CHECKING:
    from engine.batching.base import Base
    from engine.batching.batch import Options, Tally
    from engine.batching.combine import Combination
    from engine.batching.request import Request
    from engine.batching.state import BatchFolder
    from engine.cli.queue_view import QueueView
    from schemas.settings import Settings

HELP = "run a graph with many settings"
SAID = (
    "Run a graph with many settings: rows of a file, lists of values each with each (--grid) or side by side (--zip),"
    " and repetitions, the last varying fastest. All rows are planned as one, so that what they share runs once. What"
    " became of each row is in OUTPUT/batches/NAME: manifest.jsonl, manifest.csv and contact_sheet.png. The same"
    " command again goes on: rows that are done stay, the others run."
)
NAMES = "a column is NODE.FIELD, as for --set"
_LISTS = ("sets", "maps", "grids", "zips")
_FOLDERS = ("models", "extra_model_paths", "object_info", "input", "output", "temp", "cache")
"""Settings that are paths, which mean the same from elsewhere only when they are absolute."""


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, batch, HELP, SAID)
    parser.add_argument("graph", metavar="GRAPH", nargs="?", help="a graph in any form that run takes")
    rows = parser.add_argument_group("rows")
    rows.add_argument(
        "--rows", metavar="FILE", type=Path, help=f"a .csv, .jsonl, .yaml or .json file of settings; {NAMES}"
    )
    rows.add_argument(
        "--map",
        metavar="NAME=NODE.FIELD",
        dest="maps",
        action="append",
        default=[],
        help="what a column of another name changes (may be repeated, also for one name)",
    )
    _add_lists(rows)
    add_sets(parser)
    add_repeating(parser)
    _add_manner_of_work(parser)
    add_manner(parser)
    parser.add_argument("--verbose", action="store_true", help="tell of steps and memory")
    add_settings(parser, RUNNING)


def _add_lists(rows: "argparse._ArgumentGroup") -> None:
    listed = 'a,b,"c, d", ranges such as 0..99 or 0..100..10, or @FILE with a value a line'
    for name, said in (("grid", f"each with each: {listed}"), ("zip", "lists of one length, side by side")):
        rows.add_argument(
            f"--{name}",
            metavar="NODE.FIELD=VALUES",
            dest=f"{name}s",
            action="append",
            default=[],
            help=f"{said} (may be repeated)",
        )


def _add_manner_of_work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show rows, what they share, loads, time and memory")
    parser.add_argument("--again", action="store_true", help="start over, in a new folder")
    parser.add_argument("--resume", metavar="FOLDER", type=Path, help="go on with the batch of this folder")
    parser.add_argument("--fail-fast", action="store_true", help="begin nothing more after a failure")
    add_working(parser, "row")
    parser.add_argument("--no-sheet", action="store_true", help="draw no contact sheet")
    parser.add_argument("--sheet-axes", metavar="X,Y", help="columns that the sheet shows across and down")


def batch(arguments: argparse.Namespace) -> int:
    """Run a batch, or show what it would do."""
    console = Console(arguments.quiet)
    try:
        return _batch(console, arguments)
    except GraphInvalid as error:
        _refuse(console, arguments, error)
        return INVALID
    except sqlite3.OperationalError as error:  # a full disk, as a rule: what is done stays, the rest waits
        console.complain(f"comfyless: the batch's journal cannot be written: {error}. The same command again goes on.")
        return FAILED


def _batch(console: Console, arguments: argparse.Namespace) -> int:
    _check(arguments)
    if arguments.resume is not None:
        return _resume(console, arguments)
    settings = _settings(arguments)
    request = _request(arguments)
    base = request.base(settings)
    combination = request.combination(base)
    if arguments.dry_run:
        combination.check()
        _remark(console, combination)
        return _forecast(console, arguments, base, combination, settings)
    folder = request.folder(combination, settings.output, _kept(arguments), again=arguments.again)
    _remark(console, combination)
    return _work(console, arguments, folder, base, settings)


def _resume(console: Console, arguments: argparse.Namespace) -> int:
    """Go on with a batch, with the settings of its first command where this one gives none."""
    from engine.batching.request import base_of
    from engine.batching.state import BatchFolder

    folder = BatchFolder(arguments.resume)
    for name, value in folder.recipe.options.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    settings = _settings(arguments)
    return _work(console, arguments, folder, base_of(folder, settings), settings)


def _check(arguments: argparse.Namespace) -> None:
    """Raise GraphInvalid for options that say nothing together."""
    rows = [f"--{name.removesuffix('s')}" for name in _LISTS if getattr(arguments, name)]
    rows += [f"--{name}" for name in ("rows", "control") if getattr(arguments, name)]
    rows += ["--repeat"] if arguments.repeat != 1 else []
    rows += ["--prompt-seed"] if arguments.prompt_seed is not None else []
    rows += [name for name, given in (("--again", arguments.again), ("--dry-run", arguments.dry_run)) if given]
    if arguments.resume is None and arguments.graph is None:
        raise _bad("there is no graph.", "Name one, or a batch's folder with --resume.")
    if arguments.resume is not None and (arguments.graph is not None or rows):
        other = shown(arguments.graph) if arguments.graph is not None else rows[0]
        raise _bad(f"--resume goes on with a batch as it is; {other} changes it.", "Leave out one of the two.")


def _settings(arguments: argparse.Namespace) -> "Settings":
    """As given, with a cache on disk unless it is off."""
    from engine.disk_cache.places import with_cache

    return with_cache(settings_of(arguments))


def _request(arguments: argparse.Namespace) -> "Request":
    """The graph and its rows, as the command says."""
    from engine.batching.request import Request
    from engine.reading.source import bytes_of

    names = ("sets", "maps", "rows", "grids", "zips", "repeat", "prompt_seed", "control")
    given = {name: getattr(arguments, name) for name in names}
    return Request(bytes_of(arguments.graph), arguments.graph, **given)


def _remark(console: Console, combination: "Combination") -> None:
    """Tell what of the command does nothing."""
    if combination.unchanging():
        console.note(NOTHING_CHANGES)
    for name in combination.unused():
        console.note(f"--map {shown(name)}: no column of the rows and no list has this name")


def _kept(arguments: argparse.Namespace) -> dict[str, Any]:
    """Settings that the command was given, for --resume from wherever it is called."""
    given = {name: getattr(arguments, name) for name in (each.replace("-", "_") for each in RUNNING)}
    return {name: _absolute(name, value) for name, value in given.items() if value is not None}


def _absolute(name: str, value: Any) -> Any:
    if name not in _FOLDERS or value == "off":
        return value
    if isinstance(value, list):
        return [_absolute(name, each) for each in value]
    return str(Path(value).expanduser().absolute())


def _work(
    console: Console, arguments: argparse.Namespace, folder: "BatchFolder", base: "Base", settings: "Settings"
) -> int:
    from engine.batching.batch import opened, work
    from engine.cli.queue_view import QueueView

    options, rows = _options(arguments, folder), folder.recipe.rows
    gc.freeze()  # what is there now stays: see engine.cli.main
    gc.enable()
    with Interrupts() as stop, opened(folder, base, settings) as held:
        before = held.journal.counts()["done"]
        view = QueueView(console, arguments.json, arguments.quiet, arguments.verbose, total=rows, begun=before)
        _greet(view, base, folder, before)
        tally = work(held, options, view, stop)
        view.summary(tally.done, tally.failed, tally.waiting)
        if stop() and tally.waiting:
            view.note(f"to go on: comfyless batch --resume {shlex.quote(str(folder.path))}")
            return INTERRUPTED
    return _code(view, folder, tally)


def _greet(view: "QueueView", base: "Base", folder: "BatchFolder", before: int) -> None:
    rows = folder.recipe.rows
    if before == rows:
        view.note(f"all {rows:,} rows are done: {folder.path} (--again starts over)")
        return
    for said in base.notes:
        view.note(f"{folder.recipe.name}: {said}")
    if before:
        view.note(f"resuming: {before:,} of {rows:,} rows are done")
    view.note(f"batch folder: {folder.path}")


def _code(view: "QueueView", folder: "BatchFolder", tally: "Tally") -> int:
    if not tally.failed and not tally.waiting:
        return DONE
    again = f"comfyless batch --resume {shlex.quote(str(folder.path))}"
    view.note(f"to run what failed or waits: {again}")
    return FAILED


def _options(arguments: argparse.Namespace, folder: "BatchFolder") -> "Options":
    """How to run, as the command says. Raises GraphInvalid for axes that no row has a setting for."""
    from engine.batching.batch import Options

    axes = None
    if arguments.sheet_axes is not None:
        names = [name for line in csv.reader([arguments.sheet_axes]) for name in line]
        known = dict.fromkeys(name for row in folder.rows() for name in row.settings)
        if not 1 <= len(names) <= 2 or not all(name in known for name in names):
            said = f"--sheet-axes: {shown(arguments.sheet_axes)} does not name one column or two of these rows."
            raise _bad(said, f"They have {', '.join(map(shown, known)) or 'none'}.")
        axes = (names[0], names[1] if len(names) > 1 else None)
    return Options(
        fail_fast=arguments.fail_fast,
        retries=arguments.retries,
        where=where_of(arguments),
        sheet=not arguments.no_sheet,
        axes=axes,
        crashes=arguments.crashes,
    )


def _forecast(
    console: Console, arguments: argparse.Namespace, base: "Base", combination: "Combination", settings: "Settings"
) -> int:
    """Show what the batch would do; nothing is written."""
    from engine.batching.foretelling import foretold
    from engine.cli import forecast_lines

    rows, forecast = foretold(base, combination, settings)
    if forecast.rows < combination.total:
        console.note(f"counted on the first {forecast.rows:,} of {combination.total:,} rows")
    if arguments.json:
        console.record(forecast_lines.as_json(forecast))
        return DONE
    for line in forecast_lines.lines_of(base.workflow.name, forecast, [(row.index, row.settings) for row in rows]):
        console.data(line)
    return DONE


def _refuse(console: Console, arguments: argparse.Namespace, error: GraphInvalid) -> None:
    """Tell why nothing could start, each problem under the name of its own file."""
    if arguments.json:
        file = arguments.graph or str(arguments.resume or "")
        console.record(RunReport(file=file, status="invalid", problems=error.problems).model_dump(mode="json"))
        return
    by_file: dict[str, list[Problem]] = {}
    for problem in error.problems:
        by_file.setdefault(problem.file or "comfyless", []).append(problem)
    for file, problems in by_file.items():
        tell(console.complain, console.terminal, file, problems)


def _bad(said: str, fix: str) -> GraphInvalid:
    return GraphInvalid([Problem(code="bad-setting", said=said, fix=fix)])
