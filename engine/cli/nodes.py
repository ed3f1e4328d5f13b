"""`comfyless nodes`: the node classes there are, or everything about one."""

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE
from engine.cli.options import Verbs, add_manner, add_verb
from engine.cli.table import table
from engine.errors import GraphInvalid
from engine.plugins.nearest import Nearest
from schemas.report import Problem

if TYPE_CHECKING:
    from schemas.node import InputSpec, NodeSpec

CHOICES_WIDTH = 72
"""Columns in which long lists of choices are laid out."""

HELP = "list node classes, or describe one"


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    said = "List the node classes that graphs may use, or describe one: its inputs, their ranges, its outputs."
    parser = add_verb(verbs, nodes, HELP, said)
    parser.add_argument("name", metavar="NAME", nargs="?", help="a node class, or the name an editor shows for it")
    add_manner(parser, quiet=False)


def nodes(arguments: argparse.Namespace) -> int:
    """List them all, or describe the named one."""
    from engine import api

    console, specs = Console(), api.nodes()
    if arguments.name is not None:
        specs = [_named(specs, arguments.name)]
    if arguments.json:
        for spec in specs:
            console.record(record_of(spec))
    else:
        for line in listing(specs) if arguments.name is None else description(specs[0]):
            console.data(line)
    return DONE


def _named(specs: "Sequence[NodeSpec]", name: str) -> "NodeSpec":
    """The class of that name, letters of any case. Raises GraphInvalid with near names."""
    wanted = name.casefold()
    for spec in specs:
        if wanted in (spec.class_type.casefold(), spec.display_name.casefold()):
            return spec
    near = Nearest(spec.class_type for spec in specs).of(name)
    fix = f"Did you mean {' or '.join(near)}?" if near else "`comfyless nodes` lists all."
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
    rows = [row for name, found in spec.inputs.items() for row in _rows(name, found)]
    for title, cells in (("inputs", rows), ("outputs", [_output(found) for found in spec.outputs])):
        if cells:
            yield title
            yield from table(cells, indent=2)


def _rows(name: str, found: "InputSpec") -> Iterator[tuple[str, ...]]:
    """An input's row, and as many below it as its choices need."""
    default, values = _value(found)
    first, *more = textwrap.wrap(values, CHOICES_WIDTH) or [""]
    yield name, found.socket, "" if found.required else "optional", default, first
    yield from (("", "", "", "", line) for line in more)


def _output(output: Any) -> tuple[str, str]:
    return output.name, f"{output.socket} (a list)" if output.is_list else output.socket


def _value(found: "InputSpec") -> tuple[str, str]:
    """A literal's default, and what it may be."""
    default = _default_of(found)
    shown = "" if default is None else words.plain(repr(default) if isinstance(default, str) else str(default))
    if found.choices is not None:
        return shown, ", ".join(found.choices)
    if found.widget is not None and found.widget.folder is not None:
        return shown, ", ".join((f"a file of {found.widget.folder}", *found.widget.extra))
    if found.minimum is not None or found.maximum is not None:
        return (
            shown,
            f"{'' if found.minimum is None else found.minimum} … {'' if found.maximum is None else found.maximum}",
        )
    return shown, ""


def _default_of(found: "InputSpec") -> Any:
    from schemas.node import MISSING

    return None if found.default is MISSING else found.default


def record_of(spec: "NodeSpec") -> dict[str, Any]:
    """One class as a JSON record."""
    inputs = [
        {
            "name": name,
            "type": found.socket,
            "required": found.required,
            "default": _default_of(found),
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
        "pack": spec.pack,
        "output_node": spec.output_node,
        "inputs": inputs,
        "outputs": [{"name": out.name, "type": out.socket, "is_list": out.is_list} for out in spec.outputs],
    }
