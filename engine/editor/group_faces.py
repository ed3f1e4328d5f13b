"""The face of a group node: which inner sockets its own inputs and outputs stand for, found by their names.

Inputs are named after inner ones; a name that is taken gets the inner node's title before it, then a number too. As
names changed over the years, an input whose name is not found is matched by its ending and type, then by type alone.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.editor.graph import INPUT_SIDE, OUTPUT_SIDE, EditorLink, EditorNode, Slot
from engine.editor.group_definitions import Group
from engine.reading.printable import shown


@dataclass(frozen=True, slots=True)
class _Socket:
    """An inner socket that the group shows. own: its name on the inner node."""

    node: EditorNode
    slot: int
    name: str
    own: str
    type: str


def connect_faces(instance: EditorNode, group: Group) -> list[str]:
    """Give the group's graph the inputs and outputs of the node that stands for it. Returns what is to be told."""
    remarks: list[str] = []
    inputs, outputs = _open_inputs(group), _open_outputs(group)
    _connect_inputs(instance, group, inputs, remarks)
    _connect_outputs(instance, group, outputs, remarks)
    return remarks


def _connect_inputs(instance: EditorNode, group: Group, sockets: list[_Socket], remarks: list[str]) -> None:
    linked = [slot for slot in instance.inputs if slot.link is not None]
    graph = group.graph
    for slot, socket in zip(linked, _matched(linked, sockets), strict=True):
        if socket is None:
            remarks.append(f"its input {shown(slot.name)} is not found inside, so its link is dropped")
            continue
        link = EditorLink(
            f"in {len(graph.inputs)}", INPUT_SIDE, len(graph.inputs), socket.node.id, socket.slot, socket.type
        )
        graph.links[link.id] = link
        socket.node.inputs[socket.slot].link = link.id
        graph.inputs.append(Slot(slot.name, slot.type))
        graph.input_links.append([link.id])


def _connect_outputs(instance: EditorNode, group: Group, sockets: list[_Socket], remarks: list[str]) -> None:
    graph = group.graph
    in_order = len(sockets) == len(instance.outputs)
    found = list(sockets) if in_order else _matched(instance.outputs, sockets)
    for number, (slot, socket) in enumerate(zip(instance.outputs, found, strict=True)):
        graph.outputs.append(Slot(slot.name, slot.type))
        graph.output_links.append([])
        if socket is None:
            remarks.append(f"its output {shown(slot.name)} is not found inside")
            continue
        link = EditorLink(f"out {number}", socket.node.id, socket.slot, OUTPUT_SIDE, number, socket.type)
        graph.links[link.id] = link
        graph.output_links[number].append(link.id)


def _open_inputs(group: Group) -> list[_Socket]:
    """Inner inputs that nothing inside feeds, in order; those that stand for widgets come last."""
    plain: list[tuple[EditorNode, int]] = []
    converted: list[tuple[EditorNode, int]] = []
    for node in group.nodes.values():
        for number, slot in enumerate(node.inputs):
            if slot.link is None:
                (converted if slot.widget is not None else plain).append((node, number))
    seen: dict[str, int] = {}
    found = (_input_socket(group, node, number, seen) for node, number in (*plain, *converted))
    return [socket for socket in found if socket is not None]


def _input_socket(group: Group, node: EditorNode, number: int, seen: dict[str, int]) -> _Socket | None:
    """An open input with its name on the group, or None if it is hidden. seen: how often names were given."""
    slot = node.inputs[number]
    own, kind = slot.name, slot.type
    if node.type == "Reroute":
        own = kind = group.type_of(node)
    setting = group.setting(node, "input", own)
    renamed = setting.get("name")
    name = key = renamed if isinstance(renamed, str) and renamed else slot.label or own
    if name in seen:
        title = node.title or node.type
        name = key = f"{title} {own}"
        if name in seen:
            name = f"{title} {seen[key]} {own}"
    seen[key] = seen.get(key, 1) + 1
    return None if setting.get("visible") is False else _Socket(node, number, name, own, kind)


def _open_outputs(group: Group) -> list[_Socket]:
    """Inner outputs that lead nowhere inside or outside too, in order, as far as the settings do not say otherwise."""
    found = []
    for node in group.nodes.values():
        for number, slot in enumerate(node.outputs):
            place, setting = (node.id, number), group.setting(node, "output", str(number))
            shows = setting.get("visible")
            if shows is True or (shows is None and (place not in group.fed_from or place in group.external)):
                kind = group.type_of(node) if node.type == "Reroute" else slot.type
                renamed = setting.get("name")
                name = renamed if isinstance(renamed, str) and renamed else slot.label or slot.name or kind
                found.append(_Socket(node, number, name, slot.name or kind, kind))
    return found


def _matched(wanted: list[Slot], sockets: list[_Socket]) -> list[_Socket | None]:
    """For each wanted slot the inner socket it stands for: by name; else by its ending and type; else by type."""
    found: list[_Socket | None] = [None] * len(wanted)
    free = dict(enumerate(sockets))
    for slot_keys, socket_key, guess in _WAYS:
        waiting: dict[Any, deque[int]] = {}
        for number, socket in free.items():
            waiting.setdefault(socket_key(socket), deque()).append(number)
        left = [number for number, socket in enumerate(found) if socket is None]
        asking = Counter(key for number in left for key in slot_keys(wanted[number]))
        for number in left:
            keys = (key for key in slot_keys(wanted[number]) if waiting.get(key))
            key = next(keys, None)
            if key is not None and not (guess and asking[key] > len(waiting[key])):
                found[number] = free.pop(waiting[key].popleft())
                asking[key] -= 1
    return found


def _endings(slot: Slot) -> list[Any]:
    """The name less its first words, one by one, with the type: "<title> <name>" may have spaces in either."""
    words = slot.name.split(" ")[-_MOST_WORDS:]
    return [(" ".join(words[start:]), slot.type) for start in range(len(words))]


_MOST_WORDS = 16
_WAYS: tuple[tuple[Callable[[Slot], list[Any]], Callable[[_Socket], Any], bool], ...] = (
    (lambda slot: [slot.name], lambda socket: socket.name, False),
    (_endings, lambda socket: (socket.own, socket.type), False),
    (lambda slot: [slot.type], lambda socket: socket.type, True),
)
"""Ways to find a socket, best first: the keys of a slot, of which the first that is there counts; the key of a socket;
whether it is a guess, not to be made if there are fewer sockets than slots."""
