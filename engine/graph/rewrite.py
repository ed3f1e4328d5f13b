"""rewrite: values given on the command line take the place of those in the file. NODE.FIELD=VALUE."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from engine.errors import GraphInvalid
from engine.graph.literals import writable
from engine.graph.scene import one_of
from engine.plugins.nearest import Nearest
from engine.plugins.registry import Registry
from engine.reading.printable import clipped, printable, shown, unquoted
from schemas.node import InputSpec
from schemas.prompt import Prompt
from schemas.report import Problem

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
"""Truth values as people write them; Python's own rule would take "false" for true."""
_FORM = 'Write NODE.FIELD=VALUE, NODE being an id, a title or a class that occurs once: "KSampler.seed=5".'
MOST_NAMED = 8
MOST_SIGNS = 16
LONGEST_LEFT = 1000
"""Equals signs, and characters before the last of them, that are tried as the one before the value."""


class _Refused(Exception):  # noqa: N818  # never leaves this file
    """One override cannot be done."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class Target(NamedTuple):
    """A literal that a person may name. known: what the class says of the input; None for an unknown class."""

    node: str
    field: str
    known: InputSpec | None


def target(prompt: Prompt, name: str, registry: Registry) -> Target:
    """What NODE.FIELD names. Raises GraphInvalid as `apply` does for an override of it."""
    override = f"{name}="
    try:
        node, field, _ = _Names(prompt).split(override)
        return Target(node, field, _known(prompt, registry, override, node, field))
    except _Refused as refused:
        said = refused.problem.said.replace(shown(override), shown(name))
        raise GraphInvalid([refused.problem.model_copy(update={"found": clipped(name), "said": said})]) from None


def apply(prompt: Prompt, overrides: Sequence[str], registry: Registry) -> Prompt:
    """A new prompt with these overrides done in order; the given one stays as it is.

    VALUE is text for a text or choice, else a JSON number or truth value where it reads as one. It replaces a link,
    too. Bounds, choices and files are left to `check`. Raises GraphInvalid with a problem for each override that
    cannot be done: "unknown-node", or "bad-override" for a name that fits several nodes, a field the class does not
    have, or a value where a wire belongs.
    """
    names = _Names(prompt)
    nodes, problems = dict(prompt.nodes), []
    for override in overrides:
        try:
            name, field, text = names.split(override)
            node = nodes[name]
            value = _value(prompt, registry, override, name, field, text)
            nodes[name] = node.model_copy(update={"inputs": {**node.inputs, field: value}})
        except _Refused as refused:
            problems.append(refused.problem)
    if problems:
        raise GraphInvalid(problems)
    return Prompt.model_construct(nodes=nodes)


class _Names:
    """How a person may call the nodes of a prompt."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._titles: dict[str, list[str]] = defaultdict(list)
        self._classes: dict[str, list[str]] = defaultdict(list)
        for name, node in prompt.nodes.items():
            self._classes[node.class_type].append(name)
            if node.title:
                self._titles[node.title].append(name)

    def split(self, override: str) -> tuple[str, str, str]:
        """(node id, field, value as text). Ids go before titles, titles before classes, long names before short."""
        for node, field, text in _cuts(override):
            if node in self._prompt.nodes:
                return node, field, text
            for called in (self._titles.get(node), self._classes.get(node)):
                if called and len(called) > 1:
                    raise _Refused(self._ambiguous(override, node, called))
                if called:
                    return called[0], field, text
        raise _Refused(self._unknown(override))

    def _ambiguous(self, override: str, node: str, called: list[str]) -> Problem:
        ids = ", ".join(printable(name) for name in called[:MOST_NAMED]) + (", …" if len(called) > MOST_NAMED else "")
        said = f"{shown(override)}: {len(called)} nodes are called {shown(node)}: {ids}."
        return Problem(code="bad-override", found=clipped(override), said=said, fix="Name the one you mean by its id.")

    def _unknown(self, override: str) -> Problem:
        node, dot, _ = override.partition("=")[0].rpartition(".")
        if "=" not in override or not dot or not node:
            said = f"{shown(override)} is no override."
            return Problem(code="bad-override", found=clipped(override), said=said, fix=_FORM)
        near = Nearest([*self._titles, *self._classes, *self._prompt.nodes]).of(node)
        said = f"{shown(override)}: no node has the id, title or class {shown(node)}."
        fix = one_of(near) or f"The graph has {self._some()}."
        return Problem(code="unknown-node", found=clipped(override), said=said, fix=fix)

    def _some(self) -> str:
        nodes = list(self._prompt.nodes.items())
        told = [f"{unquoted(name)} {unquoted(node.class_type)}" for name, node in nodes[:MOST_NAMED]]
        return (", ".join(told) or "no nodes") + (", …" if len(nodes) > MOST_NAMED else "")


def _cuts(override: str) -> Iterator[tuple[str, str, str]]:
    """Every way to read NODE.FIELD=VALUE, first equals sign first, longest NODE first: titles may hold both signs."""
    at = override.find("=")
    for _ in range(MOST_SIGNS):
        if not 0 <= at <= LONGEST_LEFT:
            return
        left, text = override[:at], override[at + 1 :]
        dot = left.rfind(".")
        while dot > 0:
            if dot + 1 < len(left):
                yield left[:dot], left[dot + 1 :], text
            dot = left.rfind(".", 0, dot)
        at = override.find("=", at + 1)


def _value(prompt: Prompt, registry: Registry, override: str, name: str, field: str, text: str) -> Any:
    """The value to write. Raises _Refused."""
    known = _known(prompt, registry, override, name, field)
    value = read(known, text)
    if isinstance(value, str) and printable(value) != value:
        said, fix = "the value is no valid text.", "Give it in your terminal's encoding."
        raise _refused(prompt, override, name, field, said, fix)
    if value is None:
        said = f"{shown(text)} is neither true nor false."
        raise _refused(prompt, override, name, field, said, "Write true or false.")
    return value


def _known(prompt: Prompt, registry: Registry, override: str, name: str, field: str) -> InputSpec | None:
    """What the class says of a field that takes values; None for an unknown class. Raises _Refused."""
    spec = registry.find(prompt.nodes[name].class_type)
    known = spec.possible.get(field) if spec else None
    if spec is not None and known is None:
        near = Nearest(spec.possible).of(field)
        fix = one_of(near) or f"Its inputs are {', '.join(spec.inputs) or 'none'}."
        raise _refused(prompt, override, name, field, f"{spec.class_type} has no input {shown(field)}.", fix)
    if known is not None and not writable(known):
        said = f"{field} is a wire of type {known.socket}."
        raise _refused(prompt, override, name, field, said, "Values can be given to widgets only.")
    return known


def _refused(prompt: Prompt, override: str, name: str, field: str, said: str, fix: str) -> _Refused:
    node = prompt.nodes[name]
    return _Refused(
        Problem(
            code="bad-override",
            node=clipped(name),
            title=clipped(node.title),
            class_type=clipped(node.class_type),
            field=clipped(field),
            found=clipped(override),
            said=f"{shown(override)}: {said}",
            fix=fix,
        )
    )


def read(known: InputSpec | None, text: str) -> str | int | float | bool | None:
    """The text as its input wants it; None if a truth value is wanted and it is none."""
    if known is not None and known.socket in ("STRING", "COMBO"):
        return text
    if known is not None and known.socket == "BOOLEAN":
        return _WORDS.get(text.strip().lower())
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str | int | float | bool) else text
