"""Resolving: what feeds an input once everything that lives in the editor alone is walked through.

Upstream through subgraph boundaries, reroutes, named values, bypassed nodes, until a node that runs, a literal, or
nothing.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.editor.graph import BYPASSED, INPUT_SIDE, MUTED, EditorLink, EditorNode
from engine.editor.places import Place, Places
from engine.editor.promoted import Promoted
from engine.editor.remarks import Remark
from engine.editor.virtual_nodes import VirtualNodes, is_primitive, is_virtual, primitive_key, primitive_value
from engine.errors import GraphInvalid
from engine.reading.printable import clipped, shown
from schemas.node import MISSING
from schemas.report import Problem
from schemas.workflow import Origin

ANY = ("", "*")


@dataclass(frozen=True, slots=True)
class Wire:
    """An output of a node that runs. node: its id in the prompt."""

    node: str
    slot: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in place of a link. origin: where the file keeps it.

    primitive: the node that writes it, as if it had been typed into the widget.
    """

    value: Any
    origin: Origin
    primitive: EditorNode | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """Nothing, because the one subgraph of a file has an input that is left open. name: of that input."""

    name: str


Source = Wire | Literal | Opening | None


class _Stop(NamedTuple):
    """The end of a walk."""

    source: Source


class _Linked(NamedTuple):
    """The next step of a walk: a link where it stands."""

    place: Place
    link: EditorLink


_Step = _Linked | _Stop


class Resolver:
    """Resolves inputs of one file, remembering every link it has walked."""

    def __init__(self, name: str, places: Places, promoted: Promoted, remark: Remark) -> None:
        """name: the file, for messages. remark: hears of links that lead nowhere, with the node where they end."""
        self._name, self._places, self._promoted, self._remark = name, places, promoted, remark
        self._virtual = VirtualNodes()
        self._known: dict[tuple[str, str, str], Source] = {}
        self._passing: dict[int, dict[tuple[str, str], int | None]] = {}

    def source(self, place: Place, node: EditorNode, index: int) -> Source:
        """What feeds input `index` of a node. Raises GraphInvalid (cycle) for links that run in a ring.

        Nothing, if the link leads to a muted node or nowhere: then the input's own widget counts, as in the editor,
        and not the value of a subgraph's node on the way.
        """
        wanted = node.inputs[index].type
        walked: dict[tuple[str, str, str], None] = {}
        step = self._linked(place, node, index)
        while isinstance(step, _Linked):
            key = (step.place.path, step.link.id, wanted)
            if key in walked:
                raise self._ring(step)
            if key in self._known:
                step = _Stop(self._known[key])
                break
            walked[key] = None
            step = self._follow(step, wanted)
        self._known.update(dict.fromkeys(walked, step.source))
        return step.source

    def _linked(self, place: Place, node: EditorNode, index: int) -> _Step:
        """The link to an input; one that is not in the table counts as none."""
        name = node.inputs[index].link if index < len(node.inputs) else None
        link = place.graph.links.get(name) if name is not None else None
        if link is None:
            if name is not None:
                slot = shown(node.inputs[index].name)
                self._remark(place, node, f"the link {shown(name)} to its input {slot} is not in the table of links")
            return _Stop(None)
        return _Linked(place, link)

    def _follow(self, at: _Linked, wanted: str) -> _Step:
        """The step behind a link."""
        place, link = at
        if link.origin == INPUT_SIDE:
            return self._through_face(place, link.origin_slot)
        origin = place.graph.nodes.get(link.origin)
        if origin is None:
            target = place.graph.nodes.get(link.target)
            if target is not None:
                self._remark(place, target, f"a link comes from node {shown(link.origin)}, which is not there")
            return _Stop(None)
        return self._behind(place, origin, link.origin_slot, wanted)

    def _through_face(self, place: Place, number: int) -> _Step:
        """From an input of a subgraph to what is linked to the subgraph's node; else its promoted value counts."""
        if place.parent is None or place.instance is None or not 0 <= number < len(place.graph.inputs):
            return _Stop(None)
        outer = place.outer_inputs[number]
        if outer is not None and place.instance.inputs[outer].link is not None:
            step = self._linked(place.parent, place.instance, outer)
            if isinstance(step, _Linked):
                return step
        held = self._promoted.value(place, number)
        if held is not None:
            return _Stop(Literal(held.value, held.origin))
        return _Stop(Opening(place.graph.inputs[number].name) if place.parent.parent is None else None)

    def _behind(self, place: Place, origin: EditorNode, slot: int, wanted: str) -> _Step:
        """The step behind an output of a node."""
        if is_primitive(origin):
            return _Stop(self._written(place, origin))
        if origin.mode == MUTED:
            self._remark(place, origin, "muted, so nothing comes out for the nodes that read it")
            return _Stop(None)
        if is_virtual(origin.type):
            return self._behind_virtual(place, origin, slot)
        if origin.mode == BYPASSED:
            return self._behind_bypassed(place, origin, slot, wanted)
        inner = self._places.inside(place, origin)
        if inner is None:
            return _Stop(Wire(place.id_of(origin), slot))
        link = inner.layout.sources.get(slot)
        return _Stop(None) if link is None else _Linked(inner, link)

    def _written(self, place: Place, primitive: EditorNode) -> Literal | None:
        """What a primitive writes: what the subgraph's node says of it, else its own value."""
        said = next(iter(self._promoted.hosts(place).by_widget.get(primitive.id, {}).values()), None)
        if said is not None:
            return Literal(said.value, said.origin)
        value = primitive_value(primitive)
        if value is MISSING:
            return None
        return Literal(value, primitive.origin(primitive_key(primitive), ""), primitive)

    def _behind_virtual(self, place: Place, origin: EditorNode, slot: int) -> _Step:
        around = list(place.outwards())
        found = self._virtual.upstream([each.graph for each in around], origin, slot)
        if found is None:
            self._remark(place, origin, "it leads nowhere: nothing feeds it")
            return _Stop(None)
        outward, name, index = found
        return self._linked(around[outward], around[outward].graph.nodes[name], index)

    def _behind_bypassed(self, place: Place, origin: EditorNode, slot: int, wanted: str) -> _Step:
        index = passing_input(origin, slot, wanted, self._passing.setdefault(id(origin), {}))
        if index is None:
            self._remark(place, origin, f"bypassed, but none of its inputs fits its output {slot}: nothing comes out")
            return _Stop(None)
        return self._linked(place, origin, index)

    def _ring(self, at: _Linked) -> GraphInvalid:
        """The refusal of links that lead back to themselves without any node that runs between them."""
        node = at.place.graph.nodes.get(at.link.origin)
        told = shown(at.place.path + at.link.origin)
        said = f"the links through node {told} lead back to it, and no node that runs lies between."
        fix = "Cut one of them."
        title, kind = (node.title, node.type) if node is not None else (None, None)
        name = clipped(at.place.path + at.link.origin)
        problem = Problem(
            code="cycle", file=self._name, node=name, title=clipped(title), class_type=clipped(kind), said=said, fix=fix
        )
        return GraphInvalid([problem])


def passing_input(node: EditorNode, slot: int, wanted: str, known: dict[tuple[str, str], int | None]) -> int | None:
    """The input of a bypassed node that comes out of its output `slot` for a consumer of type `wanted`, or None.

    ComfyUI's rule: the input of the same number if its type fits both, else the first of the very type, else the first
    that fits both; for consumers of any type the input of the same number, else the first. known: answers about this
    node by the types of its output and of the consumer.
    """
    count = len(node.inputs)
    if not count:
        return None
    if wanted in ANY:
        return slot if 0 <= slot < count else 0
    given = node.outputs[slot].type if 0 <= slot < len(node.outputs) else "*"
    if 0 <= slot < count and fits(node.inputs[slot].type, given) and fits(node.inputs[slot].type, wanted):
        return slot
    if (given, wanted) not in known:
        known[given, wanted] = _first_fitting([entry.type for entry in node.inputs], given, wanted)
    return known[given, wanted]


def _first_fitting(types: list[str], given: str, wanted: str) -> int | None:
    if wanted in types:
        return types.index(wanted)
    return next((index for index, kind in enumerate(types) if fits(kind, given) and fits(kind, wanted)), None)


def fits(one: str, other: str) -> bool:
    """Whether sockets of two types may be linked: equal but for case, any type, or comma lists with a common member."""
    if one in ANY or other in ANY:
        return True
    ours, theirs = ({part.strip() for part in kind.casefold().split(",")} for kind in (one, other))
    return not ours.isdisjoint(theirs)
