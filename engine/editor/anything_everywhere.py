"""Links that the nodes of cg-use-everywhere make without drawing them, drawn into the graph before it is translated.

Files of its newer versions note these links in `extra.ue_links`; where they do not, or the note fits the graph no
more, the rules say where a thing goes: to unlinked inputs of its type, the most restricted sender first.
"""

from collections.abc import Iterator
from typing import Any

from engine.editor.broadcasts import SEED_EVERYWHERE, Broadcast, Groups, NotUnderstood, broadcasts_of, is_sender
from engine.editor.graph import INPUT_SIDE, MUTED, OUTPUT_SIDE, EditorFile, EditorGraph, EditorLink, EditorNode, Slot
from engine.editor.graph_reading import definitions_in, text_id
from engine.reading.printable import listed, unquoted

_MOST_SENDERS = 100
"""Things sent in one graph; real ones have a dozen."""
_MOST_NAMED = 4
_FACE = EditorNode(OUTPUT_SIDE, "outputs of the subgraph")


def connect(file: EditorFile, raw: dict[str, Any]) -> None:
    """Draw the links that senders make, in every graph of the file, with a remark for each sender.

    Goes before group nodes are unfolded, as they may be fed too. raw: the file as it was read. Seed Everywhere becomes
    PrimitiveInt, as in cg-use-everywhere since 7.4.
    """
    parts = {name: part for part in definitions_in(raw) if (name := text_id(part.get("id"))) is not None}
    for graph, part in ((file.root, raw), *((graph, parts.get(name, {})) for name, graph in file.definitions.items())):
        if any(is_sender(node) for node in graph.nodes.values()):
            _Drawing(graph, part).draw(file.remarks)
        for node in graph.nodes.values():
            if node.type == SEED_EVERYWHERE:
                node.type = "PrimitiveInt"
                file.remarks.append(f"the node {node.id} {SEED_EVERYWHERE} is taken as a PrimitiveInt")


class _Drawing:
    """The links of the senders of one graph. drawn: for each sender, thing and origin the inputs that get it."""

    def __init__(self, graph: EditorGraph, part: dict[str, Any]) -> None:
        extra, held = part.get("extra"), part.get("groups")
        noted = extra.get("ue_links") if isinstance(extra, dict) else None
        self._noted: list[Any] = noted if isinstance(noted, list) else []
        self._graph, self._groups = graph, Groups(graph, held)
        self._drawn: dict[tuple[str, str, int], list[str]] = {}
        self._modern = any(_connectable(node) is not None for node in graph.nodes.values())

    def draw(self, remarks: list[str]) -> None:
        """Link what the file notes, and if it notes nothing or some of it does not fit, what the rules say."""
        fits = [self._link_noted(entry) for entry in self._noted]
        if not fits or not all(fits):
            self._follow_rules(remarks)
        for (sender, origin, slot), targets in self._drawn.items():
            remarks.append(f"{sender} feeds output {slot} of {origin} to {listed(targets, _MOST_NAMED)}")

    def _link_noted(self, entry: Any) -> bool:
        """Draw a link as the file notes it. False if it does not fit: its ends are gone, or of other types."""
        if not isinstance(entry, dict):
            return False
        sender, target = (self._graph.nodes.get(text_id(entry.get(key)) or "") for key in ("controller", "downstream"))
        origin, slot, number = text_id(entry.get("upstream")), entry.get("upstream_slot"), entry.get("downstream_slot")
        if sender is None or target is None or not is_sender(sender) or not isinstance(slot, int) or slot < 0:
            return False
        if not isinstance(number, int) or not 0 <= number < len(target.inputs):
            return False
        kind, wanted = entry.get("type"), target.inputs[number].type
        if origin is None or not self._is_live(origin) or (kind != wanted and "*" not in (kind, wanted)):
            return False
        if self._is_free(target.inputs[number]):
            self._link(sender, origin, slot, target, number, wanted)
        return True

    def _is_free(self, slot: Slot) -> bool:
        return slot.link is None or slot.link not in self._graph.links

    def _follow_rules(self, remarks: list[str]) -> None:
        by_type: dict[str, list[Broadcast]] = {}
        for sent in self._broadcasts(remarks):
            kinds = [sent.type, *["COMBO"] * sent.texts_to_choices, *["*"] * sent.to_any]
            for kind in dict.fromkeys(kinds):
                by_type.setdefault(kind, []).append(sent)
        for node, number, slot in list(self._open_inputs()):
            fitting = [sent for sent in by_type.get(slot.type, []) if sent.reaches(node, slot)]
            best = max((sent.priority for sent in fitting), default=0)
            first = [sent for sent in fitting if sent.priority == best]
            if len(first) == 1:
                self._link(first[0].sender, first[0].origin, first[0].slot, node, number, first[0].type)
            elif first:
                names = " and ".join(_told(sent.sender) for sent in first[:_MOST_NAMED])
                remarks.append(f"{_told(node)}.{slot.name} is fed by none of {names}, which both reach it")

    def _broadcasts(self, remarks: list[str]) -> Iterator[Broadcast]:
        left = _MOST_SENDERS
        for node in self._graph.nodes.values():
            if not is_sender(node):
                continue
            try:
                found = broadcasts_of(self._graph, node, self._groups)
            except NotUnderstood as error:
                remarks.append(f"{_told(node)} sends nothing: {error} is not understood")
                continue
            left -= len(found)
            if left < 0:
                remarks.append(
                    f"{_told(node)} and those after it send nothing: more than {_MOST_SENDERS} things are sent"
                )
                return
            yield from (sent for sent in found if self._is_live(sent.origin))

    def _is_live(self, origin: str) -> bool:
        node = self._graph.nodes.get(origin)
        return origin == INPUT_SIDE or (node is not None and node.mode != MUTED)

    def _open_inputs(self) -> Iterator[tuple[EditorNode, int, Slot]]:
        """Inputs that senders may feed: unlinked sockets, and widgets that were told to accept."""
        for node in self._graph.nodes.values():
            if not _is_own_type(node) and not node.properties.get("rejects_ue_links"):
                for number, slot in enumerate(node.inputs):
                    if self._is_free(slot) and self._accepts(node, slot):
                        yield node, number, slot
        for number, (slot, names) in enumerate(zip(self._graph.outputs, self._graph.output_links, strict=False)):
            if not any(name in self._graph.links for name in names):
                yield _FACE, number, slot

    def _accepts(self, node: EditorNode, slot: Slot) -> bool:
        """Widgets accept where the node says so; in files from before 1.16 those that were made sockets do."""
        if slot.widget is not None:
            return bool((_connectable(node) or {}).get(slot.name)) if self._modern else True
        held = node.properties.get("ue_properties")
        closed = held.get("input_ue_unconnectable") if isinstance(held, dict) else None
        return not (isinstance(closed, dict) and closed.get(slot.name))

    def _link(self, sender: EditorNode, origin: str, slot: int, target: EditorNode, number: int, kind: str) -> None:
        name = f"{sender.id} everywhere {len(self._graph.links)}"
        while name in self._graph.links:
            name += "'"
        self._graph.links[name] = EditorLink(name, origin, slot, target.id, number, kind)
        if target is _FACE:
            self._graph.output_links[number].append(name)
            field = self._graph.outputs[number].name
        else:
            target.inputs[number].link = name
            field = target.inputs[number].name
        source = self._graph.nodes.get(origin)
        told = _told(source) if source is not None else "the subgraph's inputs"
        self._drawn.setdefault((_told(sender), told, slot), []).append(f"{_told(target)}.{field}")


def _is_own_type(node: EditorNode) -> bool:
    """Whether the node is one of cg-use-everywhere's own, muted or not."""
    return node.type.startswith("Anything Everywhere") or node.type in ("Prompts Everywhere", SEED_EVERYWHERE)


def _connectable(node: EditorNode) -> dict[str, Any] | None:
    """Widgets that accept what is sent, by name, as the node notes it; None in files from before editors' 1.16."""
    held = node.properties.get("ue_properties")
    found = held.get("widget_ue_connectable") if isinstance(held, dict) else None
    found = found if found is not None else node.properties.get("widget_ue_connectable")
    return found if isinstance(found, dict) else None


def _told(node: EditorNode) -> str:
    return node.type if node is _FACE else unquoted(f"{node.id} {node.title or node.type}")
