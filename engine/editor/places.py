"""Places: each graph where it stands once subgraphs are unfolded, and the ids of its nodes there.

A node inside instances has their ids before its own: `57:13:3` is node 3 in instance 13 in instance 57.
"""

from collections.abc import Iterator
from functools import cached_property

from engine.editor.graph import INPUT_SIDE, OUTPUT_SIDE, EditorFile, EditorGraph, EditorLink, EditorNode
from engine.errors import GraphInvalid
from engine.reading.printable import clipped, shown
from schemas.report import Problem

DEEPEST = 60
"""Subgraphs within one another; files from ComfyUI reach 2."""
MOST_NODES = 100_000
"""Nodes that unfolding may add: nested subgraphs multiply."""


class Layout:
    """What is known of a graph wherever it stands: who is fed by its face, and who feeds it."""

    def __init__(self, graph: EditorGraph) -> None:
        """graph: a definition, or the root."""
        self._graph = graph

    @cached_property
    def targets(self) -> list[list[tuple[EditorNode, int]]]:
        """For each input of the face the inner inputs that it feeds, (node, number), in the order of its links."""
        found: dict[str, tuple[EditorNode, int]] = {}
        for node in self._graph.nodes.values():
            for number, slot in enumerate(node.inputs):
                link = self._graph.links.get(slot.link) if slot.link is not None else None
                if link is not None and link.origin == INPUT_SIDE:
                    found[link.id] = (node, number)
        by_slot: list[list[tuple[EditorNode, int]]] = [[] for _ in self._graph.inputs]
        listed = [name for names in self._graph.input_links for name in names]
        for name in dict.fromkeys([*listed, *found]):
            slot_number = self._graph.links[name].origin_slot if name in found else -1
            if 0 <= slot_number < len(by_slot):
                by_slot[slot_number].append(found[name])
        return by_slot

    def fed_by(self, number: int) -> list[tuple[EditorNode, int]]:
        """The inner inputs that one input of the face feeds; none if there is no such input."""
        return self.targets[number] if 0 <= number < len(self.targets) else []

    @cached_property
    def feeding(self) -> dict[tuple[str, str], int]:
        """The number of the input of the face that feeds an inner input, by its node's id and its name."""
        found: dict[tuple[str, str], int] = {}
        for number, targets in enumerate(self.targets):
            for node, index in targets:
                found.setdefault((node.id, node.inputs[index].name), number)
        return found

    @cached_property
    def names(self) -> dict[str, int]:
        """The number of each input of the face by its name, the first of that name."""
        return {face.name: number for number, face in reversed(list(enumerate(self._graph.inputs)))}

    @cached_property
    def sources(self) -> dict[int, EditorLink]:
        """The link that feeds each output of the face: of several the first in the table, whichever the face lists."""
        found: dict[int, EditorLink] = {}
        for link in self._graph.links.values():
            if link.target == OUTPUT_SIDE:
                found.setdefault(link.target_slot, link)
        return found


class Place:
    """A graph where it stands. instance, parent: the node that stands for it, and where that node is; None at the root.

    path: before the ids of its nodes.
    """

    def __init__(self, graph: EditorGraph, layout: Layout, parent: "Place | None", instance: EditorNode | None) -> None:
        """layout: of this graph, shared by all its places."""
        self.graph, self.layout = graph, layout
        self.parent, self.instance = parent, instance
        self.path: str = f"{parent.path}{instance.id}:" if parent is not None and instance is not None else ""
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.children: dict[str, Place] = {}

    def id_of(self, node: EditorNode) -> str:
        """The id of a node in the prompt."""
        return f"{self.path}{node.id}"

    def outwards(self) -> "Iterator[Place]":
        """This place, and those around it."""
        place: Place | None = self
        while place is not None:
            yield place
            place = place.parent

    @cached_property
    def outer_inputs(self) -> list[int | None]:
        """For each input of the face the number of the instance's input that stands for it, found by name."""
        if self.instance is None:
            return [None] * len(self.graph.inputs)
        return face_numbers(self.graph, self.instance)


def face_numbers(definition: EditorGraph, instance: EditorNode) -> list[int | None]:
    """For each input of a definition the number of the instance's input of that name, or None.

    Where names repeat, the type decides, then the order.
    """
    by_name: dict[str, list[int]] = {}
    for number, slot in enumerate(instance.inputs):
        by_name.setdefault(slot.name, []).append(number)
    found: list[int | None] = []
    for face in definition.inputs:
        numbers = by_name.get(face.name, [])
        if not numbers:
            found.append(None)
            continue
        same = (number for number in numbers if instance.inputs[number].type == face.type)
        chosen = numbers[0] if len(numbers) == 1 else next(same, numbers[0])
        found.append(chosen)
        if len(numbers) > 1:
            numbers.remove(chosen)
    return found


class Places:
    """All places of a file."""

    def __init__(self, file_name: str, file: EditorFile) -> None:
        """file_name: for messages."""
        self._name, self._file = file_name, file
        self._layouts: dict[str | None, Layout] = {}
        self._left = MOST_NODES + sum(len(graph.nodes) for graph in (file.root, *file.definitions.values()))
        self.root = Place(file.root, Layout(file.root), None, None)

    def definition(self, node: EditorNode) -> EditorGraph | None:
        """The definition that a node is an instance of, or None."""
        return self._file.definitions.get(node.type)

    def layout(self, graph: EditorGraph) -> Layout:
        """The layout of a definition."""
        if graph.id not in self._layouts:
            self._layouts[graph.id] = Layout(graph)
        return self._layouts[graph.id]

    def inside(self, place: Place, node: EditorNode) -> Place | None:
        """The place inside an instance, or None if the node is none. Raises GraphInvalid (cycle, too-large)."""
        child = place.children.get(node.id)
        if child is not None:
            return child
        graph = self.definition(node)
        if graph is None:
            return None
        self._refuse_endless(place, node, graph)
        child = Place(graph, self.layout(graph), place, node)
        place.children[node.id] = child
        return child

    def walk(self) -> Iterator[Place]:
        """The root and the inside of every active instance, outer ones first, in the file's order."""
        waiting = [self.root]
        while waiting:
            place = waiting.pop()
            yield place
            inner = [self.inside(place, node) for node in place.graph.nodes.values() if node.active]
            waiting.extend(reversed([child for child in inner if child is not None]))

    def _refuse_endless(self, place: Place, node: EditorNode, graph: EditorGraph) -> None:
        told = f"the subgraph {shown(graph.name or graph.id)}"
        if any(outer.graph.id == graph.id for outer in place.outwards()):
            raise self._refusal("cycle", place, node, f"{told} contains itself.", "Take its node out of the subgraph.")
        if place.depth >= DEEPEST:
            said = f"{told} stands in {place.depth} others; {DEEPEST} are allowed."
            raise self._refusal("too-large", place, node, said, "Unpack some of them.")
        self._left -= len(graph.nodes) + 1
        if self._left < 0:
            said = f"unfolding {told} makes more than {MOST_NODES} nodes."
            raise self._refusal("too-large", place, node, said, "Use fewer copies of nested subgraphs.")

    def _refusal(self, code: str, place: Place, node: EditorNode, said: str, fix: str) -> GraphInvalid:
        found: dict[str, object] = {"code": code, "node": clipped(place.id_of(node)), "title": clipped(node.title)}
        return GraphInvalid([Problem.model_validate({**found, "file": self._name, "said": said, "fix": fix})])
