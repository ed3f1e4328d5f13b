"""`comfyless watch`: graphs dropped into a folder run, one after the other, until somebody wants to stop."""

import argparse
import gc
import math
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.console import Console
from engine.cli.exit_codes import DONE, FAILED, INTERRUPTED
from engine.cli.interrupts import Interrupts
from engine.cli.options import RUNNING, Verbs, add_manner, add_settings, add_verb, settings_of
from engine.cli.unattended import add_working, where_of
from engine.cli.words import count

if TYPE_CHECKING:
    from engine.watching.watch import Options

HELP = "run what is put into a folder, and put it away"
SAID = (
    "Run each graph that is put into a folder or its subfolders, as soon as it is whole, then move it to FOLDER/done or"
    " FOLDER/failed, with NAME.report.json beside it, and for failures NAME.error.txt. Several may watch one folder."
    " Killed at any moment, it goes on where it was. Ctrl-C or SIGTERM ends it with the sampler's next step, and the"
    " graph is put back; the exit code is 0, with --once 130. Exit code 1: with --once, if a graph failed."
)
POLL, SETTLE = 1.0, 2.0
"""Seconds."""


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, watch, HELP, SAID)
    parser.add_argument(
        "folder", metavar="FOLDER", type=named, help="where graphs come: JSON, or pictures with a graph"
    )
    parser.add_argument("--once", action="store_true", help="run what is there, then end")
    parser.add_argument(
        "--poll",
        metavar="SECONDS",
        type=seconds,
        nargs="?",
        const=POLL,
        help="look again and again, for network mounts that tell of no changes (alone: every second)",
    )
    parser.add_argument(
        "--settle",
        metavar="SECONDS",
        type=seconds,
        default=SETTLE,
        help="how long a file that seems unfinished must rest before it is taken as it is (default: 2)",
    )
    parser.add_argument("--by-model", action="store_true", help="run graphs of models that are loaded before others")
    parser.add_argument("--per-graph", action="store_true", help="put each graph's pictures into a folder of its name")
    parser.add_argument("--state", metavar="DIR", type=Path, help="keep the journal here (default: FOLDER/.comfyless)")
    add_working(parser, "graph")
    add_manner(parser)
    parser.add_argument("--verbose", action="store_true", help="tell of steps and memory")
    add_settings(parser, RUNNING)


def watch(arguments: argparse.Namespace) -> int:
    """Watch until the end. An endless watch that was asked to stop has done what it should."""
    from engine.cli.queue_view import QueueView
    from engine.watching.watch import watch as watch_folder

    view = QueueView(Console(arguments.quiet), arguments.json, arguments.quiet, arguments.verbose)
    if not (arguments.once or arguments.json):
        view.note(f"watching {arguments.folder}; Ctrl-C ends it")
    settings = settings_of(arguments)
    gc.freeze()  # what is there now stays: see engine.cli.main
    gc.enable()
    with Interrupts() as stop:
        tally = watch_folder(arguments.folder, settings, options_of(arguments), view, stop)
        view.summary(tally.done, tally.failed, tally.waiting)
        if tally.unplaced:
            view.note(
                f"the disk did not take the results of {count(tally.unplaced, 'graph')}; the next watch tries again"
            )
            return FAILED
        if stop():
            return INTERRUPTED if arguments.once else DONE
    return FAILED if tally.failed else DONE


def options_of(arguments: argparse.Namespace) -> "Options":
    """How to watch, as the command says."""
    from engine.watching.watch import Options

    names = ("state", "once", "poll", "settle", "by_model", "per_graph", "retries", "crashes")
    return Options(**{name: getattr(arguments, name) for name in names}, where=where_of(arguments))


def named(text: str) -> Path:
    """A folder; an empty name, as of a variable that was not set, is not this one."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty. Name a folder.")
    return Path(text)


def seconds(text: str) -> float:
    """A length of time."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds. Give a number from 0.")
    return value
