"""check: all that is wrong with a graph, at once; never the first only, never an output dropped in silence.

Checked is what the outputs need. Other nodes never run, as in ComfyUI, and are told in a note; an unknown class counts
as an output unless it is known to be none, since nobody can say that the graph is whole without it.
"""

from dataclasses import dataclass, field

from engine.catalogue.catalogue import Find, known
from engine.graph.build import Graph, build
from engine.graph.folders import Folders
from engine.graph.inputs import check_inputs, ignored
from engine.graph.links import check_unknown
from engine.graph.prune import Needed, needed, outputs_of, possible_outputs
from engine.graph.scene import Scene
from engine.graph.structure import (
    check_building_block,
    check_class,
    check_cycles,
    check_empty,
    check_no_output,
    packs_of,
    together,
)
from engine.plugins.registry import Registry
from engine.reading.printable import listed, shown
from schemas.report import Problem
from schemas.workflow import Workflow

MOST_NAMED = 5
"""Skipped nodes that a note names."""


@dataclass(frozen=True)
class Checked:
    """A graph with all findings. outputs: ids of nodes that write results; needed: what they need, with them.

    notes: what was passed over without harm, one line each.
    """

    graph: Graph
    outputs: list[str]
    needed: Needed
    problems: list[Problem]
    notes: list[str] = field(default_factory=list)


def check(workflow: Workflow, registry: Registry, folders: Folders) -> list[Problem]:
    """All problems of a workflow, in the file's order, those of the graph as a whole first; empty if it can run."""
    return examine(workflow, registry, folders).problems


def examine(
    workflow: Workflow, registry: Registry, folders: Folders, to_run: bool = False, find: Find = known
) -> Checked:
    """The graph of a workflow with its outputs, all problems and notes. Linear in the size of the graph.

    All of a building block is needed, and it needs no output, unless it is to run: then that is a problem. find: the
    schema of a class, for those that the registry lacks.
    """
    graph = build(workflow.prompt, registry)
    scene = Scene(workflow, registry, folders, graph, find)
    outputs, unknown = outputs_of(graph), possible_outputs(graph, find)
    roots = [*outputs, *unknown]
    whole = not roots or workflow.building_block
    wanted = Needed(frozenset(graph), frozenset()) if whole else needed(graph, roots)
    problems = []
    if not workflow.prompt.nodes:
        problems.append(check_empty(scene))
    elif workflow.building_block:
        problems += [check_building_block(scene)] if to_run else []
    elif not roots:
        problems.append(check_no_output(scene))
    problems += check_cycles(scene, wanted)
    problems += _of_nodes(scene, wanted)
    return Checked(graph, outputs, wanted, problems, _notes(scene, wanted))


def _of_nodes(scene: Scene, wanted: Needed) -> list[Problem]:
    found: list[Problem] = []
    unknown = _unknown(scene, wanted)
    packs = packs_of(scene.prompt, scene.editor_graph) if unknown else {}
    for name, data in scene.graph.nodes(data=True):
        if name not in wanted:
            continue
        if data["spec"] is not None:
            found += check_inputs(scene, name, data["node"], data["spec"])
            continue
        first, *others = unknown[data["node"].class_type]
        if name == first:
            found.append(together(check_class(scene, name, packs), others))
        found += check_unknown(scene, name, data["node"])
    return found


def _unknown(scene: Scene, wanted: Needed) -> dict[str, list[str]]:
    """The classes that nobody here has, with the ids of their nodes."""
    found: dict[str, list[str]] = {}
    for name, data in scene.graph.nodes(data=True):
        if name in wanted and data["spec"] is None:
            found.setdefault(data["node"].class_type, []).append(name)
    return found


def _notes(scene: Scene, wanted: Needed) -> list[str]:
    skipped = [name for name in scene.graph if name not in wanted]
    notes = []
    if skipped:
        notes.append(f"skipped, because no output needs them: {listed(skipped, MOST_NAMED, scene.named)}")
    noise = dict.fromkeys(
        field
        for name, data in scene.graph.nodes(data=True)
        if name in wanted and data["spec"] is not None
        for field in data["node"].inputs
        if ignored(data["spec"], data["node"].inputs, field) and field not in data["spec"].ignored_inputs
    )
    if noise:
        notes.append(f"ignored inputs that no node reads: {', '.join(shown(name) for name in noise)}")
    return notes
