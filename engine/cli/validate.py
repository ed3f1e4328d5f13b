"""`comfyless validate`: every problem of every file, without running or loading anything."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE, INVALID, worst
from engine.cli.loading import load, open_session
from engine.cli.options import PLACES, Verbs, add_files, add_manner, add_settings, add_verb
from engine.cli.problems import tell
from engine.errors import GraphInvalid
from schemas.report import Problem

if TYPE_CHECKING:
    from engine import api

HELP = "find everything that is wrong with workflow files"


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    said = "Find everything that is wrong with workflow files, at once, without running them."
    parser = add_verb(verbs, validate, HELP, said)
    add_files(parser)
    add_manner(parser)
    add_settings(parser, PLACES)


def validate(arguments: argparse.Namespace) -> int:
    """Check every file and tell of each; 2 if any has a problem."""
    console = Console(arguments.quiet)
    try:
        session = open_session(arguments)
    except GraphInvalid as error:
        if not arguments.json:
            raise
        return worst([_tell(console, arguments, file, 0, error.problems) for file in arguments.files])
    return worst([_validate(console, arguments, session, file) for file in arguments.files])


def _validate(console: Console, arguments: argparse.Namespace, session: "api.Session", file: str) -> int:
    try:
        workflow = load(file, arguments.sets, lambda name, said: console.note(words.plain(f"{name}: {said}")))
        return _tell(console, arguments, file, len(workflow.prompt.nodes), session.validate(workflow))
    except GraphInvalid as error:
        return _tell(console, arguments, file, 0, error.problems)


def _tell(console: Console, arguments: argparse.Namespace, file: str, nodes: int, problems: Sequence[Problem]) -> int:
    if arguments.json:
        found = [problem.model_dump(mode="json") for problem in problems]
        console.record({"event": "validation", "file": file, "valid": not problems, "problems": found})
    elif problems:
        tell(console.data, console.terminal, file, problems)
    else:
        console.result(words.plain(f"{file}: valid, {words.count(nodes, 'node')}"))
    return INVALID if problems else DONE
