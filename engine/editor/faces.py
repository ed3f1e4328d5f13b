"""Faces: nodes that people see and change in an editor, but that no prompt has: those of subgraphs, and primitives.

What is set there goes to the nodes inside, or to those that the primitive writes into.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.catalogue.catalogue import Catalogue
from engine.editor.graph import Path
from engine.editor.opened_file import opened
from engine.editor.places import Place, Places
from engine.editor.virtual_nodes import is_primitive
from engine.errors import GraphInvalid
from engine.reading.printable import clipped, shown, unquoted
from schemas.prompt import Prompt, link_of
from schemas.report import Problem
from schemas.workflow import Workflow

VALUE = "value"
"""How the only value of a primitive is called."""
MOST_NAMED = 12

_Field = tuple[str, str]
"""A node of the prompt, and one of its fields."""


@dataclass(slots=True)
class Face:
    """A node that is not in the prompt. values: by the name that it shows, the prompt's fields that get the value."""

    id: str
    title: str
    values: dict[str, list[_Field]] = field(default_factory=dict)


def faces_of(workflow: Workflow, catalogue: Catalogue) -> list[Face]:
    """All of a workflow that knows its origins. Raises GraphInvalid if its editor's graph is damaged."""
    places = Places(workflow.name, opened(workflow.name, workflow.workflow or {}, catalogue))
    written: dict[Path, list[_Field]] = defaultdict(list)
    for at, origin in workflow.origins.items():
        written[origin.path].append(at)
    found = []
    for place in places.walk():
        if place.instance is not None:
            title = place.instance.title or place.graph.name
            found.append(Face(place.path[:-1], title, _values(places, place, workflow.prompt)))
        for node in place.graph.nodes.values():
            if is_primitive(node):
                found.append(Face(place.id_of(node), node.title or node.type, {VALUE: written[node.path]}))
    return found


def _values(places: Places, place: Place, prompt: Prompt) -> dict[str, list[_Field]]:
    """What a subgraph's node shows: inputs that feed widgets, by name and label, and widgets that its list names."""
    found: dict[str, list[_Field]] = {}
    for number, entry in enumerate(place.graph.inputs):
        outer = place.outer_inputs[number]
        slot = place.instance.inputs[outer] if place.instance is not None and outer is not None else entry
        fed = [at for at in _fed(places, place, number) if _is_literal(prompt, at)]
        for name in (entry.name, entry.label, slot.label) if fed else ():
            found.setdefault(name or entry.name, fed)
    proxies = place.instance.properties.get("proxyWidgets") if place.instance is not None else None
    for proxy in proxies if isinstance(proxies, list) else ():
        at = (f"{place.path}{proxy[0]}", proxy[1]) if isinstance(proxy, list) and len(proxy) > 1 else ("", "")
        if _is_literal(prompt, at):
            found.setdefault(at[1], [at])
    return found


def _fed(places: Places, place: Place, number: int) -> Iterator[_Field]:
    """The widgets that an input of a subgraph feeds, however deep."""
    waiting = deque((place, target) for target in place.layout.fed_by(number))
    while waiting:
        at, (node, index) = waiting.popleft()
        inner = places.inside(at, node)
        name = node.inputs[index].name
        if inner is None:
            yield at.id_of(node), name
        elif (below := inner.layout.names.get(name)) is not None:
            waiting.extend((inner, target) for target in inner.layout.fed_by(below))


def _is_literal(prompt: Prompt, at: _Field) -> bool:
    node = prompt.nodes.get(at[0])
    value = node.inputs.get(at[1]) if node is not None and isinstance(at[1], str) else None
    return value is not None and not (isinstance(value, list) and link_of(value) is not None)


def spelled_out(overrides: Sequence[str], faces: Sequence[Face], prompt: Prompt) -> list[str]:
    """These NODE.FIELD=VALUE with faces replaced by nodes of the prompt; what names none stays as it is.

    Raises GraphInvalid with a problem ("bad-override") for each that names a face, but no value of it, or several.
    """
    taken = {*prompt.nodes, *(node.title or "" for node in prompt.nodes.values())}
    taken |= {node.class_type for node in prompt.nodes.values()}
    called: dict[str, list[Face]] = defaultdict(list)
    for face in faces:
        for name in {face.id, face.title} - taken:
            called[name].append(face)
    found, problems = [], []
    for override in overrides:
        try:
            known = any(override.startswith(f"{name}.") for name in taken if name)
            found += [override] if known else _spelled(override, called, prompt)
        except GraphInvalid as error:
            problems += error.problems
    if problems:
        raise GraphInvalid(problems)
    return found


def _spelled(override: str, called: dict[str, list[Face]], prompt: Prompt) -> list[str]:
    names = sorted((name for name in called if name and override.startswith(f"{name}.")), key=len, reverse=True)
    for name in names:
        rest = override[len(name) + 1 :]
        for face in called[name]:
            field_name = max((each for each in face.values if rest.startswith(f"{each}=")), key=len, default=None)
            if field_name is not None and len(called[name]) == 1:
                value = rest[len(field_name) :]
                return [f"{node}.{inner}{value}" for node, inner in face.values[field_name]]
    if names:
        raise GraphInvalid([_refusal(override, names[0], called[names[0]], prompt)])
    return [override]


def _refusal(override: str, name: str, faces: list[Face], prompt: Prompt) -> Problem:
    if len(faces) > 1:
        ids = ", ".join(unquoted(face.id) for face in faces[:MOST_NAMED])
        said, fix = f"{len(faces)} nodes are called {shown(name)}: {ids}.", "Name the one you mean by its id."
    else:
        values = ", ".join(unquoted(each) for each in list(faces[0].values)[:MOST_NAMED])
        said = f"{shown(faces[0].title)}, which stands for others, shows no such value."
        wanted = override[len(name) + 1 :].partition("=")[0]
        inner = (other for other, node in prompt.nodes.items() if wanted in node.inputs)
        near = next((f"{other}.{wanted}" for other in inner if other.startswith(f"{faces[0].id}:")), None)
        fix = f"Did you mean {shown(near)}?" if near is not None else f"It shows {values or 'none'}."
    return Problem(code="bad-override", found=clipped(override), said=f"{shown(override)}: {said}", fix=fix)
