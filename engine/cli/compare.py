"""`comfyless compare`: two graphs, or two finished runs, side by side on one page."""

import argparse
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import BY_STATUS, DONE, INVALID
from engine.cli.interrupts import Interrupts
from engine.cli.loading import load, open_session
from engine.cli.options import RUNNING, Verbs, add_manner, add_settings, add_verb, settings_of
from engine.cli.views import Lines, Records, View
from engine.errors import GraphInvalid
from schemas.report import Problem, RunReport

if TYPE_CHECKING:
    from engine import api
    from engine.comparing.comparison import Comparison
    from engine.comparing.rendering import Renderer
    from engine.comparing.sides import Side
    from schemas.workflow import Workflow

HELP = "show two graphs, or two finished runs, side by side"
PAGE = "comparison.html"
SAID = (
    "Render two graphs on the same seeds, or take pictures that are there already, and write one HTML page with both"
    " side by side: their difference, PSNR, SSIM, the error of the latents, time, memory, model files, and what differs"
    " between the graphs. Rendered pictures are on the page only."
)
SIDE = "a workflow file, a picture, a folder of pictures, or what run --json printed; - is a workflow on standard input"
SET = "change a value of {} first, as run --set does (may be repeated)"


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, compare, HELP, SAID)
    parser.add_argument("a", metavar="A", help=SIDE)
    parser.add_argument("b", metavar="B", help="the same")
    parser.add_argument(
        "--seeds", metavar="LIST", type=_seeds, default=(), help="0..3 or 1,5,9 (default: the graphs' own)"
    )
    for option, place in (("--set", "both graphs"), ("--set-a", "A"), ("--set-b", "B")):
        name = option.removeprefix("--").replace("set", "sets", 1).replace("-", "_")
        said = SET.format(place)
        parser.add_argument(option, metavar="NODE.FIELD=VALUE", dest=name, action="append", default=[], help=said)
    parser.add_argument("--render", action="store_true", help="run the graphs that pictures carry")
    parser.add_argument("-o", metavar="HTML", dest="page", type=Path, default=Path(PAGE), help=f"default: {PAGE}")
    parser.add_argument("--force", action="store_true", help="write over a file that is no such page")
    add_manner(parser)
    parser.add_argument("--verbose", action="store_true", help="tell of memory, and show tracebacks")
    add_settings(parser, tuple(name for name in RUNNING if name not in ("output", "temp")))


def compare(arguments: argparse.Namespace) -> int:
    """Render or read both sides, write the page, tell the numbers."""
    from engine.comparing.rendering import NotRendered

    console = Console(arguments.quiet)
    view = Records(console, arguments.quiet) if arguments.json else Lines(console, arguments.verbose, several=True)
    try:
        return _compare(arguments, console, view)
    except GraphInvalid as error:
        for file, found in groupby(error.problems, key=lambda problem: problem.file or "comfyless"):
            view.report(RunReport(file=file, status="invalid", problems=list(found)), took=0)
        return INVALID
    except NotRendered as error:
        view.report(error.report, took=0)
        return BY_STATUS[error.report.status]


def _compare(arguments: argparse.Namespace, console: Console, view: View) -> int:
    from engine.comparing.comparison import compared
    from engine.comparing.page import check_place, write_page

    check_place(arguments.page, arguments.force)
    a, b = _sides(arguments, console, view)
    comparison, pairs = compared(a, b)
    comparison.page = str(arguments.page.absolute())
    write_page(arguments.page, comparison, pairs)
    if arguments.json:
        console.record(comparison.model_dump(mode="json"))
    else:
        _tell(console, comparison)
    return DONE


def _seeds(text: str) -> tuple[int, ...]:
    from engine.comparing.seeds import parse

    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _sides(arguments: argparse.Namespace, console: Console, view: View) -> "tuple[Side, Side]":
    """Both sides. All that is wrong with either is found before anything is rendered."""
    a = _read(arguments, arguments.a, arguments.sets_a, view.note)
    b = _read(arguments, arguments.b, arguments.sets_b, view.note)
    with Interrupts() as stop:
        renderer, session = _renderer(arguments, view, stop)
        try:
            for side in (a, b):
                renderer.check(side, arguments.seeds)
            return renderer.side(a, arguments.seeds), renderer.side(b, arguments.seeds)
        finally:
            if arguments.verbose and session.failure:
                console.complain(session.failure)
            session.close()


def _renderer(arguments: argparse.Namespace, view: View, stop: Interrupts) -> "tuple[Renderer, api.Session]":
    """What renders, and the session that it does so in."""
    from engine.comparing.recording import Recorder
    from engine.comparing.rendering import Renderer
    from engine.plugins.registry import Registry

    recorder = Recorder(Registry.builtin())
    session = open_session(arguments, events=view.event, stop=stop, registry=recorder.registry)
    return Renderer(session, recorder), session


def _read(
    arguments: argparse.Namespace, name: str, sets: list[str], note: Callable[[str, str], None]
) -> "Side | Workflow":
    """A finished run, or the graph to run. Raises GraphInvalid, also where a finished run should be changed."""
    from engine.comparing.finished import finished

    side = None if arguments.render or name == "-" else finished(name)
    if side is None:
        return load(name, [*arguments.sets, *sets], note, settings=settings_of(arguments))
    asked = [*(["--seeds"] if arguments.seeds else []), *(["--set"] if arguments.sets or sets else [])]
    if asked:
        said = f"this is a finished run, and {' and '.join(asked)} can change graphs only."
        fix = f"Leave {' and '.join(asked)} out, or add --render to run the graph that a picture carries."
        raise GraphInvalid([Problem(code="not-comparable", file=name, said=said, fix=fix)])
    return side


def _tell(console: Console, comparison: "Comparison") -> None:
    from engine.comparing.words import facts_rows, pair_line

    for pair in comparison.pairs:
        console.result(words.plain(pair_line(pair)))
    for letter, at in (("A", 1), ("B", 2)):
        side = comparison.a if letter == "A" else comparison.b
        console.result(words.plain(f"{letter}: {side.name}"))
        for row in facts_rows(comparison.a, comparison.b):
            for line in row[at]:
                console.result(words.plain(f"   {row[0]}: {line}"))
    console.result(words.plain(f"→ {words.path(comparison.page or '')}"))
