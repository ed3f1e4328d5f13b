"""`comfyless validate`: every problem of every file, without running or loading anything."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE, INVALID, worst
from engine.cli.loading import load, open_session
from engine.cli.options import READING, Verbs, add_files, add_manner, add_settings, add_verb
from engine.cli.problems import tell
from engine.errors import GraphInvalid
from engine.reading.printable import listed
from schemas.report import Problem

if TYPE_CHECKING:
    from engine import api
    from schemas.workflow import Workflow

HELP = "find everything that is wrong with workflow files"
MOST_NAMED = 8
"""Open inputs of a building block that its line names."""


def add(verbs: Verbs) -> None:
    """Add the verb to the parser."""
    said = "Find everything that is wrong with workflow files, at once, without running them."
    parser = add_verb(verbs, validate, HELP, said)
    add_files(parser)
    add_manner(parser)
    parser.add_argument("--verbose", action="store_true", help="tell all that reading noticed, however much it is")
    add_settings(parser, READING)


def validate(arguments: argparse.Namespace) -> int:
    """Check every file and tell of each; 2 if any has a problem."""
    console = Console(arguments.quiet)
    try:
        session = open_session(arguments)
    except GraphInvalid as error:
        if not arguments.json:
            raise
        return worst([_tell(console, arguments, Finding(file, error.problems)) for file in arguments.files])
    codes = [_tell(console, arguments, _examined(console, arguments, session, file)) for file in arguments.files]
    if len(codes) > 1 and not arguments.json:
        bad = codes.count(INVALID)
        console.note(f"{len(codes)} files: {codes.count(DONE)} valid" + (f", {bad} with problems" if bad else ""))
    return worst(codes)


@dataclass(frozen=True)
class Finding:
    """What was found in one file. workflow: None if it holds none. notes: what reading noticed."""

    file: str
    problems: Sequence[Problem]
    workflow: "Workflow | None" = None
    notes: Sequence[str] = ()


def _examined(console: Console, arguments: argparse.Namespace, session: "api.Session", file: str) -> Finding:
    """Reads and checks one file. People are told what reading noticed at once, programs with the result."""
    notes: list[str] = []

    def note(name: str, said: str) -> None:
        notes.append(said)
        if not arguments.json:
            console.note(words.plain(f"{name}: {said}"))

    try:
        workflow = load(
            file, arguments.sets, note, settings=session.settings, every=arguments.json or arguments.verbose
        )
        if workflow.building_block:
            note(workflow.name, _left_open(workflow))
        return Finding(file, session.validate(workflow), workflow, notes)
    except GraphInvalid as error:
        return Finding(file, error.problems, None, notes)


def _tell(console: Console, arguments: argparse.Namespace, finding: Finding) -> int:
    if arguments.json:
        console.record(_record(finding))
    elif finding.problems:
        tell(console.data, console.terminal, finding.file, finding.problems)
    elif finding.workflow is not None:
        console.result(words.plain(f"{finding.file}: valid, {words.count(len(finding.workflow.prompt.nodes), 'node')}"))
    return INVALID if finding.problems else DONE


def _record(finding: Finding) -> dict[str, Any]:
    workflow = finding.workflow
    record: dict[str, Any] = {"event": "validation", "file": finding.file, "valid": not finding.problems}
    record["problems"] = [problem.model_dump(mode="json") for problem in finding.problems]
    record["notes"] = list(finding.notes)
    if workflow is not None and workflow.building_block:
        record |= {"building_block": True, "open_inputs": workflow.open_inputs}
    return record


def _left_open(workflow: "Workflow") -> str:
    """What a building block wants from the graph that it will be put into."""
    nodes = workflow.prompt.nodes
    left = [
        f"{node} {nodes[node].class_type if node in nodes else ''}".rstrip() + f".{field}"
        for node, fields in workflow.open_inputs.items()
        for field in fields
    ]
    if not left:
        return "a building block: no input is left open"
    return f"a building block: {words.count(len(left), 'input')} left open: {listed(left, MOST_NAMED)}"
