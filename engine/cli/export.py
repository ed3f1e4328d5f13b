"""`comfyless export`: a graph in another form: API or the editor's format, a picture, or mermaid text for a README."""

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli import out_file, words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE, INVALID
from engine.cli.graph_file import check_place, text_of, write
from engine.cli.options import READING, Verbs, add_sets, add_settings, add_verb, settings_of
from engine.cli.problems import line_of, tell
from engine.cli.repeating import add_prompt_seed
from engine.errors import GraphInvalid
from schemas.report import Problem, RunReport

if TYPE_CHECKING:
    from engine.cli.drawn import Drawn
    from schemas.settings import Settings
    from schemas.workflow import Workflow

HELP = "write a graph in API format, as a picture or as mermaid text"
FORMS = ("api", "ui", "png", "mermaid")
TEXTS = {"api": "the API format", "ui": "the editor's format"}
ENDINGS = {".png": "png", ".mmd": "mermaid", ".mermaid": "mermaid", ".md": "mermaid"}
STANDARD_OUTPUT = "-"


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    said = (
        "Write a graph in another form: in API format, as a picture that looks as the editor does and carries the graph"
        " itself, or as mermaid text for a README."
    )
    parser = add_verb(verbs, export, HELP, said)
    parser.add_argument(
        "file", metavar="GRAPH", help="a workflow file or a picture that carries one; - is standard input"
    )
    parser.add_argument(
        "--to",
        metavar="FORM",
        choices=FORMS,
        help="api, ui (the editor's own form), png or mermaid (default: what OUT ends in, else api)",
    )
    parser.add_argument(
        "-o", metavar="OUT", dest="out", help="the file to write (default: standard output, but never for png; - is it)"
    )
    add_sets(parser)
    add_prompt_seed(
        parser, "choose from {a|b} in prompts by N; off leaves prompts as they are written (default: 0, as run does)"
    )
    parser.add_argument(
        "--report",
        metavar="JSON",
        help="for pictures: what `run --json` wrote, to show what failed, what was cached and what was saved",
    )
    parser.add_argument("--no-check", action="store_true", help="for pictures: do not look for problems to draw in red")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but what is wrong")
    add_settings(parser, READING)


def export(arguments: argparse.Namespace) -> int:
    """Export one graph; 2 if it is damaged or has no place."""
    console = Console(arguments.quiet)
    out = None if arguments.out == STANDARD_OUTPUT else arguments.out
    form = arguments.to or ENDINGS.get(Path(out or "").suffix.lower(), "api")
    try:
        _check_place(arguments, form, out)
        if form in TEXTS:
            _export_text(console, arguments, form, out)
        else:
            _export_drawing(console, arguments, form, out)
    except GraphInvalid as error:
        tell(console.complain, console.terminal, arguments.file, error.problems)
        return INVALID
    return DONE


def _check_place(arguments: argparse.Namespace, form: str, out: str | None) -> None:
    """Raise GraphInvalid before any work for what cannot be written there, or means nothing."""
    if form in TEXTS:
        for option, given in (("--report", arguments.report is not None), ("--no-check", arguments.no_check)):
            if given:
                said = f"{option} is for pictures, and this is {TEXTS[form]}."
                raise GraphInvalid(
                    [Problem(code="bad-setting", said=said, fix=f"Leave {option} out, or add --to png.")]
                )
        if out is not None:
            check_place(out)
        return
    from engine.cli.drawing_file import check_drawing_place

    if out is not None:
        check_drawing_place(out, form)
    elif form == "png" and (arguments.out is None or sys.stdout.isatty()):
        said = "a picture cannot be shown on a terminal."
        raise GraphInvalid([Problem(code="bad-setting", said=said, fix="Name a file with -o, or -o - for a pipe.")])


def _export_text(console: Console, arguments: argparse.Namespace, form: str, out: str | None) -> None:
    from engine.cli.loading import load
    from engine.editor.control import choosing

    settings = settings_of(arguments)
    workflow = load(
        arguments.file,
        arguments.sets,
        lambda name, said: console.note(words.plain(f"{name}: {said}")),
        settings=settings,
        options=choosing(arguments.prompt_seed),
    )
    for said in _unknown(workflow, settings):
        console.complain(words.plain(f"{workflow.name}: warning: {said}"))
    document = workflow.prompt.as_json() if form == "api" else _editors_graph(workflow)
    if out is None:
        console.data(text_of(document, console.unicode))
    else:
        write(Path(out), document)


def _editors_graph(workflow: "Workflow") -> dict[str, Any]:
    if workflow.workflow is None:
        said = "the file holds no editor's graph, only a prompt, which does not say where nodes stand."
        raise GraphInvalid([Problem(code="unsupported-format", said=said, fix="Export it with --to api.")])
    return workflow.workflow


def _unknown(workflow: "Workflow", settings: "Settings") -> list[str]:
    """A line for each class that nothing is known of."""
    from engine import api

    catalogue = api.catalogue(settings)
    found: dict[str, list[str]] = defaultdict(list)
    for name, node in workflow.prompt.nodes.items():
        if catalogue.find(node.class_type) is None:
            found[node.class_type].append(name)
    return [
        f"nothing is known of the class {kind!r} of {words.count(len(names), 'node')}, {', '.join(names[:4])}"
        f"{', …' if len(names) > 4 else ''}; exported as far as the file itself tells"
        for kind, names in found.items()
    ]


def _export_drawing(console: Console, arguments: argparse.Namespace, form: str, out: str | None) -> None:
    from engine.cli.drawn import draw
    from engine.editor.control import choosing
    from engine.reading.source import bytes_of

    options = choosing(arguments.prompt_seed)
    drawn = draw(arguments.file, bytes_of(arguments.file), arguments.sets, settings_of(arguments), options)
    for said in drawn.notes:
        console.note(words.plain(f"{arguments.file}: {said}"))
    _mark(console, arguments, drawn, form)
    data = _png(console, arguments, drawn) if form == "png" else _mermaid(drawn)
    if out is not None:
        out_file.write(Path(out), data, "the drawing")
    elif form == "png":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        console.data(data.decode().removesuffix("\n"))


def _mermaid(drawn: "Drawn") -> bytes:
    from engine.drawing.mermaid import mermaid

    return (mermaid(drawn.panels) + "\n").encode()


def _png(console: Console, arguments: argparse.Namespace, drawn: "Drawn") -> bytes:
    from engine.drawing.picture import paint
    from engine.drawing.saving import png

    picture = paint(drawn.panels)
    if picture.scale < 1:
        size = f"{picture.image.width} x {picture.image.height}"
        console.note(
            words.plain(f"{arguments.file}: drawn at {picture.scale:.0%} of its size, to fit into {size} pixels")
        )
    prompt = None if drawn.workflow is None else drawn.workflow.prompt.as_json()
    return png(picture.image, prompt, drawn.graph)


def _mark(console: Console, arguments: argparse.Namespace, drawn: "Drawn", form: str) -> None:
    """Bring what a run or the check found to the nodes; what belongs to none is said."""
    from engine.drawing import marks

    if arguments.report is not None:
        from engine.cli.drawing_file import read_report

        report = read_report(arguments.report, arguments.file)
        if Path(report.file).name != Path(arguments.file).name:
            console.note(words.plain(f"{arguments.file}: the report is on another file, {report.file}"))
        problems, found = report.problems, marks.marks_of(report)
        _say_homeless(console, arguments.file, report)
    elif arguments.no_check or form != "png":
        return
    else:
        problems = _problems(arguments, drawn)
        found = marks.by_problem(problems)
    lost = marks.apply(drawn.panels, found)
    for problem in problems:
        if problem.node is None or problem.node in lost:
            console.note(line_of(arguments.file, problem))
    red = sum(bool(mark.failed) for node, mark in found.items() if node not in lost)
    if red:
        console.note(words.plain(f"{arguments.file}: {words.count(red, 'node')} with problems drawn in red"))


def _say_homeless(console: Console, file: str, report: RunReport) -> None:
    if report.error and report.failed_node is None:
        console.note(words.plain(f"{file}: {report.error}"))


def _problems(arguments: argparse.Namespace, drawn: "Drawn") -> list[Problem]:
    """What `validate` finds."""
    if drawn.workflow is None:
        return drawn.refusal.problems if drawn.refusal else []
    from engine.cli.loading import open_session

    return open_session(arguments).validate(drawn.workflow)
