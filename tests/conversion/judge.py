"""Whether two prompts would run the same: what differs between ours and the one that ComfyUI's frontend queued.

Allowed: node ids up to renaming, an input that the other lacks and that holds the default of its schema, buttons and
previews of the browser, 1 for 1.0, and nodes that no output needs. A class that the frontend did not know it sends
without a name, its values under none of theirs; there only links count. Everything else counts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from engine.catalogue.catalogue import Catalogue
from engine.editor.widget_defaults import default_of
from schemas.node import MISSING
from schemas.node_schema import InputSchema, NodeSchema
from schemas.prompt import Link, link_of

Nodes = Mapping[str, Mapping[str, Any]]
"""A prompt as JSON: {id: {class_type, inputs}}."""
Find = Callable[[str], NodeSchema | None]
BROWSERS_OWN = frozenset({"upload", "choose file to upload", "audioUI", "video-preview"})
"""Buttons and previews that a browser sends along and that no node reads."""


Excuses = Mapping[tuple[str, str], Any]
"""(class, input) to the value in the truth that does not count there; MISSING if the truth has none."""


class Pairing(NamedTuple):
    """theirs to ours, by id, and what stood in the way of it."""

    ours: dict[str, str]
    found: list[str]


def differences(ours: Nodes, truth: Nodes, catalogue: Catalogue, excused: Excuses | None = None) -> list[str]:
    """What differs, a line each; none if both would run the same."""
    return Judge(ours, truth, catalogue, excused or {}).differences()


class Judge:
    """Two prompts and what is known of their classes."""

    def __init__(self, ours: Nodes, truth: Nodes, catalogue: Catalogue, excused: Excuses) -> None:
        self._ours, self._truth, self._find, self._excused = ours, truth, catalogue.find, excused

    def differences(self) -> list[str]:
        """The fewer of what differs if nodes are paired by id and by structure."""
        named = self._compared(self._by_name())
        return min(self._compared(self._by_structure()), named, key=len) if named else []

    def _by_name(self) -> Pairing:
        """Every node with the one of the same id; those missing or left over are told if an output needs them."""
        ours, truth = self._ours, self._truth
        pairs = {name: name for name in truth if name in ours and self._fits(name, name)}
        found = [f"{_said(truth, name)}: missing" for name in needed(truth, self._find) if name not in pairs]
        found += [f"{_said(ours, name)}: too much" for name in needed(ours, self._find) if name not in pairs]
        return Pairing(pairs, found)

    def _by_structure(self) -> Pairing:
        """From the outputs upstream along inputs of the same name, which settles every pair."""
        pairing = Pairing({}, [])
        outputs = _roots(self._ours, self._find)
        for theirs in _roots(self._truth, self._find):
            if theirs in pairing.ours:
                continue
            free = [name for name in outputs if name not in pairing.ours.values() and self._fits(name, theirs)]
            trials = [(self._walk(theirs, mine, pairing), mine) for mine in free]
            if trials:
                pairing, _ = min(trials, key=partial(self._unlike, theirs))
            else:
                pairing.found.append(f"{_said(self._truth, theirs)}: missing")
        left = [name for name in outputs if name not in pairing.ours.values()]
        pairing.found.extend(f"{_said(self._ours, name)}: too much" for name in left)
        return pairing

    def _unlike(self, theirs: str, trial: tuple[Pairing, str]) -> tuple[int, bool]:
        return len(self._compared(trial[0])), trial[1] != theirs

    def _walk(self, theirs: str, mine: str, before: Pairing) -> Pairing:
        """The pairs that follow from one pair, with those known before."""
        pairs, found = dict(before.ours), list(before.found)
        taken = set(pairs.values())
        waiting = [(theirs, mine)]
        while waiting:
            theirs, mine = waiting.pop()
            if pairs.get(theirs) == mine:
                continue
            if theirs in pairs or mine in taken:
                found.append(f"{_said(self._truth, theirs)}: shared in one of both, apart in the other")
            elif not self._fits(mine, theirs):
                found.append(f"{_said(self._truth, theirs)}: {_class(self._ours[mine])} in its place")
            else:
                pairs[theirs] = mine
                taken.add(mine)
                others = dict(_links(self._ours, mine))
                links = [(link.node, others[name].node) for name, link in _links(self._truth, theirs) if name in others]
                waiting += reversed(links)
        return Pairing(pairs, found)

    def _fits(self, mine: str, theirs: str) -> bool:
        one, other = _class(self._ours[mine]), _class(self._truth[theirs])
        return one == other or (other is None and self._find(one or "") is None)

    def _compared(self, pairing: Pairing) -> list[str]:
        """What stood in the way, and what differs between the nodes of each pair."""
        each = (self._of_node(theirs, mine, pairing.ours) for theirs, mine in pairing.ours.items())
        return [*pairing.found, *(line for lines in each for line in lines)]

    def _of_node(self, theirs: str, mine: str, pairs: Mapping[str, str]) -> Iterator[str]:
        said, kind = _said(self._truth, theirs), _class(self._truth[theirs])
        inputs, other = self._ours[mine]["inputs"], self._truth[theirs]["inputs"]
        for name in [*other, *(name for name in inputs if name not in other)]:
            if name in BROWSERS_OWN or self._is_excused(kind, name, other.get(name, MISSING)):
                continue
            if kind is None and not any(map(link_of, (inputs.get(name), other.get(name)))):
                continue
            if name not in inputs:
                yield f"{said}.{name}: {other[name]!r} missing"
            elif name not in other:
                if not self._is_default(inputs[name], kind or "", name):
                    yield f"{said}.{name}: {inputs[name]!r} too much"
            elif not _same(inputs[name], other[name], pairs):
                yield f"{said}.{name}: {inputs[name]!r} instead of {other[name]!r}"

    def _is_excused(self, kind: str | None, name: str, theirs: Any) -> bool:
        return kind is not None and (kind, name) in self._excused and equal(self._excused[kind, name], theirs)

    def _is_default(self, value: Any, kind: str, name: str) -> bool:
        schema = self._find(kind)
        entry = _entry(schema.inputs, name) if schema is not None else None
        default = MISSING if entry is None else default_of(entry)
        return default is not MISSING and equal(value, default)


def _same(mine: Any, theirs: Any, pairs: Mapping[str, str]) -> bool:
    one, other = link_of(mine), link_of(theirs)
    if one is None or other is None:
        return one is other and equal(mine, theirs)
    return one.slot == other.slot and pairs.get(other.node) == one.node


def equal(mine: Any, theirs: Any) -> bool:
    """Whether two literals are one: numbers by value, truth values apart from numbers."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(equal(value, theirs[key]) for key, value in mine.items())
    if isinstance(mine, list) and isinstance(theirs, list):
        return len(mine) == len(theirs) and all(map(equal, mine, theirs))
    numbers = [isinstance(each, int | float) and not isinstance(each, bool) for each in (mine, theirs)]
    return bool(mine == theirs) and (all(numbers) or type(mine) is type(theirs))


def _entry(inputs: Iterable[InputSchema], name: str) -> InputSchema | None:
    """The input of that name, also among those that an option of a dynamic combo brings."""
    for entry in inputs:
        if entry.name == name:
            return entry
        if name.startswith(f"{entry.name}."):
            children = (child for option in entry.options for child in option.inputs)
            return _entry(children, name.removeprefix(f"{entry.name}."))
    return None


def _roots(nodes: Nodes, find: Find) -> list[str]:
    """Nodes that write results; in a building block, which has none, those that nobody reads."""
    read = {link.node for name in nodes for _, link in _links(nodes, name)}
    last = [name for name in nodes if name not in read]
    writing = [name for name in nodes if _writes(find(_class(nodes[name]) or ""), name in last)]
    return writing or last


def _writes(schema: NodeSchema | None, last: bool) -> bool:
    """A class that is not surely known counts if it gives nothing on that anybody reads."""
    return schema.output_node if schema is not None and schema.certain else last or bool(schema and schema.output_node)


def needed(nodes: Nodes, find: Find) -> list[str]:
    """The nodes that run, in the order of the prompt."""
    found, waiting = set(), _roots(nodes, find)
    while waiting:
        name = waiting.pop()
        if name not in found and name in nodes:
            found.add(name)
            waiting += [link.node for _, link in _links(nodes, name)]
    return [name for name in nodes if name in found]


def _links(nodes: Nodes, name: str) -> list[tuple[str, Link]]:
    """Inputs of a node that come from nodes that are there."""
    links = ((field, link_of(value)) for field, value in nodes[name]["inputs"].items())
    return [(field, link) for field, link in links if link is not None and link.node in nodes]


def _class(node: Mapping[str, Any]) -> str | None:
    found = node.get("class_type")
    return found if isinstance(found, str) else None


def _said(nodes: Nodes, name: str) -> str:
    return f"{name} {_class(nodes[name])}"
