"""A file as the JSON it holds, for those who change a graph and give it back in the form it came in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import GraphInvalid
from engine.reading import json_text, picture_metadata
from engine.reading.json_text import Text
from engine.reading.picture_metadata import PROMPT, WORKFLOW
from engine.reading.printable import clipped, shown
from engine.reading.prompt_form import has_key, is_editor_form
from engine.reading.recognise import BESIDE, EditorOnly, editor_graph, open_texts, read
from engine.reading.source import bytes_of
from schemas.report import Problem
from schemas.workflow import Form

LEFT_OUT = "the editor's graph, which the picture carries too, is left out"


class Document(NamedTuple):
    """The JSON of a file. form: "ui" for the editor's format, wherever it was found. notes: what reading noticed."""

    name: str
    form: Form
    value: dict[str, Any]
    notes: list[str]


def read_document(name: str, data: bytes) -> Document:
    """The JSON in a file's bytes, recognised as `read` does, and the editor's own format besides.

    Of a picture: the graph that was executed if it carries one, else the editor's. Raises GraphInvalid.
    """
    found = read(name, data)
    form: Form = "ui" if isinstance(found, EditorOnly) else found.form
    notes = [LEFT_OUT if note == BESIDE else note for note in found.notes]
    document = Document(found.name, form, _value(found.name, data), notes)
    problems = [problem for graph in editor_graphs(document) for problem in _damage(found.name, graph)]
    if problems:
        raise GraphInvalid(problems)
    return document


def read_document_file(path: str | Path) -> Document:
    """The JSON in a file, or on standard input for "-". Raises GraphInvalid."""
    return read_document(str(path), bytes_of(path))


def prompts(document: Document) -> Iterator[dict[str, Any]]:
    """The graphs in API format that a document holds: one, or none."""
    value = document.value
    if is_editor_form(value):
        return
    if has_key(value, "class_type") or not value:
        yield value
        return
    held = next((value[key] for key in (PROMPT, "output") if isinstance(value.get(key), dict)), None)
    if held is not None and not is_editor_form(held):
        yield held


def editor_graphs(document: Document) -> Iterator[dict[str, Any]]:
    """The graphs in the editor's format that a document holds, those that stand beside a prompt included."""
    value = document.value
    if is_editor_form(value):
        yield value
        return
    beside = editor_graph(value) if not has_key(value, "class_type") else None
    for graph in (value.get(PROMPT), value.get("output"), beside):
        if isinstance(graph, dict) and is_editor_form(graph):
            yield graph


def _value(name: str, data: bytes) -> dict[str, Any]:
    """The object in bytes that are known to hold one."""
    picture = picture_metadata.embedded(data)
    if picture is None:
        parsed = json_text.parse(json_text.decoded(name, data))
    else:
        text = next(text for key in (PROMPT, WORKFLOW) if (text := picture.texts.get(key, "")).lstrip().startswith("{"))
        parsed = json_text.parse(Text(name, text), nan_as_null=True)
    open_texts(name, parsed)
    value = parsed.value
    if not isinstance(value, dict):
        raise GraphInvalid(
            [Problem(code="not-a-workflow", file=name, said="this is no graph.", fix="Export it again.")]
        )
    return value


def _damage(file: str, graph: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with the nodes and links of an editor's graph and of the subgraphs defined in it."""
    for part in (graph, *subgraphs(graph)):
        for node in part["nodes"]:
            sound = isinstance(node, dict) and isinstance(node.get("type"), str)
            if not sound or not isinstance(node.get("id"), int | str) or not _slots_are_sound(node):
                said = f"{shown(node)} is no node as editors write it: it needs an id, a type, and lists of slots."
                yield Problem(code="malformed-node", file=file, found=clipped(node), said=said, fix="Export it again.")
        yield from _face_damage(file, part)
        links = part.get("links") or []
        held = links.values() if isinstance(links, dict) else links if isinstance(links, list) else [links]
        for link in held:
            if not _is_link(link):
                said = f"{shown(link)} is no link as editors write it."
                yield Problem(code="malformed-node", file=file, found=clipped(link), said=said, fix="Export it again.")


def subgraphs(graph: dict[str, Any]) -> list[dict[str, Any]]:
    """The subgraphs defined in an editor's graph, those defined in other subgraphs included."""
    found: list[dict[str, Any]] = []
    waiting = [graph]
    while waiting:
        held = waiting.pop().get("definitions")
        inner = held.get("subgraphs") if isinstance(held, dict) else None
        for part in inner if isinstance(inner, list) else []:
            if isinstance(part, dict) and isinstance(part.get("nodes"), list):
                found.append(part)
                waiting.append(part)
    return found


def _slots_are_sound(node: dict[str, Any]) -> bool:
    slots = (node.get("inputs") or [], node.get("outputs") or [])
    return all(isinstance(held, list) and all(isinstance(slot, dict) for slot in held) for held in slots)


def _face_damage(file: str, part: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with the inputs and outputs of a subgraph."""
    for key in ("inputs", "outputs"):
        held = part.get(key) or []
        if not isinstance(held, list) or not all(isinstance(each, dict) for each in held):
            said = f"the {key} of a subgraph are {shown(held)}, not a list of objects."
            yield Problem(code="malformed-node", file=file, found=clipped(held), said=said, fix="Export it again.")


def _is_link(link: Any) -> bool:
    if isinstance(link, dict):
        link = [link.get(key) for key in ("id", "origin_id", "origin_slot", "target_id", "target_slot")]
    return link is None or (
        isinstance(link, list) and len(link) >= 5 and all(isinstance(each, int | str) for each in link[:5])
    )
