"""Links that only the table of links knows: a node's inputs lack them, as in files written by hand or by programs.

An input that names its link decides; for the others ComfyUI's editor goes by the table. It counts a class's inputs as
it makes them itself, sockets before widgets, whatever the file lists.
"""

from engine.catalogue.catalogue import Find
from engine.editor.graph import EditorFile, EditorGraph, EditorLink, EditorNode, Slot
from engine.reading.printable import listed, shown, unquoted

MOST_NAMED = 3
"""Inputs that a remark names."""


def complete(file: EditorFile, find: Find) -> None:
    """Link the inputs that only the table says are linked, and remark on them. find: tells schemas of classes."""
    told: list[str] = []
    for graph in (file.root, *file.definitions.values()):
        named = {slot.link for node in graph.nodes.values() for slot in node.inputs}
        unnamed: dict[str, list[EditorLink]] = {}
        for link in graph.links.values():
            if link.id not in named and link.target in graph.nodes:
                unnamed.setdefault(link.target, []).append(link)
        for key, links in unnamed.items():
            node = graph.nodes[key]
            names = _link(graph, node, links, _slots(node, file.definitions.get(node.type), find))
            told += [f"{shown(name)} of {unquoted(key)} {unquoted(node.type)}" for name in names]
    if told:
        file.remarks.append(f"the table of links alone tells what feeds {listed(told, MOST_NAMED)}")


def _link(graph: EditorGraph, node: EditorNode, links: list[EditorLink], slots: list[Slot]) -> list[str]:
    """Link the inputs that links of the table end at, where they are free. Returns the names of those inputs."""
    there = {slot.name: slot for slot in reversed(node.inputs)}
    names = []
    for link in links:
        if not 0 <= link.target_slot < len(slots):
            continue
        meant = slots[link.target_slot]
        slot = there.get(meant.name)
        if slot is None:
            slot = there[meant.name] = meant
            node.inputs.append(slot)
        if slot.link is None or slot.link not in graph.links:
            slot.link = link.id
            names.append(slot.name)
    return names


def _slots(node: EditorNode, definition: EditorGraph | None, find: Find) -> list[Slot]:
    """A node's inputs in the order in which the editor makes them."""
    if definition is not None:
        return [Slot(face.name, face.type) for face in definition.inputs]
    schema = find(node.type)
    if schema is None or any(entry.growing or entry.options for entry in schema.inputs):
        return node.inputs
    ordered = sorted(schema.inputs, key=lambda entry: entry.is_widget)
    known = [Slot(each.name, each.type, widget=each.name if each.is_widget else None) for each in ordered]
    return known + [slot for slot in node.inputs if slot.name not in schema.by_name]
