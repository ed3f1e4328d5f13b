"""`comfyless nodes`: the node classes there are, everything about one, or those that a graph has."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from engine.cli import inputs_table, known_nodes, used_nodes, words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE, INVALID, worst
from engine.cli.inputs_table import span, stated
from engine.cli.options import Verbs, add_manner, add_settings, add_verb, settings_of
from engine.cli.problems import tell
from engine.cli.table import table
from engine.errors import GraphInvalid
from engine.plugins.nearest import Nearest
from schemas.report import Problem

if TYPE_CHECKING:
    from schemas.node import InputSpec, NodeSpec
    from schemas.node_schema import NodeSchema
    from schemas.settings import Settings

    Described = TypeVar("Described", NodeSpec, NodeSchema)

HELP = "list node classes, describe one, or tell which ones a graph has"


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    said = "List the node classes that graphs may use, describe some, or tell which ones a graph has and which can run."
    parser = add_verb(verbs, nodes, HELP, said)
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="a node class, the name an editor shows for it, or a workflow file: its classes",
    )
    add_manner(parser, quiet=False)
    add_settings(parser, ("object-info",))


def nodes(arguments: argparse.Namespace) -> int:
    """List them all, or tell of each that is named."""
    from engine import api

    console, specs = Console(), api.nodes()
    if not arguments.names:
        for spec in specs if arguments.json else ():
            console.record(record_of(spec))
        for line in () if arguments.json else listing(specs):
            console.data(line)
    settings = settings_of(arguments)
    return worst([_tell(console, specs, name, settings, arguments.json) for name in arguments.names])


def _tell(console: Console, specs: "Sequence[NodeSpec]", name: str, settings: "Settings", as_json: bool) -> int:
    """Tell of a class, or of the classes of a file; 2 for what is neither, which does not stop the next."""
    try:
        spec = _named(specs, name)
        if spec is None and used_nodes.is_file_name(name):
            workflow, found = used_nodes.read(
                name, lambda file, said: console.note(words.plain(f"{file}: {said}")), settings
            )
            records, lines = used_nodes.records_of(workflow, found), used_nodes.lines_of(workflow, found)
        elif spec is not None:
            records, lines = iter([record_of(spec)]), description(spec)
        else:
            schema = _known(specs, name, settings)
            records, lines = iter([known_nodes.record_of(schema)]), known_nodes.description(schema)
    except GraphInvalid as error:
        tell(console.complain, console.terminal, _about(name, error), error.problems)
        return INVALID
    for record in records if as_json else ():
        console.record(record)
    for line in () if as_json else lines:
        console.data(line)
    return DONE


def _about(name: str, error: GraphInvalid) -> str:
    """What a refusal is about: the file, or the command."""
    return "comfyless" if any(problem.code == "unknown-class" for problem in error.problems) else name


def _named(specs: "Iterable[Described]", name: str) -> "Described | None":
    """The class of that name, letters of any case."""
    wanted = name.casefold()
    either = (spec for spec in specs if wanted in (spec.class_type.casefold(), spec.display_name.casefold()))
    return next(either, None)


def _known(specs: "Sequence[NodeSpec]", name: str, settings: "Settings") -> "NodeSchema":
    """The class of that name, which cannot run here. Raises GraphInvalid with near names."""
    from engine import api

    known = api.known_nodes(settings)
    schema = _named(known, name)
    if schema is not None:
        return schema
    near = Nearest([*(spec.class_type for spec in specs), *(found.class_type for found in known)]).of(name)
    fix = f"Did you mean {' or '.join(near)}?" if near else "`comfyless nodes` lists all."
    fix = "It is a folder: name a workflow file in it." if used_nodes.is_folder(name) else fix
    raise GraphInvalid([Problem(code="unknown-class", found=name, said=f"no node class is named {name!r}.", fix=fix)])


def listing(specs: "Sequence[NodeSpec]") -> Iterator[str]:
    """The classes by category, each with its first line of description."""
    ordered = sorted(specs, key=lambda spec: (spec.category, spec.class_type))
    for category, group in groupby(ordered, key=lambda spec: spec.category):
        yield category or "(no category)"
        yield from table([(spec.class_type, spec.description.partition("\n")[0]) for spec in group], indent=2)
    yield words.count(len(ordered), "node class", "es")


def description(spec: "NodeSpec") -> Iterator[str]:
    """One class: what it does, its inputs with types, defaults and ranges, its outputs."""
    shown = "" if spec.display_name in ("", spec.class_type) else f" ({spec.display_name})"
    yield words.plain(f"{spec.class_type}{shown}: {spec.category}" + ("" if spec.pack == "core" else f", {spec.pack}"))
    if spec.description:
        yield from (words.plain(line) for line in spec.description.splitlines())
    inputs = [row for name, found in spec.inputs.items() for row in _rows(name, found)]
    outputs = inputs_table.outputs([(out.name, out.socket, out.is_list) for out in spec.outputs])
    for title, cells in (("inputs", inputs), ("outputs", outputs)):
        if cells:
            yield title
            yield from table(cells, indent=2)


def _rows(name: str, found: "InputSpec") -> Iterator[tuple[str, ...]]:
    """An input's rows."""
    return inputs_table.rows(name, found.socket, found.required, stated(found.default), _values(found))


def _values(found: "InputSpec") -> str:
    """What a literal may be set to."""
    if found.choices is not None:
        return ", ".join(found.choices)
    if found.widget is not None and found.widget.folder is not None:
        return ", ".join((f"a file of {found.widget.folder}", *found.widget.extra))
    return span(found.minimum, found.maximum)


def record_of(spec: "NodeSpec") -> dict[str, Any]:
    """One class as a JSON record."""
    inputs = [
        {
            "name": name,
            "type": found.socket,
            "required": found.required,
            "default": stated(found.default),
            "minimum": found.minimum,
            "maximum": found.maximum,
            "choices": None if found.choices is None else list(found.choices),
            "folder": found.widget.folder if found.widget else None,
            "wire": found.widget is None,
        }
        for name, found in spec.inputs.items()
    ]
    return {
        "event": "node",
        "class_type": spec.class_type,
        "display_name": spec.display_name,
        "category": spec.category,
        "description": spec.description,
        "runs": True,
        "pack": spec.pack,
        "output_node": spec.output_node,
        "inputs": inputs,
        "outputs": [{"name": out.name, "type": out.socket, "is_list": out.is_list} for out in spec.outputs],
    }
