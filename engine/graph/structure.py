"""What is wrong with a graph as a whole: unknown classes, cycles, nothing to write."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from engine.editor.graph import BYPASSED, MUTED
from engine.graph.build import Graph
from engine.graph.prune import Needed
from engine.graph.scene import Scene, one_of
from engine.reading.documents import subgraphs
from engine.reading.printable import clipped, listed, printable, shown, unquoted
from schemas.node_schema import NodeSchema
from schemas.prompt import Prompt
from schemas.report import Problem

MOST_NAMED = 10
"""Members of a cycle, and nodes of a class, that a message names."""


def check_class(scene: Scene, name: str, packs: dict[str, str]) -> Problem:
    """The finding on a node whose class nobody here has. packs: as `packs_of` reads them from the file."""
    class_type = scene.prompt.nodes[name].class_type
    schema, told = scene.find(class_type), packs.get(class_type) or packs.get(name)
    said = f"node class {shown(class_type)} is not available in this version"
    own = schema is not None and schema.address is None
    if schema is not None:
        said += f"; {_origin(schema)}"
    elif told:
        said += f"; the file says that the pack {shown(told)} supplies it"
    near = one_of(scene.near_classes(class_type)) if schema is None and not told else ""
    otherwise = "comfyless does not have it yet: replace" if own else "Replace"
    fix = f"{near} If not, replace the node or remove it." if near else f"{otherwise} the node or remove it."
    if not own and scene.registry.failed:
        fix += f" These installed packs failed to load: {', '.join(sorted(scene.registry.failed))}."
    return scene.problem("unknown-class", f"{said}.", fix, name, "class_type", class_type)


def together(problem: Problem, others: Sequence[str]) -> Problem:
    """A finding on one node as one on others too."""
    if not others:
        return problem
    named = listed(others, MOST_NAMED, unquoted)
    are = "node is" if len(others) == 1 else "nodes are"
    said = f"{problem.said} {len(others)} more {are} of this class: {named}."
    return problem.model_copy(update={"said": said, "also": [clipped(name) for name in others]})


def _origin(schema: NodeSchema) -> str:
    """Who has a class that we do not."""
    if schema.address is not None:
        where = f" ({schema.address})" if schema.address else ""
        return f"it belongs to the pack {unquoted(schema.since)}{where}"
    if not schema.since:
        return "the ComfyUI that object_info was asked of has it"
    return f"ComfyUI has it since {schema.release}{', and it calls a paid service' if schema.partner else ''}"


def packs_of(prompt: Prompt, editor_graph: dict[str, Any] | None) -> dict[str, str]:
    """Packs that the file names, by node id and by class: from the nodes' notes and the editor's graph beside them."""
    found: dict[str, str] = {}
    for name, node in prompt.nodes.items():
        pack = _pack_in(node.meta) or _pack_in(node.meta.get("properties"))
        if pack:
            found[name] = pack
    graphs = [editor_graph, *subgraphs(editor_graph)] if editor_graph else []
    for graph in graphs:
        editor_nodes = graph.get("nodes")
        for item in editor_nodes if isinstance(editor_nodes, list) else ():
            pack = _pack_in(item.get("properties")) if isinstance(item, dict) else None
            if pack and isinstance(item.get("type"), str):
                found[item["type"]] = pack
    return found


def _pack_in(properties: Any) -> str | None:
    """The pack that an editor noted: its name in the registry of packs, or its repository."""
    if not isinstance(properties, dict):
        return None
    for key in ("cnr_id", "aux_id"):
        if isinstance(properties.get(key), str) and properties[key]:
            return printable(properties[key])
    return None


def check_cycles(scene: Scene, needed: Needed) -> Iterator[Problem]:
    """One finding for each knot of nodes that wait for each other."""
    for members in scene.knots:
        if len(members) > 1 and any(name in needed for name in members):
            yield _cycle(scene, members)


def _cycle(scene: Scene, members: set[str]) -> Problem:
    first = next(name for name in scene.prompt.nodes if name in members)
    ring = shortest_ring(scene.graph, first, members)
    told = [scene.named(name) for name in ring[:MOST_NAMED]]
    left_out = f" → {len(ring) - MOST_NAMED} more" if len(ring) > MOST_NAMED else ""
    said = f"these nodes wait for each other: {' → '.join(told)}{left_out} → {told[0]}"
    if len(members) > len(ring):
        said += f", and {len(members) - len(ring)} more nodes are tied into the same knot"
    fix = "Cut one of these links: a node can only read what was computed before it."
    return scene.problem("cycle", f"{said}.", fix, first, None, ", ".join(printable(name[:40]) for name in ring[:50]))


def shortest_ring(graph: Graph, first: str, members: set[str]) -> list[str]:
    """The members of a shortest cycle through `first` inside a strongly connected set, in the wires' direction."""
    came_from: dict[str, str] = {}
    waiting = deque([first])
    while waiting:
        name = waiting.popleft()
        for after in graph.adj[name]:
            if after == first and name != first:
                ring = [name]
                while ring[-1] != first:
                    ring.append(came_from[ring[-1]])
                return ring[::-1]
            if after in members and after not in came_from and after != first:
                came_from[after] = name
                waiting.append(after)
    raise ValueError(f"{first} is in no cycle of these nodes")


def check_empty(scene: Scene) -> Problem:
    """The finding on a graph without nodes."""
    return scene.problem("empty-graph", "the graph has no nodes.", "Export the workflow again.")


def check_no_output(scene: Scene) -> Problem:
    """The finding on a graph that writes nothing."""
    writers = [spec.class_type for spec in scene.registry.all() if spec.output_node]
    said = "no node of the graph writes a result, so there is nothing to run."
    fix = f"Add an output node: {', '.join(writers[:5])}." if writers else "Add an output node."
    off = list(islice(_switched_off(scene), MOST_NAMED))
    if off:
        fix = f"Switch on in the editor what would, muted or bypassed as it is: {', '.join(off)}."
    return scene.problem("no-output", said, fix)


def _switched_off(scene: Scene) -> Iterator[str]:
    """Nodes of the editor's graph that would write results but are muted or bypassed."""
    for graph in [scene.editor_graph, *subgraphs(scene.editor_graph)] if scene.editor_graph else []:
        nodes = graph.get("nodes")
        for item in nodes if isinstance(nodes, list) else ():
            kind = item.get("type") if isinstance(item, dict) and item.get("mode") in (MUTED, BYPASSED) else None
            schema = scene.find(kind) if isinstance(kind, str) else None
            if schema is not None and schema.output_node:
                yield f"{unquoted(str(item.get('id')))} {unquoted(str(kind))}"


def check_building_block(scene: Scene) -> Problem:
    """The finding on a subgraph saved alone that is to run."""
    said = "this is a building block, a subgraph saved alone: nothing feeds its open inputs or keeps what it gives."
    return scene.problem("no-output", said, "Put it into a graph with nodes that do, and run that.")
