"""Error note: why a job failed, for the person who finds it beside the graph in the morning."""

from collections.abc import Iterator
from pathlib import Path

from schemas.job import Outcome
from schemas.report import Problem, RunReport


def error_note(report: RunReport, outcome: Outcome) -> str:
    """What failed, where, what to do next, and the traceback if there is one; ends with a line break."""
    return "\n".join(_lines(report, outcome)) + "\n"


def _lines(report: RunReport, outcome: Outcome) -> Iterator[str]:
    yield f"{report.file} {'cannot run' if report.status == 'invalid' else 'failed'}."
    yield ""
    if report.error is not None:
        yield report.error
    if report.failed_node is not None:
        yield _where(report)
    for problem in report.problems:
        yield from _problem(problem)
    for path in (path for paths in report.outputs.values() for path in paths):
        yield f"Written before that: {path}"
    if outcome.move is not None:
        target = Path(outcome.move.target)
        yield ""
        yield f"The graph is {target.name} in {target.parent}. To run it again, move it to {outcome.move.source}."
    if outcome.failure:
        yield ""
        yield outcome.failure.rstrip()


def _where(report: RunReport) -> str:
    """The node that failed, and how far the run had come."""
    steps = [step for step in report.steps if step.state != "skipped"]
    kind = next((step.class_type for step in report.steps if step.node == report.failed_node), None)
    named = f"Node {report.failed_node}" + (f", a {kind}," if kind else "")
    return f"{named} failed after {len(steps)} of {len(report.steps)} steps."


def _problem(problem: Problem) -> Iterator[str]:
    """One finding in two lines: where and what; what to do."""
    line = f"line {problem.line}, column {problem.column or 1}" if problem.line is not None else ""
    node = f"node {problem.node} {problem.class_type or ''}".rstrip() if problem.node is not None else ""
    if node and problem.title and problem.title != problem.class_type:
        node += f" ({problem.title!r})"
    if problem.field:
        node = f"{node}, {problem.field}" if node else problem.field
    where = ": ".join(part for part in (line, node) if part)
    yield f"- {where}: {problem.said}" if where else f"- {problem.said}"
    yield f"  {problem.fix}  [{problem.code}]"
    if problem.also:
        yield f"  The same at node{'s' if len(problem.also) > 1 else ''} {', '.join(problem.also)}."
