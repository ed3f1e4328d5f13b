"""`comfyless replay`: what made a picture is run again, and it is told whether the same comes out, or what differs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE, FAILED, INTERRUPTED, INVALID, worst
from engine.cli.interrupts import Interrupts
from engine.cli.loading import open_session
from engine.cli.options import READING, Verbs, add_manner, add_settings, add_verb
from engine.cli.problems import tell
from engine.cli.views import Lines, Records, View
from engine.errors import GraphInvalid
from schemas.report import Event, RunReport, Saved

if TYPE_CHECKING:
    from engine.replaying.replaying import Replay, Replayer

HELP = "run again what made a picture, and compare"
SAID = (
    "Run the graph in a picture again, exactly as it ran, and say whether the same picture comes out, bit by bit, or"
    " what differs: the version, the device, a model file, the first node that gives other numbers, the pixels. Nothing"
    " is taken from caches. Exit code: 0 identical, 1 different, 2 not to be replayed."
)


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, replay, HELP, SAID)
    parser.add_argument("pictures", metavar="PICTURE", nargs="+", help="as comfyless or ComfyUI saved it; - is input")
    said = "keep the new pictures in this folder (default: they are only compared)"
    parser.add_argument("--output", metavar="DIR", dest="keep", type=Path, help=said)
    add_manner(parser)
    parser.add_argument("--verbose", action="store_true", help="tell of memory, and show tracebacks")
    add_settings(parser, (*READING, "device", "dtype", "threads", "ram", "vram"))


def replay(arguments: argparse.Namespace) -> int:
    """Replay every picture; the worst exit code."""
    from engine.replaying.replaying import Replayer
    from engine.running.outputs import OutputFolder

    console = Console(arguments.quiet)
    several = len(arguments.pictures) > 1
    view = Records(console, arguments.quiet) if arguments.json else Lines(console, arguments.verbose, several)
    keep: Path | None = arguments.keep

    def told(event: Event) -> None:
        if keep is not None or not isinstance(event, Saved):  # what was not kept was not saved
            view.event(event)

    arguments.cache, arguments.memory_cache = "off", "0"  # what was computed before proves nothing
    with Interrupts() as stop:
        session = open_session(arguments, events=told, stop=stop)
        replayer = Replayer(session, None if keep is None else OutputFolder(keep, keep), told)
        return worst([_replay(arguments, console, view, replayer, file, stop) for file in arguments.pictures])


def _replay(
    arguments: argparse.Namespace, console: Console, view: View, replayer: "Replayer", file: str, stop: Interrupts
) -> int:
    """Replay one picture and say what came of it."""
    if stop():
        return INTERRUPTED
    try:
        found = replayer.replay(file)
    except GraphInvalid as error:
        if arguments.json:
            report = RunReport(file=file, status="invalid", problems=error.problems).model_dump(mode="json")
            console.record({"event": "replay", "file": file, "identical": None, "report": report})
        else:
            tell(console.complain, console.terminal, file, error.problems)
        return INVALID
    if arguments.verbose and replayer.failure:
        console.complain(replayer.failure)
    if arguments.json:
        console.record(found.model_dump(mode="json"))
    elif found.identical is None:
        view.report(found.report, found.seconds)
    else:
        say = console.result if found.identical else console.data
        say(words.plain(line_of(found)))
    return _code(found)


def line_of(replay: "Replay") -> str:
    """`bit-identical: portrait.png (1024×1024, 11 steps, 34.1 s)`, or what differs.

    Where that line says more than one thing, the most telling comes first.
    """
    facts = [f"{replay.width}×{replay.height}", words.count(len(replay.report.steps), "step")]
    file = f"{replay.file} ({', '.join([*facts, words.seconds(replay.seconds)])})"
    kept = f" → {words.path(replay.picture)}" if replay.picture else ""
    told = [difference.said for difference in replay.differences]
    if replay.identical:
        although = f", although {'; '.join(told)}" if told else ""
        return f"bit-identical: {file}{although}{_also(replay)}{kept}"
    if replay.lossy:
        told.insert(0, "a lossy file cannot be bit-identical")
    return f"differs: {file}: {'; '.join(told)}{_also(replay)}{kept}"


def _also(replay: "Replay") -> str:
    return "".join(f"; {note}" for note in replay.notes)


def _code(replay: "Replay") -> int:
    if replay.identical is None:
        return INTERRUPTED if replay.report.status == "interrupted" else INVALID
    return DONE if replay.identical else FAILED
