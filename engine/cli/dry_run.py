"""`comfyless run --dry-run`: what would run, in which order, why, and what it reads from disk."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.cli import words
from engine.cli.console import Console
from engine.cli.exit_codes import DONE, INVALID
from engine.cli.repeating import Batch
from engine.cli.table import table
from engine.cli.views import View
from engine.errors import GraphInvalid
from schemas.plan import Plan, PlanStep
from schemas.quantities import size_text
from schemas.report import RunReport

if TYPE_CHECKING:
    from engine import api


def plan(console: Console, arguments: argparse.Namespace, session: "api.Session", view: View, file: str) -> int:
    """Show the plan of one file, or its problems; its exit code."""
    try:
        planned = session.plan(Batch(file, arguments, view, session.settings).following())
    except GraphInvalid as error:
        view.report(RunReport(file=file, status="invalid", problems=error.problems), took=0)
        return INVALID
    if arguments.json:
        console.record({"event": "plan", **planned.model_dump(mode="json"), "total_bytes": total_bytes(planned)})
    else:
        for line in lines_of(planned):
            console.data(line)
    return DONE


def total_bytes(plan: Plan) -> int:
    """What all steps that run read from disk; a file that several read counts once."""
    return sum({need.path: need.bytes for step in plan.steps if step.state != "cached" for need in step.files}.values())


def lines_of(plan: Plan) -> Iterator[str]:
    """A headline, then a row for each step."""
    to_run = sum(step.state != "cached" for step in plan.steps)
    told = [words.count(len(plan.steps), "step"), f"{to_run} to run", f"{size_text(total_bytes(plan))} to read"]
    yield words.plain(f"{plan.file}: {', '.join(told)}")
    head = ("step", "node", "class", "state", "why", "reads")
    rows = [(str(index), *_cells(step)) for index, step in enumerate(plan.steps, 1)]
    yield from table([head, *rows], indent=2, right=(0, 1))


def _cells(step: PlanStep) -> tuple[str, str, str, str, str]:
    files = ", ".join(f"{need.name} ({size_text(need.bytes)})" for need in step.files)
    return step.node, step.class_type, step.state, step.reason, files
