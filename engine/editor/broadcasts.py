"""What a node of cg-use-everywhere sends, and to which inputs: by type, and as its own restrictions say.

Files of its versions before 7 keep restrictions among a node's values, later ones in `properties.ue_properties`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.editor.graph import EditorGraph, EditorNode, Slot
from engine.editor.virtual_nodes import BROADCASTERS
from engine.reading.printable import shown

SEED_EVERYWHERE = "Seed Everywhere"
_ASKS_FOR_TITLE = "Anything Everywhere?"
_PROMPTS = "Prompts Everywhere"
_PROMPT_NAMES = (r"(_|\b)pos(itive|_|\b)", r"(_|\b)neg(ative|_|\b)")
"""Names of the inputs that the two inputs of Prompts Everywhere go to."""
_LONGEST = 200
_SAME, _START, _END, _TITLE, _PATTERN = range(5)
"""How inputs are told apart when a node sends two things of one type."""

Test = Callable[[EditorNode, Slot], bool]


class NotUnderstood(Exception):
    """A restriction that is not followed; the message names it."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One thing that a node sends. origin, slot: where it comes from. tests: all must hold for an input to get it."""

    sender: EditorNode
    origin: str
    slot: int
    type: str
    priority: int
    tests: tuple[Test, ...]
    texts_to_choices: bool = False
    to_any: bool = False

    def reaches(self, node: EditorNode, slot: Slot) -> bool:
        """Whether this input of a node gets it."""
        if node.id == self.origin:
            return False
        kinds = [self.type, *["COMBO"] * (self.texts_to_choices and self.type == "STRING"), *["*"] * self.to_any]
        return slot.type in kinds and all(test(node, slot) for test in self.tests)


def is_sender(node: EditorNode) -> bool:
    """Whether the node sends anything to inputs that are not drawn as linked to it."""
    known = node.type in BROADCASTERS or node.type == SEED_EVERYWHERE or bool(node.properties.get("ue_convert"))
    return known and node.active


def settings_of(node: EditorNode) -> dict[str, Any]:
    """The restrictions of a node under the names of version 7."""
    held = node.properties.get("ue_properties")
    if isinstance(held, dict) and held.get("version") is not None:
        return held
    found = {name: node.properties.get(name) for name in ("group_restricted", "color_restricted")}
    if node.type == _ASKS_FOR_TITLE and isinstance(node.values, list):
        found |= dict(zip(("title_regex", "input_regex", "group_regex"), node.values, strict=False))
    return found | (held if isinstance(held, dict) else {})


def broadcasts_of(graph: EditorGraph, node: EditorNode, groups: "Groups") -> list[Broadcast]:
    """Everything that a sender sends. Raises NotUnderstood."""
    settings = settings_of(node)
    if node.type == SEED_EVERYWHERE or settings.get("seed_inputs"):
        seeds = {**settings, "input_regex": settings.get("input_regex") or "seed"}
        return [_broadcast(node, (node.id, 0, "INT"), seeds, _restrictions(node, seeds, groups), False)]
    sent = list(_sent(graph, node))
    twice = {kind for kind, count in Counter(kind for _, _, _, kind in sent).items() if count > 1}
    found = []
    for own, origin, slot, kind in sent:
        tests = _restrictions(node, settings, groups)
        if node.type == _PROMPTS and own.name in _names(node)[:2]:
            tests.append(_name_test(_PROMPT_NAMES[_names(node).index(own.name)], inverted=False))
        elif kind in twice or settings.get("apply_to_unrepeated"):
            tests.append(_told_apart(_label(own), settings.get("repeated_type_rule") or _SAME))
        found.append(_broadcast(node, (origin, slot, kind), settings, tests, bool(twice)))
    return found


def _names(node: EditorNode) -> list[str]:
    return [slot.name for slot in node.inputs]


def _sent(graph: EditorGraph, node: EditorNode) -> Iterator[tuple[Slot, str, int, str]]:
    """(slot of the sender, origin, its output, type) of each thing: what is linked to it, or its own outputs."""
    settings = settings_of(node)
    if node.properties.get("ue_convert"):
        silent = settings.get("output_not_broadcasting")
        for number, slot in enumerate(node.outputs):
            if not (isinstance(silent, dict) and silent.get(slot.name)):
                yield slot, node.id, number, slot.type
        return
    for slot in node.inputs:
        link = graph.links.get(slot.link) if slot.link is not None else None
        if link is not None and slot.widget is None:
            yield slot, link.origin, link.origin_slot, link.type if link.type != "*" else slot.type


def _broadcast(
    node: EditorNode, origin: tuple[str, int, str], settings: dict[str, Any], tests: list[Test], twice: bool
) -> Broadcast:
    given = settings.get("priority")
    return Broadcast(
        node,
        *origin,
        given if isinstance(given, int) and given else _priority(node, settings, twice),
        tuple(tests),
        bool(settings.get("string_to_combo")),
        bool(settings.get("send_to_any")),
    )


def _priority(node: EditorNode, settings: dict[str, Any], twice: bool) -> int:
    """The more restricted goes first."""
    patterns = any(_pattern_in(settings, name) for name in ("title", "input", "group"))
    return (
        10
        + 10 * (node.type in (SEED_EVERYWHERE, _PROMPTS))
        + 20 * (patterns or twice)
        + 3 * bool(settings.get("group_restricted"))
        + 6 * bool(settings.get("color_restricted"))
    )


def _pattern_in(settings: dict[str, Any], name: str) -> str | None:
    held = settings.get(f"{name}_regex")
    return held if isinstance(held, str) and held not in ("", ".*") else None


def _restrictions(node: EditorNode, settings: dict[str, Any], groups: "Groups") -> list[Test]:
    tests: list[Test] = []
    for name, test in (("title", _title_test), ("input", _name_test), ("group", groups.named)):
        if (pattern := _pattern_in(settings, name)) is not None:
            tests.append(test(pattern, inverted=bool(settings.get(f"{name}_regex_invert"))))
    if within := settings.get("group_restricted"):
        tests.append(groups.together(node, wanted=within == 1))
    if alike := settings.get("color_restricted"):
        color = node.raw.get("color")
        tests.append(lambda target, slot: (target.raw.get("color") == color) == (alike == 1))
    return tests


def _title_test(pattern: str, *, inverted: bool) -> Test:
    search = searching(pattern)
    return lambda node, slot: search(node.title or node.type) != inverted


def _name_test(pattern: str, *, inverted: bool) -> Test:
    search = searching(pattern)
    return lambda node, slot: search(_label(slot)) != inverted


def _label(slot: Slot) -> str:
    return slot.label or slot.name


def _told_apart(name: str, rule: Any) -> Test:
    """For things of one type: the sender's name for it decides."""
    if rule == _SAME:
        return lambda node, slot: _label(slot) == name
    if rule == _START:
        return lambda node, slot: _label(slot).startswith(name) or name.startswith(_label(slot))
    if rule == _END:
        return lambda node, slot: _label(slot).endswith(name) or name.endswith(_label(slot))
    if rule == _TITLE:
        return lambda node, slot: node.title == name
    if rule == _PATTERN:
        return _name_test(name, inverted=False)
    raise NotUnderstood(f"rule {shown(rule)} for things of one type")


def searching(pattern: str) -> Callable[[str], bool]:
    """Whether a text holds the pattern, a regular expression of the plain kind. Raises NotUnderstood for others.

    Plain: at most two repetitions, none of them of a group, so that searching stays quick whatever the text.
    """
    bare = re.sub(r"\\.", "", pattern)
    simple = (
        len(pattern) <= _LONGEST and len(re.findall(r"[*+?{]", bare)) <= 2 and not re.search(r"\)[*+?{]|\(\?", bare)
    )
    try:
        found = re.compile(pattern) if simple or pattern in _PROMPT_NAMES else None
    except (re.error, OverflowError, RecursionError):
        found = None
    if found is None:
        raise NotUnderstood(f"the pattern {shown(pattern)}")
    return cache(lambda text: found.search(text[:_LONGEST]) is not None)


class Groups:
    """The boxes drawn around nodes of one graph: a node is in a box that its middle lies in."""

    def __init__(self, graph: EditorGraph, held: Any) -> None:
        """held: `groups` of the graph as the file has it."""
        self._graph = graph
        self._boxes = [group for group in held if isinstance(group, dict)] if isinstance(held, list) else []

    def named(self, pattern: str, *, inverted: bool) -> Test:
        """Whether a node is in a box whose title holds the pattern."""
        search = searching(pattern)
        inside = self._in([box for box in self._boxes if search(str(box.get("title") or "")) != inverted])
        return lambda node, slot: node.id in inside

    def together(self, sender: EditorNode, *, wanted: bool) -> Test:
        """Whether a node is in a box with the sender."""
        inside = self._in([box for box in self._boxes if _holds(box, sender)])
        return lambda node, slot: (node.id in inside) == wanted

    def _in(self, boxes: list[dict[str, Any]]) -> set[str]:
        return {node.id for node in self._graph.nodes.values() if any(_holds(box, node) for box in boxes)}


_TITLE_HEIGHT = 30


def _holds(box: dict[str, Any], node: EditorNode) -> bool:
    left, top, width, height = _numbers(box.get("bounding"), 4)
    (x, y), (wide, high) = _numbers(node.raw.get("pos"), 2), _numbers(node.raw.get("size"), 2)
    middle_x, middle_y = x + wide / 2, y + (high - _TITLE_HEIGHT) / 2
    return left <= middle_x < left + width and top <= middle_y < top + height


def _numbers(held: Any, count: int) -> list[float]:
    """A list of numbers, or an object of them by index as old files have."""
    values = list(held.values()) if isinstance(held, dict) else held
    if not isinstance(values, list) or len(values) < count:
        return [0.0] * count
    return [value if isinstance(value, int | float) else 0.0 for value in values[:count]]
