"""What a run or a check found, brought to the nodes it is about, inside subgraphs too."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.drawing.scene import Box, Mark, Panel
from schemas.report import Problem, RunReport

BETWEEN = ":"
"""Between the ids on the way into subgraphs: 57:13:3 is node 3 in what 13 stands for, in what 57 stands for."""
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif"})

LONGEST = 10_000
"""Characters said of one node, after which nothing is added: a message has five lines."""


def marks_of(report: RunReport) -> dict[str, Mark]:
    """Marks by node from a report: what failed, what took how long, what was saved."""
    found = by_problem(report.problems, fixes=True)
    if report.failed_node is not None:
        found.setdefault(report.failed_node, Mark()).failed = report.error or "failed"
    for step in report.steps:
        mark = found.setdefault(step.node, Mark())
        mark.cached, mark.seconds = step.state == "cached", step.seconds
    for node, paths in report.outputs.items():
        picture = next((path for path in paths if Path(path).suffix.lower() in PICTURES), None)
        found.setdefault(node, Mark()).picture = picture
    return found


def by_problem(problems: Sequence[Problem], fixes: bool = False) -> dict[str, Mark]:
    """Marks by node from problems; those that concern no node are left out. fixes: say what to do, too."""
    found: dict[str, Mark] = {}
    for problem in problems:
        field = f"{problem.field}: " if problem.field and problem.code != "unknown-class" else ""
        said = f"{field}{problem.said}" + (f" {problem.fix}" if fixes and problem.fix else "")
        for node in (problem.node, *problem.also) if problem.node is not None else ():
            mark = found.setdefault(node, Mark())
            mark.failed = _both(mark.failed, said)
    return found


def apply(panels: Sequence[Panel], marks: dict[str, Mark]) -> list[str]:
    """Give the nodes their marks: the one meant, and those that stand for the subgraphs it is in.

    The ids for which there is no node are returned.
    """
    inside = {panel.id: panel for panel in panels if panel.id is not None}
    lost = []
    for name, mark in marks.items():
        way = list(_way(panels[0], inside, name))
        if not way:
            lost.append(name)
            continue
        *outer, meant = way
        meant.mark = _joined(meant.mark, mark)
        if mark.failed:
            for box in outer:
                said = f"inside, {meant.title}: {mark.failed}"
                box.mark = _joined(box.mark, Mark(failed=said))
    return lost


def _way(panel: Panel, inside: dict[str, Panel], name: str) -> Iterator[Box]:
    """The nodes from the outermost to the one meant, as far as they are drawn: old group nodes are from outside."""
    if name in panel.boxes:
        yield panel.boxes[name]
        return
    found: list[Box] = []
    here: Panel | None = panel
    for part in name.split(BETWEEN):
        box = here.boxes.get(part) if here is not None else None
        if box is None:
            break
        found.append(box)
        here = inside.get(box.opens or "")
    yield from found


def _joined(one: Mark | None, other: Mark) -> Mark:
    """Two marks of one node, which several instances of a subgraph can give it."""
    if one is None:
        return other
    failed = one.failed if other.failed in one.failed[:LONGEST] else _both(one.failed, other.failed)
    return Mark(failed, one.cached and other.cached, one.seconds + other.seconds, one.picture or other.picture)


def _both(one: str, other: str) -> str:
    """Two things that are said of a node, one below the other, as far as there is room."""
    return one if len(one) > LONGEST else "\n".join(filter(None, (one, other)))
