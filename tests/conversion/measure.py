"""How well editor files become prompts, measured: python -m tests.conversion.measure [--json] [--write]

Conversion: how many prompts equal what ComfyUI's frontend made of the same file, once converted with the schemas that
the frontend had, and once with those that we ship, which know more. Schemas: of the node types that
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
from tests.conversion.deviations import DEVIATIONS, MISREAD, SCHEMAS, STATED, expected
from tests.conversion.frontend_schemas import had
from tests.conversion.judge import Excuses, Nodes, differences, needed
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
    """One set. equal: as the frontend made them, with the schemas that it had. different: the others.

    shipped: the same with the schemas we ship, `listed` of them but for inputs that deviations.py lists.
    """

    kind: str
    files: int = 0
    equal: int = 0
    shipped: int = 0
    listed: int = 0
    different: dict[str, list[str]] = field(default_factory=dict)
    shipped_different: dict[str, list[str]] = field(default_factory=dict)


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


def converted(name: str, graph: dict[str, Any], known: Catalogue) -> Nodes:
    return translate(name, graph, known, OPTIONS).prompt.as_json()


def found(truth: Truth, known: Catalogue | None = None, listed: Excuses | None = None) -> list[str]:
    """What differs from the truth, a line each.

    known: what it is converted with, else what the frontend had. listed: what does not count, else what the rules of
    conversion state. What writes results, and the defaults that may be left out, the schemas we ship tell.
    """
    try:
        ours = converted(truth.name, truth.graph, known or had(truth.kind))
    except GraphInvalid as error:
        return [f"refused: {error}"]
    wanted = truth.prompt if listed == {} else expected(truth.name, truth.prompt)
    return differences(ours, wanted, catalogue(), STATED if listed is None else listed)


def everything() -> Iterator[Truth]:
    yield from truths.crafted()
    yield from truths.pairs()
    yield from truths.official()


def tallies() -> list[Tally]:
    """The sets in the order of LABELS."""
    sets = {kind: Tally(kind) for kind in LABELS}
    for truth in everything():
        tally = sets[truth.kind]
        tally.files += 1
        said, shipped = found(truth), found(truth, catalogue(), STATED | SCHEMAS)
        tally.equal += not said
        tally.shipped += not shipped
        tally.listed += not shipped and bool(found(truth, catalogue(), STATED))
        if said:
            tally.different[truth.name] = said
        if shipped:
            tally.shipped_different[truth.name] = shipped
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
    nodes = converted(name, graph, catalogue())
    return {nodes[node]["class_type"] for node in needed(nodes, catalogue().find)}


def crashes() -> Crashes:
    """Every template of both packages, paid services among them."""
    failed, count = {}, 0
    for name, graph in truths.templates():
        count += 1
        try:
            converted(name, graph, catalogue())
        except Exception as error:  # noqa: BLE001  # to count them is the point
            failed[name] = f"{type(error).__name__}: {error}"
    return Crashes(count, failed)


def share(sets: Iterable[Tally]) -> float:
    """Of all files that decide, how many are equal, 0..1."""
    sets = list(sets)
    return sum(each.equal for each in sets) / sum(each.files for each in sets)


def table(sets: list[Tally], types: Known, all_files: Crashes) -> str:
    """Markdown, for the README."""
    lines = ["| what ComfyUI's frontend was asked | files | same prompt, given its schemas | given ours |"]
    lines += ["| --- | --: | --: | --: |"]
    lines += [f"| {LABELS[each.kind]} | {each.files} | {each.equal} | {each.shipped} |" for each in sets]
    unknown = f"all but {', '.join(types.unknown)}" if types.unknown else "all"
    converted = f"{all_files.files - len(all_files.failed)} of {all_files.files}"
    said = (
        f"{100 * share(sets):.1f} % are the same. Other ids, inputs that hold their default, the browser's own inputs "
        "and nodes that no output needs do not count, nor does what the rules part from on purpose: null in place of a "
        f"promoted value, and {len(DEVIATIONS) - 1} crafted cases besides. comfyless ships newer schemas, from ComfyUI "
        f"itself where the frontend's were pieced together from files. Given these, {_listed(sets)} of the same differ "
        f"in inputs that the frontend was not told of, and {len(MISREAD)} files in values that it misread. "
        "`tests/conversion/deviations.py` lists them all with their reasons.",
        f"The {types.workflows} official local workflows that make pictures execute {types.types} node types: "
        f"{unknown} are known by schema, {types.runnable} run; {types.workflows_runnable} of the workflows need no "
        f"other. {converted} templates of two releases convert.",
    )
    for paragraph in said:
        lines += ["", *wrap(paragraph, 120, break_long_words=False, break_on_hyphens=False)]
    return "\n".join(lines) + "\n"


def _listed(sets: Iterable[Tally]) -> int:
    return sum(each.listed for each in sets)


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
        for given, different in (("its", tally.different), ("our", tally.shipped_different)):
            for name, said in different.items():
                sys.stdout.write(f"{name}, given {given} schemas\n" + "".join(f"    {line[:300]}\n" for line in said))
    for name, why in all_files.failed.items():
        sys.stdout.write(f"{name}\n    {why}\n")
    sys.stdout.write(f"\n{text}\nall templates read and converted in {seconds:.1f} s\n")


if __name__ == "__main__":
    main()
