"""`comfyless cache`: what is kept on disk, what of it a graph would use, and letting go of some."""

import argparse
import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE, INVALID, worst
from engine.cli.options import READING, Verbs, add_files, add_manner, add_settings, settings_of, whole
from engine.cli.problems import tell
from engine.cli.table import table
from engine.errors import GraphInvalid
from schemas.quantities import size_text
from schemas.report import Problem

if TYPE_CHECKING:
    from engine import api
    from engine.cli.explained import Explained
    from engine.disk_cache.disk_cache import DiskCache, Line
    from schemas.settings import Settings

HELP = "list, explain or prune what is kept on disk"

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def add(verbs: Verbs) -> None:
    """Add the verb to the parser, with the verbs of its own."""
    said = "What nodes gave is kept on disk, for later processes: by watch and batch, and wherever --cache says so."
    parser = verbs.add_parser("cache", help=HELP, description=said, allow_abbrev=False)
    own = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = _add(own, "list", list_entries, "list the entries, those used last first")
    listing.add_argument("--limit", metavar="N", type=whole, help="show so many entries (default: all)")
    add_manner(listing, quiet=False)
    add_settings(listing, ("cache",))
    explaining = _add(own, "explain", explain, "tell for each step of a graph whether it is kept, and if not, why")
    add_files(explaining)
    add_manner(explaining, quiet=False)
    add_settings(explaining, (*READING, "device", "dtype", "cache"))
    pruning = _add(own, "prune", prune, "let go of what was used least recently, and of files left by accidents")
    pruning.add_argument("--older-than", metavar="AGE", type=_seconds, help="what was not used for 30d, 12h or 90m")
    pruning.add_argument("--all", action="store_true", help="everything")
    add_manner(pruning, quiet=True)
    add_settings(pruning, ("cache", "cache-size"))


def _add(own: Verbs, name: str, run: Any, help: str) -> argparse.ArgumentParser:
    parser = own.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.", allow_abbrev=False)
    parser.set_defaults(verb=run)
    return parser


def list_entries(arguments: argparse.Namespace) -> int:
    """List the entries, and how many there are."""
    console, folder = Console(), _folder(settings_of(arguments))
    lines = _lines(console, folder)
    shown = lines[: arguments.limit]
    total = sum(line.bytes for line in lines)
    if arguments.json:
        for line in shown:
            console.record({"event": "cache-entry", **asdict(line), "saved": line.hits * line.seconds})
        console.record({"event": "cache", "folder": str(folder), "entries": len(lines), "bytes": total})
        return DONE
    for row in listing(shown, time.time()):
        console.data(row)
    console.data(words.plain(f"{_entries(len(lines))}, {size_text(total)} in {folder}"))
    return DONE


def explain(arguments: argparse.Namespace) -> int:
    """Explain the steps of each file; 2 if one cannot run."""
    from engine.cli.loading import open_session

    settings = settings_of(arguments)
    folder = _folder(settings)
    arguments.cache = "off"  # planned as if nothing were kept, so that every step has its say
    session = open_session(arguments)
    console = Console()
    if not _exists(folder):
        console.note(words.plain(f"nothing is kept in {folder} yet"))
        return worst([_explain(console, arguments, session, None, file) for file in arguments.files])
    with closing(_opened(console, folder, settings)) as cache:
        return worst([_explain(console, arguments, session, cache, file) for file in arguments.files])


def prune(arguments: argparse.Namespace) -> int:
    """Let go of entries, and tell of how many."""
    console, settings = Console(arguments.quiet), settings_of(arguments)
    folder = _folder(settings)
    dropped, freed = 0, 0
    left: list[Line] = []
    if _exists(folder):
        with closing(_opened(console, folder)) as cache:
            dropped, freed = cache.prune(0 if arguments.all else settings.cache_size, arguments.older_than)
            left = cache.lines()
    total = sum(line.bytes for line in left)
    if arguments.json:
        told = {"event": "pruned", "folder": str(folder), "entries": dropped, "bytes": freed}
        console.record({**told, "entries_left": len(left), "bytes_left": total})
        return DONE
    gone = f"{_entries(dropped)} dropped, {size_text(freed)}"
    console.result(words.plain(f"{gone}; {len(left):,} left, {size_text(total)}, in {folder}"))
    return DONE


def listing(lines: "list[Line]", now: float) -> Iterator[str]:
    """The entries as a table. now: seconds since 1970."""
    head = ("class", "size", "used", "hits", "took", "saved")
    rows = [
        (
            line.class_type,
            size_text(line.bytes),
            f"{age_text(now - line.used)} ago",
            str(line.hits),
            words.seconds(line.seconds),
            words.seconds(line.hits * line.seconds),
        )
        for line in lines
    ]
    if rows:
        yield from table([head, *rows], right=(1, 2, 3, 4, 5))


def age_text(seconds: float) -> str:
    """A stretch of time in its largest unit: 5 s, 12 min, 3 h, 40 d. A clock that was set back makes it 0 s."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def _explain(
    console: Console, arguments: argparse.Namespace, session: "api.Session", cache: "DiskCache | None", file: str
) -> int:
    from engine.cli.explained import explained
    from engine.cli.loading import load

    try:
        workflow = load(file, arguments.sets, lambda name, said: console.note(words.plain(f"{name}: {said}")))
        plan = session.plan(workflow)
    except GraphInvalid as error:
        for problem in error.problems if arguments.json else ():
            console.record({"event": "problem", **problem.model_dump(mode="json")})
        if not arguments.json:
            tell(console.complain, console.terminal, file, error.problems)
        return INVALID
    steps = list(explained(plan.steps, cache, session.registry.find))
    if arguments.json:
        for step in steps:
            console.record({"event": "cache-step", "file": plan.file, **step.record()})
        return DONE
    states = [step.state for step in steps]
    told = [f"{states.count('kept')} kept", f"{states.count('run')} to run", f"{states.count('not needed')} not needed"]
    console.data(words.plain(f"{plan.file}: {words.count(len(steps), 'step')}, {', '.join(told)}"))
    for row in table([("node", "class", "state", "why"), *map(_cells, steps)], indent=2, right=(0,)):
        console.data(row)
    return DONE


def _cells(step: "Explained") -> tuple[str, str, str, str]:
    why = step.why
    if step.line is not None:
        made = age_text(time.time() - step.line.made)
        why = f"{size_text(step.line.bytes)}, made {made} ago in {words.seconds(step.line.seconds)}"
    return step.node, step.class_type, step.state, why


def _folder(settings: "Settings") -> Path:
    """The folder of the settings, or the usual one. Raises GraphInvalid if there is to be none."""
    from engine.disk_cache.places import default_folder

    if settings.cache == "off":
        said, fix = "cache: it is off, so there is nothing to tell about.", "Give a folder: --cache DIR."
        raise GraphInvalid([Problem(code="bad-setting", field="cache", found="off", said=said, fix=fix)])
    return default_folder() if settings.cache is None else settings.cache


def _exists(folder: Path) -> bool:
    from engine.disk_cache.places import INDEX

    return (folder / INDEX).is_file()


def _opened(console: Console, folder: Path, settings: "Settings | None" = None) -> "DiskCache":
    """The cache in a folder. settings: for whose surroundings; None: of whatever surroundings, to list and prune."""
    from engine import accelerators
    from engine.disk_cache.disk_cache import DiskCache, surroundings

    here = surroundings(accelerators.resolve(settings.device), settings.dtype) if settings else ""
    return DiskCache(folder, 0, here, lambda said: console.complain(words.plain(said)))


def _lines(console: Console, folder: Path) -> "list[Line]":
    if not _exists(folder):
        return []
    with closing(_opened(console, folder)) as cache:
        return cache.lines()


def _entries(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"


def _seconds(text: str) -> float:
    match = _AGE.fullmatch(text.strip().lower())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age such as 30d, 12h or 90m")
    return float(match[1]) * _UNITS[match[2]]
