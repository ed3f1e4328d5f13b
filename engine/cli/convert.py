"""`comfyless convert`: a graph with its base model stored in another way, and nothing else changed."""

import argparse
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE, INTERRUPTED, INVALID
from engine.cli.graph_file import check_place, text_of, write
from engine.cli.interrupts import Interrupts
from engine.cli.options import Verbs, add_manner, add_settings, add_verb, settings_of
from engine.cli.problems import tell
from engine.cli.quantize import View, add_manner_of_making, check_importance, summary
from engine.errors import FileMissing, GraphInvalid, Interrupted, ModelFileInvalid, NotWritten
from schemas.conversion import Change, Conversion, FileNeeded, LoaderState
from schemas.report import Problem
from schemas.weight_types import parse

HELP = "exchange the base model of a graph for NF4, GGUF, fp8 or bf16"
TYPES = "nf4, gguf (which is gguf:Q8_0), gguf:Q4_K_S and the like, fp8, fp8:scaled, bf16, ..."


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    said = (
        "Rewrite only the node that loads the base model, in API format or the editor's own. All ids, positions, titles"
        " and links of everything else stay as they are, and converting back gives the original graph."
    )
    parser = add_verb(verbs, convert, HELP, said)
    parser.add_argument(
        "file", metavar="GRAPH", help="a workflow file or a picture that carries one; - is standard input"
    )
    parser.add_argument("--to", metavar="TYPE", required=True, help=f"how the weights are to be stored: {TYPES}")
    parser.add_argument(
        "-o", metavar="OUT", dest="out", help="the file to write the graph to (default: standard output)"
    )
    parser.add_argument(
        "--node", metavar="ID", dest="nodes", action="append", default=[], help="only this node (may be repeated)"
    )
    parser.add_argument(
        "--keep-checkpoint",
        action="store_true",
        help="to GGUF: keep the all-in-one file for text encoders and VAE instead of adding loaders of single files",
    )
    parser.add_argument("--weights", action="store_true", help="also make the model files that the new graph names")
    add_manner_of_making(parser)
    add_manner(parser)
    add_settings(parser, ("models", "extra-model-paths"))


def convert(arguments: argparse.Namespace) -> int:
    """Convert one graph; 2 if it cannot be."""
    from engine import api

    console = Console(arguments.quiet)
    try:
        if arguments.out is not None:
            check_place(arguments.out)
        _check_making(arguments)
        conversion = api.convert(
            arguments.file,
            arguments.to,
            settings_of(arguments),
            nodes=arguments.nodes,
            keep_checkpoint=arguments.keep_checkpoint,
        )
    except GraphInvalid as error:
        return _refuse(console, arguments, error)
    for line in () if arguments.json else diff(conversion, arguments.weights):
        console.note(words.plain(line))
    if arguments.weights:
        try:
            _make_weights(console, arguments, conversion)
        except GraphInvalid as error:
            return _refuse(console, arguments, error)
        except (Interrupted, KeyboardInterrupt):
            console.complain("comfyless: interrupted; the graph was not written")
            return INTERRUPTED
    if arguments.out:
        write(Path(arguments.out), conversion.document)
    if arguments.json:
        console.record(conversion.model_dump(mode="json", exclude={"document"} if arguments.out else None))
    elif not arguments.out:
        console.data(text_of(conversion.document, console.unicode))
    return DONE


def _refuse(console: Console, arguments: argparse.Namespace, error: GraphInvalid) -> int:
    if arguments.json:
        problems = [problem.model_dump(mode="json") for problem in error.problems]
        console.record({"event": "conversion", "file": arguments.file, "problems": problems})
    else:
        tell(console.complain, console.terminal, arguments.file, error.problems)
    return INVALID


def _check_making(arguments: argparse.Namespace) -> None:
    """Raise GraphInvalid for options of making files that would mean nothing."""
    given = [f"--{name}" for name in ("imatrix", "jobs") if getattr(arguments, name) is not None]
    if given and not arguments.weights:
        said = f"{' and '.join(given)}: no model file is made without --weights."
        raise GraphInvalid([Problem(code="bad-setting", said=said, fix="Add --weights.")])
    with suppress(ValueError):  # an unknown type is told by who converts
        check_importance(arguments.imatrix, parse(arguments.to))


def _make_weights(console: Console, arguments: argparse.Namespace, conversion: Conversion) -> None:
    """Make the files that are not there. Raises GraphInvalid for a source that is missing or cannot serve."""
    from engine import api

    shown = argparse.Namespace(**vars(arguments), report=None)
    view = View(console, shown)

    def begun(file: FileNeeded) -> None:
        console.note(words.plain(f"{_place(file)} is made from {file.source_folder}/{file.source}"))

    for file in conversion.files:
        if file.there:
            console.note(words.plain(f"{_place(file)} is there and is kept"))
    try:
        with Interrupts() as stop:
            for each in api.make_weights(
                conversion,
                settings_of(arguments),
                imatrix=arguments.imatrix,
                processes=arguments.jobs,
                begun=begun,
                told=view.progress,
                stop=stop,
            ):
                for line in () if arguments.json else summary(each):
                    console.note(words.plain(line))
                if arguments.json:
                    console.record({"event": "quantized", **each.model_dump(mode="json", exclude={"errors"})})
    except FileMissing as error:
        fix = "Put it there, or give its folder with --models."
        raise GraphInvalid([Problem(code="missing-file", found=error.name, said=str(error), fix=fix)]) from error
    except ModelFileInvalid as error:
        raise GraphInvalid([Problem(code="bad-file", said=f"{error.path} {error.said}", fix=error.fix)]) from error
    except NotWritten as error:
        raise GraphInvalid([Problem(code="bad-setting", said=str(error), fix="")]) from error


def diff(conversion: Conversion, weights: bool = False) -> Iterator[str]:
    """What was changed, node by node, and what is to be known besides. weights: whether missing files are made."""
    for change in conversion.changes:
        yield from _change(conversion.file, change)
    for said in conversion.said:
        yield f"{conversion.file}: {said}"
    missing = [file for file in conversion.files if not file.there]
    if missing and not weights:
        yield f"files that the new graph names and the model folders do not have: {', '.join(map(_place, missing))}"


def _change(file: str, change: Change) -> Iterator[str]:
    where = f" in {change.graph!r}" if change.graph else ""
    title = f" ({change.title})" if change.title else ""
    yield f"{file}: node {change.node}{title}{where}"
    yield f"- {_loader(change.before)}"
    yield f"+ {_loader(change.after)}"
    for loader in change.added:
        yield f"+ node {loader.node} {_loader(loader)}"
    for removed in change.removed:
        yield f"- node {removed}, which an earlier conversion had added"
    for (before, after), readers in _grouped(change).items():
        yield f"  links moved from {before} to {after}: {', '.join(map(_reader, readers))}"
    if change.stays:
        yield f"  links that stay: {', '.join(map(_reader, change.stays))}"
    yield f"  {change.said}"


def _reader(name: str) -> str:
    """What a link feeds: node and input, or where it leaves a subgraph, which files call node -20."""
    node, _, slot = name.partition(".")
    return f"output {slot} of the subgraph" if node == "-20" else name


def _grouped(change: Change) -> dict[tuple[str, str], list[str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for link in change.links:
        groups.setdefault((link.before, link.after), []).append(link.reader)
    return groups


def _loader(state: LoaderState) -> str:
    return f"{state.class_type}: " + ", ".join(f"{name} = {value}" for name, value in state.values.items())


def _place(file: FileNeeded) -> str:
    return f"{file.folder}/{file.name}"
