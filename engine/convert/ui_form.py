"""A graph in the editor's own format: nodes with positions, a table of links, and both of them knowing each other."""

from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from engine.convert.loaders import ADDED, BASE, LoaderClass, by_name
from engine.convert.memory import UiMemory, is_sound
from engine.convert.rewriting import MEMORY, Addition, Found, Rewrite, retitled, values_of
from engine.convert.ui_hosts import Hosts
from engine.convert.ui_links import INSIDE, rows
from engine.convert.ui_places import box_of, room

KEPT_KEYS = ("type", "title", "properties", "widgets_values", "widgets_values_named", "inputs", "outputs")
"""What a conversion may change of a node, and brings back."""
OF_THE_OLD_CLASS = ("models", "cnr_id", "aux_id", "ver")
"""Properties that say where the old class comes from, and where to download its file."""
WIDTH, SLOT, WIDGET = 315.0, 24.0, 24.0
"""Room that a node takes, its slots and its widgets, in the editor's pixels."""


class Ids:
    """Fresh ids for one document. The counters that editors keep are raised, and put back when all is undone."""

    def __init__(self, root: dict[str, Any], parts: list[dict[str, Any]]) -> None:
        """parts: the subgraphs, which share one numbering with the root."""
        self._root, self._parts = root, parts

    def fresh(self) -> int:
        """One more than the largest in use anywhere."""
        held = [node["id"] for part in (self._root, *self._parts) for node in part["nodes"]]
        counted = [last for part in (self._root, *self._parts) for last in self.counters(part).values()]
        return max((each for each in (*held, *counted) if isinstance(each, int)), default=0) + 1

    def counters(self, graph: dict[str, Any]) -> dict[str, int]:
        """The counters of node ids that a graph keeps, by name."""
        state = graph.get("state")
        inner = state.get("lastNodeId") if isinstance(state, dict) else None
        found = {"last_node_id": graph.get("last_node_id"), "lastNodeId": inner}
        return {name: last for name, last in found.items() if isinstance(last, int)}

    def count(self, graph: dict[str, Any], numbers: dict[str, int]) -> None:
        """Set counters."""
        for name, number in numbers.items():
            (graph if name == "last_node_id" else graph["state"])[name] = number


class UiGraph:
    """An editor's graph, or a subgraph of one, changed in place.

    A converted loader's properties remember: was (what it had of KEPT_KEYS), now, added: id to what it is and which
    slots it took over, hosts: values of subgraph instances, last: counters of ids before and after.
    """

    def __init__(self, graph: dict[str, Any], ids: Ids, hosts: Hosts, name: str | None = None) -> None:
        """graph: of the document itself. ids, hosts: of the whole document. name: of the subgraph."""
        self._graph, self._ids, self._hosts, self.name = graph, ids, hosts, name
        self.notes: list[str] = []

    def _node(self, name: str) -> dict[str, Any]:
        return next(node for node in self._graph["nodes"] if str(node["id"]) == name)

    def wires(self) -> dict[str, tuple[str, int]]:
        """Every link: the input it feeds to the node and slot that feed it."""
        return {reader: origin for reader, origin, _ in self._wired()}

    def _wired(self) -> Iterator[tuple[str, tuple[str, int], str]]:
        """(reader, origin, link id). What feeds an input is what the input says, not what the table does."""
        names = {
            str(slot["link"]): str(slot.get("name"))
            for node in self._graph["nodes"]
            for slot in node.get("inputs") or []
            if slot.get("link") is not None
        }
        for row in rows(self._graph):
            yield f"{row.target}.{names.get(row.id, row.target_slot)}", row.origin, row.id

    def found(self) -> list[Found]:
        """Base-model loaders in the file's order."""
        readers: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for reader, (origin, slot), _ in self._wired():
            readers[origin][slot].append(reader)
        held = (node for node in self._graph["nodes"] if node["type"] in BASE)
        return [self._loader(node, dict(readers.get(str(node["id"]), {}))) for node in held]

    def _loader(self, node: dict[str, Any], readers: dict[int, list[str]]) -> Found:
        loader = BASE[node["type"]]
        values = values_of(node["type"], node.get("widgets_values"))
        promoted = self._promoted(node)
        if promoted is not None:
            shown = self._hosts.values(self._graph, promoted, str(node["id"]), loader.file_field)
            if shown:
                values[loader.file_field] = shown[0] if len(set(shown)) == 1 else None
        title = node.get("title")
        return Found(
            str(node["id"]), title if isinstance(title, str) else None, loader, values, readers, self._linked(node)
        )

    def _linked(self, node: dict[str, Any]) -> tuple[str, ...]:
        """Widgets fed by other nodes; one shown on the subgraph's own face is not, unless a node feeds it there."""
        loader = BASE[node["type"]]
        linked = [str(slot.get("name")) for slot in node.get("inputs") or [] if slot.get("link") is not None]
        promoted = self._promoted(node)
        free = promoted is not None and not self._hosts.linked(self._graph, promoted)
        return tuple(name for name in linked if name != loader.file_field or not free)

    def _promoted(self, node: dict[str, Any]) -> int | None:
        """The number of the subgraph input that the file's name comes in by, or None."""
        field = BASE[node["type"]].file_field
        link = next((slot.get("link") for slot in node.get("inputs") or [] if slot.get("name") == field), None)
        for row in rows(self._graph) if link is not None else ():
            if row.id == str(link) and row.origin[0] == INSIDE and isinstance(row.origin[1], int):
                return row.origin[1]
        return None

    def rewrite(self, node: str, change: Rewrite) -> list[str]:
        """Change a loader, add what is to be added, and hand over the links."""
        held = self._node(node)
        old = BASE[held["type"]]
        was = {key: deepcopy(held[key]) for key in KEPT_KEYS if key in held}
        if isinstance(was.get("properties"), dict):
            was["properties"].pop(MEMORY, None)  # of an earlier conversion that was edited since
        before = self._ids.counters(self._graph)
        promoted = self._promoted(held)
        hosts = []
        if promoted is not None:
            field, value = change.loader.file_field, change.values[change.loader.file_field]
            hosts = self._hosts.change(self._graph, promoted, node, old.file_field, field, value)
        added = {self._add(held, addition): addition for addition in change.additions}
        self._dress(held, old, change)
        memory = {
            "was": was,
            "now": _state(held),
            "added": {
                name: {"slots": [list(pair) for pair in addition.slots.items()], **_state(self._node(name))}
                for name, addition in added.items()
            },
            "hosts": hosts,
            "last": [before, self._ids.counters(self._graph)],
        }
        properties = held.get("properties")
        kept = {} if not isinstance(properties, dict) else properties
        kept = {key: value for key, value in kept.items() if key not in OF_THE_OLD_CLASS}
        held["properties"] = {**kept, "Node name for S&R": change.loader.class_type, MEMORY: memory}
        return list(added)

    def _dress(self, held: dict[str, Any], old: LoaderClass, change: Rewrite) -> None:
        """Give a node another class: type, title, widgets, slots."""
        held["type"] = change.loader.class_type
        if "title" in held:
            held["title"] = retitled(held["title"], old, change.loader)
        by_key = isinstance(held.get("widgets_values"), dict)
        held["widgets_values"] = dict(change.values) if by_key else list(change.values.values())
        if "widgets_values_named" in held:
            held["widgets_values_named"] = dict(change.values)
        if isinstance(held.get("outputs"), list):
            held["outputs"] = held["outputs"][: len(change.loader.outputs)]
        if isinstance(held.get("inputs"), list):
            slots = [_renamed(slot, old.file_field, change.loader.file_field) for slot in held["inputs"]]
            held["inputs"] = [slot for slot in slots if "widget" not in slot or slot.get("name") in change.values]

    def _add(self, beside: dict[str, Any], addition: Addition) -> str:
        """Put a loader beside the old one and let the links come from it."""
        number, loader = self._ids.fresh(), addition.loader
        size = (WIDTH, SLOT * len(loader.outputs) + WIDGET * len(loader.widgets) + 10)
        place = room(box_of(beside), size, [box_of(node) for node in self._graph["nodes"]])
        outputs: list[dict[str, Any]] = [
            {"name": wire, "type": wire, "links": [], "slot_index": slot} for slot, wire in enumerate(loader.outputs)
        ]
        self._graph["nodes"].append(
            {
                "id": number,
                "type": loader.class_type,
                "pos": place,
                "size": list(size),
                "flags": {},
                "order": beside.get("order", 0),
                "mode": beside.get("mode", 0),
                "inputs": [],
                "outputs": outputs,
                "properties": {"Node name for S&R": loader.class_type},
                "widgets_values": list(addition.values.values()),
            }
        )
        for row in rows(self._graph):
            origin, slot = row.origin
            if origin == str(beside["id"]) and slot in addition.slots:
                row.move(number, addition.slots[slot])
                outputs[addition.slots[slot]]["links"].append(row.raw_id)
        for old in addition.slots:
            if old < len(beside.get("outputs") or []):
                beside["outputs"][old]["links"] = []
        self._ids.count(self._graph, {name: max(number, last) for name, last in self._counters().items()})
        return str(number)

    def _counters(self) -> dict[str, int]:
        return self._ids.counters(self._graph)

    def remembers(self, node: str) -> bool | None:
        """Whether a loader can be turned back; None if it, or what was added for it, was edited since."""
        properties = self._node(node).get("properties")
        memory = properties.get(MEMORY) if isinstance(properties, dict) else None
        if memory is None:
            return False
        if not is_sound(UiMemory, memory) or memory["was"]["type"] not in BASE:
            return None
        there = {str(each["id"]): each for each in self._graph["nodes"]}
        states = {node: memory["now"], **memory["added"]}
        same = all(name in there and _agrees(there[name], state) for name, state in states.items())
        same = same and all(not _fed(there[name]) for name in memory["added"])
        return True if same and self._hosts.unchanged(memory["hosts"]) else None

    def history(self, node: str) -> list[tuple[str, dict[str, Any]]]:
        """What a loader was, then what was added for it."""
        memory = self._node(node)["properties"][MEMORY]
        hosts = [step["was"] for step in memory["hosts"] if "at" in step]
        found = []
        for state in (memory["was"], *memory["added"].values()):
            known = {**BASE, **ADDED}.get(state["type"])
            if known is not None:
                found.append((known.class_type, by_name(known, state.get("widgets_values"))))
        if hosts:
            found[0][1][BASE[found[0][0]].file_field] = hosts[0]
        return found

    def undo(self, node: str) -> list[str]:
        """Give a loader its class, widgets, slots and links back; what was added for it goes."""
        held = self._node(node)
        memory = held["properties"][MEMORY]
        for name, state in memory["added"].items():
            back = {new: old for old, new in state["slots"]}
            for row in rows(self._graph):
                if row.origin[0] == name:
                    row.move(held["id"], back.get(row.origin[1], row.origin[1]))
            self._graph["nodes"].remove(self._node(name))
        self._undress(held, memory["was"])
        self._hosts.restore(memory["hosts"])
        self._count_back(*memory["last"])
        return list(memory["added"])

    def _count_back(self, before: dict[str, int], after: dict[str, int]) -> None:
        """Counters as they were before, unless somebody has counted on since, and never behind an id in use."""
        used = max((node["id"] for node in self._graph["nodes"] if isinstance(node["id"], int)), default=0)
        for name, last in self._counters().items():
            if last == after.get(name) and name in before and before[name] >= used:
                self._ids.count(self._graph, {name: before[name]})

    def _undress(self, held: dict[str, Any], was: dict[str, Any]) -> None:
        """What a node was, with the links it has now and the title a person may have given it since."""
        titled = held.get("title") == retitled(was.get("title"), BASE[was["type"]], BASE[held["type"]])
        for key in KEPT_KEYS:
            if key == "title" and not titled:
                continue
            if key in was:
                held[key] = was[key]
            else:
                held.pop(key, None)
        for slot, output in enumerate(held.get("outputs") or []):
            there = {row.id: row.raw_id for row in rows(self._graph) if row.origin == (str(held["id"]), slot)}
            kept = [link for link in output.get("links") or [] if str(link) in there]
            more = [raw for name, raw in there.items() if name not in {str(link) for link in kept}]
            if kept or more or output.get("links"):
                output["links"] = kept + more


def _state(node: dict[str, Any]) -> dict[str, Any]:
    """What tells whether somebody has edited a loader since."""
    return {"type": node["type"], "widgets_values": deepcopy(node.get("widgets_values"))}


def _agrees(node: dict[str, Any], state: dict[str, Any]) -> bool:
    """Whether a loader is as it was left. Editors may have written its widgets by name, or more of them, since."""
    if node["type"] != state["type"]:
        return False
    known = BASE.get(node["type"])
    if known is None:
        return bool(node.get("widgets_values") == state["widgets_values"])
    return by_name(known, node.get("widgets_values")) == by_name(known, state["widgets_values"])


def _fed(node: dict[str, Any]) -> bool:
    """Whether a widget of a loader is fed by another node."""
    return any(slot.get("link") is not None for slot in node.get("inputs") or [])


def _renamed(slot: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """An input slot of the file widget under its new name."""
    if slot.get("name") != old or old == new:
        return slot
    renamed = {key: new if value == old and key in ("name", "localized_name") else value for key, value in slot.items()}
    if isinstance(slot.get("widget"), dict):
        renamed["widget"] = {**slot["widget"], "name": new}
    return renamed
