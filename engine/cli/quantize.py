"""`comfyless quantize`: a model file in another weight type."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE, INTERRUPTED
from engine.cli.interrupts import Interrupts
from engine.cli.models import path_of
from engine.cli.options import PLACES, Verbs, add_manner, add_settings, add_verb, settings_of
from engine.cli.table import table
from engine.cli.views import REDRAWN, TOLD, bar
from engine.errors import ComfylessError, GraphInvalid, Interrupted, ModelFileInvalid, NotWritten
from engine.quantize.naming import EXTENSIONS
from schemas.quantities import size_text
from schemas.report import Problem
from schemas.weight_types import VARIANTS, WeightType, parse

if TYPE_CHECKING:
    from schemas.quantized import Progress, Quantized, TensorError

HELP = "store a model file in another weight type"
SAID = (
    "Store a model's weights in another type, tensor by tensor, and compare what was written with its source. From"
    " safetensors in 32, 16 or 8 bits, NF4 or GGUF, a transformer alone or an all-in-one file."
)
STANDARD_OUTPUT = "-"


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, quantize, HELP, SAID)
    parser.add_argument("model", metavar="MODEL", help="a path, or a name in any model folder")
    parser.add_argument("--to", metavar="TYPE", type=weight_type, required=True, help=types_said())
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="default: a name beside MODEL")
    parser.add_argument(
        "--report",
        metavar="FILE",
        nargs="?",
        const=STANDARD_OUTPUT,
        help="also tell the error of each tensor, as a table, or in a file: .json, else text",
    )
    add_manner_of_making(parser)
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    add_manner(parser)
    add_settings(parser, PLACES)


def add_manner_of_making(parser: argparse.ArgumentParser) -> None:
    """Take how files are made, beside their type."""
    parser.add_argument(
        "--imatrix", metavar="FILE", type=Path, help="GGUF: importance of the columns, from llama.cpp's imatrix"
    )
    parser.add_argument("--jobs", metavar="N", type=positive, help="processes (default: one per core, at most 8)")


def check_importance(path: Path | None, to: WeightType) -> None:
    """Raise GraphInvalid, before the long work, if there is no such importance matrix or nothing to use it for."""
    if path is None:
        return
    if to.format != "gguf":
        said, fix = f"--imatrix: an importance matrix is for GGUF; {to} knows none.", "Leave it out."
    elif not path.is_file():
        said, fix = f"--imatrix: {str(path)!r} is no file here.", "Check its name."
    else:
        return
    raise GraphInvalid([Problem(code="bad-setting", said=said, fix=fix)])


def weight_type(text: str) -> WeightType:
    """What --to names."""
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positive(text: str) -> int:
    """A number of processes."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


def types_said() -> str:
    """All types, for the help; the first of each format is what the format alone means."""
    others = (
        f"{name}:{' '.join(kinds)}" if len(kinds) > 1 else name for name, kinds in VARIANTS.items() if name != "gguf"
    )
    return f"{', '.join(others)}, gguf:{' '.join(VARIANTS['gguf'])} (the first is what a word alone means)"


def quantize(arguments: argparse.Namespace) -> int:
    """Make the file; 2 if the model cannot be stored so."""
    console = Console(arguments.quiet)
    view = View(console, arguments)
    try:
        _check_report(arguments.report)
        check_importance(arguments.imatrix, arguments.to)
        view.done(_made(arguments, view))
    except ModelFileInvalid as error:
        view.failed(error)
        raise GraphInvalid([Problem(code="bad-file", said=f"{error.path} {error.said}", fix=error.fix)]) from error
    except NotWritten as error:
        view.failed(error)
        raise GraphInvalid([Problem(code="bad-setting", said=str(error), fix="")]) from error
    except (Interrupted, KeyboardInterrupt):
        console.complain("comfyless: interrupted; nothing was written")
        return INTERRUPTED
    except ComfylessError as error:
        view.failed(error)
        raise
    return DONE


def _made(arguments: argparse.Namespace, view: "View") -> "Quantized":
    from engine import api

    source = path_of(arguments.model, api.model_files(settings_of(arguments)))
    with Interrupts() as stop:
        return api.quantize(
            source,
            arguments.to,
            arguments.output,
            imatrix=arguments.imatrix,
            processes=arguments.jobs,
            force=arguments.force,
            told=view.progress,
            stop=stop,
        )


def _check_report(name: str | None) -> None:
    """Raise GraphInvalid, before the long work, if the report has no place."""
    if name is None or name == STANDARD_OUTPUT:
        return
    path = Path(name)
    said, fix = f"--report: {name!r} is no file that can be written.", "Name a file in a folder that exists."
    if path.suffix.lower() in EXTENSIONS:
        said, fix = f"--report: {name!r} is called like a model.", "Name a .json or .txt file."
    elif not path.is_dir() and path.parent.is_dir():
        return
    raise GraphInvalid([Problem(code="bad-setting", said=said, fix=fix)])


class View:
    """What is shown on the way and at the end: JSON for programs, lines for people."""

    def __init__(self, console: Console, arguments: argparse.Namespace) -> None:
        """arguments: the verb's."""
        self._console, self._json, self._quiet = console, arguments.json, arguments.quiet
        self._report, self._to = arguments.report, str(arguments.to)
        self._told = time.monotonic()

    def progress(self, now: "Progress") -> None:
        """Show how far it is: a bar on a terminal, a line now and then elsewhere."""
        if self._quiet:
            return
        if self._json:
            self._console.record({"event": "progress", **now._asdict()})
            return
        clock, terminal = time.monotonic(), self._console.terminal
        if clock - self._told < (REDRAWN if terminal else TOLD):
            return
        self._told = clock
        left = f"  {words.seconds(now.left)} left" if now.left is not None else ""
        line = f"{self._to}  {bar(now.done, now.total)}  {size_text(now.done)} of {size_text(now.total)}{left}"
        (self._console.live if terminal else self._console.note)(line)

    def done(self, made: "Quantized") -> None:
        """Show what the new file holds."""
        if self._report not in (None, STANDARD_OUTPUT):
            Path(self._report).write_text(report_text(made, self._report), encoding="utf-8")
        shown = self._report == STANDARD_OUTPUT
        if self._json:
            self._console.record({"event": "quantized", **made.model_dump(mode="json", exclude=hidden(shown))})
            return
        for note in made.notes:
            self._console.note(words.plain(note))
        if shown:
            for line in table(error_rows(made.errors), right=(3, 4, 5)):
                self._console.data(line)
        for line in summary(made):
            self._console.result(line)

    def failed(self, error: ComfylessError) -> None:
        """Tell programs why there is no file; people are told by who catches the error."""
        if self._json:
            self._console.record({"event": "failed", "error": str(error)})


def hidden(shown: bool) -> set[str]:
    """Fields of the result that are left out of the record."""
    return set() if shown else {"errors"}


def report_text(made: "Quantized", name: str) -> str:
    """The report as a file's contents. name: its ending tells which form."""
    if name.lower().endswith(".json"):
        return made.model_dump_json(indent=1) + "\n"
    return "\n".join((*summary(made), *table(error_rows(made.errors), right=(3, 4, 5)), ""))


def error_rows(errors: "list[TensorError]") -> list[tuple[str, ...]]:
    """A table of all tensors."""
    head = ("tensor", "from", "to", "bytes", "relative error", "largest error")
    rows = [
        (row.name, row.source, row.stored, f"{row.bytes:,}", f"{row.relative:.2e}", f"{row.largest:.2e}")
        for row in errors
    ]
    return [head, *rows]


def summary(made: "Quantized") -> Iterator[str]:
    """Where the file is, how large, how long it took; for each type how many tensors and the worst error."""
    place = words.plain(words.path(made.path))
    yield f"{place}: {made.type}, {size_text(made.bytes)}, {words.seconds(made.seconds)}"
    rows = []
    for stored, count in made.tensors.items():
        worst = max((row for row in made.errors if row.stored == stored), key=lambda row: row.relative)
        where = f"({worst.name})" if worst.relative else ""
        error = f"error up to {worst.relative:.2%}" if worst.relative else "exact"
        rows.append((stored, words.count(count, "tensor"), error, where))
    yield from table(rows, indent=2, right=(1,))
