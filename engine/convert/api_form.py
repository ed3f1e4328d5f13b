"""A graph in API format: {id: {class_type, inputs, _meta}}, links as [id, slot]."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from engine.convert.loaders import BASE
from engine.convert.memory import ApiMemory, is_sound
from engine.convert.rewriting import MEMORY, Addition, Found, Rewrite, retitled
from schemas.prompt import link_of


class ApiGraph:
    """The nodes of an API-format object, changed in place.

    A converted loader's `_meta` remembers: was (class_type, inputs, title; meta: whether there was a `_meta`), now, and
    added: id to what it is and which slots it took over.
    """

    name: str | None = None

    def __init__(self, nodes: dict[str, Any]) -> None:
        """nodes: of the document itself, not a copy. What is no node is passed over."""
        self._all = nodes
        self.notes: list[str] = []

    def _nodes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, node in self._all.items():
            if isinstance(node, dict) and isinstance(node.get("class_type"), str):
                yield name, node

    def _links(self) -> Iterator[tuple[dict[str, Any], str, str, str, int]]:
        """(inputs they stand in, name there, reader, origin, slot) of every link."""
        for name, node in self._nodes():
            inputs = node.get("inputs")
            inputs = inputs if isinstance(inputs, dict) else {}
            for field, value in inputs.items():
                link = link_of(value)
                if link is not None:
                    yield inputs, field, f"{name}.{field}", link.node, link.slot

    def wires(self) -> dict[str, tuple[str, int]]:
        """Every link: the input it feeds to the node and slot that feed it."""
        return {reader: (origin, slot) for _, _, reader, origin, slot in self._links()}

    def found(self) -> list[Found]:
        """Base-model loaders in the file's order."""
        readers: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for _, _, reader, origin, slot in self._links():
            readers[origin][slot].append(reader)
        return [
            self._loader(name, node, readers.get(name, {}))
            for name, node in self._nodes()
            if node["class_type"] in BASE
        ]

    def _loader(self, name: str, node: dict[str, Any], readers: dict[int, list[str]]) -> Found:
        inputs = node.get("inputs") or {}
        linked = tuple(field for field, value in inputs.items() if link_of(value) is not None)
        title = _meta(node).get("title")
        loader = BASE[node["class_type"]]
        return Found(name, title if isinstance(title, str) else None, loader, dict(inputs), dict(readers), linked)

    def rewrite(self, node: str, change: Rewrite) -> list[str]:
        """Change a loader and move the links of outputs it does not have any more."""
        held = self._all[node]
        old = BASE[held["class_type"]]
        title = _meta(held).get("title")
        was = {"class_type": held["class_type"], "inputs": held.get("inputs"), "meta": "_meta" in held, "title": title}
        added, moved = {}, {}
        for addition in change.additions:
            name = self._fresh()
            added[name], moved[name] = addition, self._take_over(node, name, addition)
        held["class_type"], held["inputs"] = change.loader.class_type, dict(change.values)
        memory = {
            "was": was,
            "now": {"class_type": held["class_type"], "inputs": dict(change.values)},
            "added": {
                name: {
                    "slots": [list(pair) for pair in addition.slots.items()],
                    "odd": moved[name],
                    **self._state(name),
                }
                for name, addition in added.items()
            },
        }
        meta = {**_meta(held), MEMORY: memory}
        if "title" in meta:
            meta["title"] = retitled(title, old, change.loader)
        held["_meta"] = meta
        return list(added)

    def _fresh(self) -> str:
        """An id that nobody has: one more than the largest number in use. Ids of subgraphs' nodes begin with it."""
        numbers = (part for name in self._all for part in str(name).split(":"))
        return str(max((int(part) for part in numbers if part.isdecimal()), default=0) + 1)

    def _take_over(self, node: str, name: str, addition: Addition) -> dict[str, Any]:
        """Add a loader and give it the old one's links. Returns those links that were not written as [text, number]."""
        values = dict(addition.values)
        self._all[name] = {
            "inputs": values,
            "class_type": addition.loader.class_type,
            "_meta": {"title": addition.loader.display_name},
        }
        odd = {}
        for inputs, field, reader, origin, slot in list(self._links()):
            if origin == node and slot in addition.slots:
                if not isinstance(inputs[field][0], str) or not isinstance(inputs[field][1], int):
                    odd[reader] = inputs[field]
                inputs[field] = [name, addition.slots[slot]]
        return odd

    def _state(self, name: str) -> dict[str, Any]:
        node = self._all.get(name)
        return {key: node.get(key) for key in ("class_type", "inputs")} if isinstance(node, dict) else {}

    def remembers(self, node: str) -> bool | None:
        """Whether a loader can be turned back; None if it, or what was added for it, was edited since."""
        memory = _meta(self._all[node]).get(MEMORY)
        if memory is None:
            return False
        if not is_sound(ApiMemory, memory) or memory["was"]["class_type"] not in BASE:
            return None
        states = {node: memory["now"], **memory["added"]}
        same = all(
            self._state(name) == {key: state[key] for key in ("class_type", "inputs")} for name, state in states.items()
        )
        return True if same else None

    def history(self, node: str) -> list[tuple[str, dict[str, Any]]]:
        """What a loader was, then what was added for it."""
        memory = _meta(self._all[node])[MEMORY]
        return [(state["class_type"], state["inputs"] or {}) for state in (memory["was"], *memory["added"].values())]

    def undo(self, node: str) -> list[str]:
        """Give a loader its class, inputs and links back; what was added for it goes."""
        held = self._all[node]
        memory = held["_meta"].pop(MEMORY)
        was = memory["was"]
        self._untitle(held, memory)
        held["class_type"], held["inputs"] = was["class_type"], was["inputs"]
        if was["inputs"] is None:
            del held["inputs"]
        if not was["meta"] and not held["_meta"]:
            del held["_meta"]
        for name, state in memory["added"].items():
            back = {new: old for old, new in state["slots"]}
            for inputs, field, reader, origin, slot in list(self._links()):
                if origin == name:
                    inputs[field] = state["odd"].get(reader, [node, back.get(slot, slot)])
            del self._all[name]
        return list(memory["added"])

    def _untitle(self, held: dict[str, Any], memory: dict[str, Any]) -> None:
        """The old title comes back unless a person has given another since."""
        was, now = BASE[memory["was"]["class_type"]], BASE[held["class_type"]]
        old = memory["was"].get("title")
        if "title" in held["_meta"] and held["_meta"]["title"] == retitled(old, was, now):
            held["_meta"]["title"] = old


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    meta = node.get("_meta")
    return meta if isinstance(meta, dict) else {}
