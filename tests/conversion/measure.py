"""How well editor files become prompts, measured: python -m tests.conversion.measure [--json] [--write]

Conversion: how many prompts equal what ComfyUI's frontend made of the same file. Schemas: of the node types that
official local picture workflows execute, how many are known and how many run. --write puts the table into the README.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from textwrap import wrap
from time import perf_counter
from typing import Any

from engine.catalogue.catalogue import Catalogue
from engine.editor.translating import Options, translate
from engine.errors import GraphInvalid
from engine.plugins.registry import Registry
from tests.conversion import truths
from tests.conversion.deviations import DEVIATIONS, SCHEMAS, expected
from tests.conversion.judge import Nodes, differences, needed
from tests.conversion.truths import Truth

BEGIN, END = "<!-- conversion: begin -->", "<!-- conversion: end -->"
README = Path(__file__).parents[2] / "README.md"
OPTIONS = Options(seed=0, now=datetime(2026, 10, 15))
"""The frontends were asked in 2026, and one answer holds the year."""
LABELS = {
    "crafted": "cases crafted to show one rule each",
    "pair": "official example pictures: what was drawn, what was run",
    "template": "official templates of today that make pictures locally",
    "blueprint": "official subgraph blueprints",
    "old template": "official local templates of the time of ComfyUI 0.3.64",
}


@dataclass(slots=True)
class Tally:
    """One set. equal: as the frontend, `excused` of them but for what deviations.py lists. left_out: do not decide."""

    kind: str
    files: int = 0
    equal: int = 0
    excused: int = 0
    left_out: int = 0
    different: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Known:
    """Node types that official local picture workflows execute, and workflows that execute only types that run."""

    types: int
    unknown: list[str]
    runnable: int
    workflows: int
    workflows_runnable: int


@dataclass(slots=True)
class Crashes:
    """All templates of both packages, converted. failed: with what was said."""

    files: int
    failed: dict[str, str]


@cache
def catalogue() -> Catalogue:
    return Catalogue()


def converted(name: str, graph: dict[str, Any]) -> Nodes:
    return translate(name, graph, catalogue(), OPTIONS).prompt.as_json()


def found(truth: Truth, *, strict: bool = False) -> list[str]:
    """What differs from the truth, a line each. strict: what deviations.py lists counts too."""
    try:
        ours = converted(truth.name, truth.graph)
    except GraphInvalid as error:
        return [f"refused: {error}"]
    crafted = truth.kind == "crafted" and not strict
    wanted = expected(truth.name, truth.prompt) if crafted else truth.prompt
    excused = SCHEMAS if truth.kind in ("template", "blueprint") and not strict else {}
    return differences(ours, wanted, catalogue(), excused)


def everything() -> Iterator[Truth]:
    yield from truths.crafted()
    yield from truths.pairs()
    yield from truths.official()


def tallies() -> list[Tally]:
    """The sets in the order of LABELS."""
    sets = {kind: Tally(kind) for kind in LABELS}
    for truth in everything():
        tally = sets[truth.kind]
        if truth.excused:
            tally.left_out += 1
            continue
        tally.files += 1
        said = found(truth)
        tally.equal += not said
        tally.excused += not said and bool(found(truth, strict=True))
        if said:
            tally.different[truth.name] = said
    return list(sets.values())


def known() -> Known:
    """What is executed is what an output needs."""
    runnable = Registry.builtin()
    workflows = [executed(name, graph) for name, graph in truths.local_images()]
    types: set[str] = set().union(*workflows)
    return Known(
        types=len(types),
        unknown=sorted(name for name in types if catalogue().find(name) is None),
        runnable=sum(runnable.find(name) is not None for name in types),
        workflows=len(workflows),
        workflows_runnable=sum(all(runnable.find(name) is not None for name in each) for each in workflows),
    )


def executed(name: str, graph: dict[str, Any]) -> set[str]:
    """The classes of the nodes that the outputs need."""
    nodes = converted(name, graph)
    return {nodes[node]["class_type"] for node in needed(nodes, catalogue().find)}


def crashes() -> Crashes:
    """Every template of both packages, paid services among them."""
    failed, count = {}, 0
    for name, graph in truths.templates():
        count += 1
        try:
            converted(name, graph)
        except Exception as error:  # noqa: BLE001  # to count them is the point
            failed[name] = f"{type(error).__name__}: {error}"
    return Crashes(count, failed)


def share(sets: Iterable[Tally]) -> float:
    """Of all files that decide, how many are equal, 0..1."""
    sets = list(sets)
    return sum(each.equal for each in sets) / sum(each.files for each in sets)


def table(sets: list[Tally], types: Known, all_files: Crashes) -> str:
    """Markdown, for the README."""
    lines = ["| what ComfyUI's frontend was asked | files | same prompt | of them to the letter |"]
    lines += ["| --- | --: | --: | --: |"]
    lines += [f"| {LABELS[each.kind]} | {each.files} | {each.equal} | {each.equal - each.excused} |" for each in sets]
    excused = {each.kind: each.excused for each in sets}
    official = excused["template"] + excused["blueprint"]
    unknown = f"all but {', '.join(types.unknown)}" if types.unknown else "all"
    converted = f"{all_files.files - len(all_files.failed)} of {all_files.files}"
    said = (
        "To the letter allows other ids, inputs that hold their default, the browser's own inputs and nodes that no "
        f"output needs. Counted as the same are besides {excused['crafted']} crafted cases where the frontend's answer "
        f"is not worth having, and {official} official files that differ in an input whose schema it lacked; "
        "`tests/conversion/deviations.py` lists them with their reasons. "
        f"{sum(each.left_out for each in sets)} answers that do not decide are left out.",
        f"The {types.workflows} official local workflows that make pictures execute {types.types} node types: "
        f"{unknown} are known by schema, {types.runnable} run; {types.workflows_runnable} of the workflows need no "
        f"other. {converted} templates of two releases convert.",
    )
    for paragraph in said:
        lines += ["", *wrap(paragraph, 120, break_long_words=False, break_on_hyphens=False)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, list what differs, show the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true", help="the record instead of text")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    options = parser.parse_args()
    sets, types = tallies(), known()
    started = perf_counter()
    all_files = crashes()
    seconds = perf_counter() - started
    text = table(sets, types, all_files)
    if options.write:
        before, _, rest = README.read_text("utf-8").partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}", "utf-8")
    if options.json:
        record = {"sets": [asdict(each) for each in sets], "known": asdict(types), "all": asdict(all_files)}
        sys.stdout.write(json.dumps(record | {"equal": share(sets), "seconds": seconds}, indent=2) + "\n")
        return
    for tally in sets:
        for name, said in tally.different.items():
            sys.stdout.write(f"{name}\n" + "".join(f"    {line[:300]}\n" for line in said))
    for name, why in all_files.failed.items():
        sys.stdout.write(f"{name}\n    {why}\n")
    sys.stdout.write(f"\n{text}\n{100 * share(sets):.1f} % equal; {len(DEVIATIONS)} crafted cases and {len(SCHEMAS)} ")
    sys.stdout.write(f"inputs deviate; all templates read and converted in {seconds:.1f} s\n")


if __name__ == "__main__":
    main()
