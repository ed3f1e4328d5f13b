"""read: bytes of any kind become a Workflow or an editor's graph, or an error that says what they are instead."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from engine.errors import GraphInvalid
from engine.reading import json_text, picture_metadata
from engine.reading.json_text import Parsed, Text
from engine.reading.picture_metadata import PARAMETERS, PROMPT, WORKFLOW, Embedded
from engine.reading.printable import printable
from engine.reading.prompt_form import has_key, is_editor_form, prompt_of
from schemas.prompt import Prompt
from schemas.report import Problem, ProblemCode
from schemas.workflow import Form, Workflow

EXPORT = "Give a workflow file as ComfyUI saves or exports it, or a picture that carries one."
BESIDE = "the editor's graph, which the picture carries too, is kept, but is not what runs"
_OUTPUT = "output"
"""The editor's own name for a prompt, beside "workflow"."""
_SIGNATURES: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (lambda data: data[:4] == b"GGUF", "a GGUF model file"),
    (lambda data: data[8:10] == b'{"' and data[4:8] == b"\0\0\0\0", "a safetensors model file"),
    (lambda data: data[:4] == b"PK\3\4", "a ZIP archive"),
    (lambda data: data[:2] == b"\x1f\x8b", "a gzip archive"),
    (lambda data: data[:3] == b"GIF", "a GIF picture, which carries no graph"),
    (lambda data: data[:2] == b"BM", "a BMP picture, which carries no graph"),
    (lambda data: data[:4] in (b"II*\0", b"MM\0*"), "a TIFF picture, which carries no graph"),
    (lambda data: data[4:8] == b"ftyp", "a video or AVIF file, whose metadata is not read"),
    (lambda data: data[:4] == b"\x1aE\xdf\xa3", "a Matroska or WebM video, whose metadata is not read"),
    (lambda data: data[:4] == b"%PDF", "a PDF document"),
    (lambda data: data.lstrip()[:1] == b"<", "an HTML or XML page"),
)


@dataclass(frozen=True, slots=True)
class EditorOnly:
    """A file without a prompt, but with the editor's graph, from which one can be made. Otherwise as a Workflow."""

    name: str
    form: Form
    graph: dict[str, Any]
    notes: list[str]


Reading: TypeAlias = Workflow | EditorOnly


def read(name: str, data: bytes) -> Reading:
    """What is in a file's bytes: API JSON or the editor's own, an envelope around it, or a picture that carries one.

    Pictures: PNG, WebP and JPEG. Of a prompt and the editor's graph beside it the prompt counts: it is what was run.
    name: the file as the user named it, for messages. Raises GraphInvalid with every problem found.
    """
    file = printable(name)
    picture = picture_metadata.embedded(data)
    if picture is not None:
        return _from_picture(file, picture)
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf\xfe\xff"):
        raise _refused(file, "not-a-workflow", "the file is empty.", "Export or copy it again.")
    kind = next((kind for matches, kind in _SIGNATURES if matches(data)), None)
    if kind:
        raise _refused(file, "not-a-workflow", f"this is {kind}, not a workflow.", EXPORT)
    if b"\0" in data[:1024] and not data.lstrip(b"\xef\xbb\xbf\xfe\xff\0 \t\r\n").startswith((b"{", b"[")):
        raise _refused(file, "not-a-workflow", "this is binary data of an unknown kind, not a workflow.", EXPORT)
    return _from_json(file, json_text.parse(json_text.decoded(file, data)))


def _refused(file: str, code: ProblemCode, said: str, fix: str) -> GraphInvalid:
    return GraphInvalid([Problem(code=code, file=file, said=said, fix=fix)])


def open_texts(file: str, parsed: Parsed) -> list[str]:
    """Read graphs that stand as text inside the JSON, some exports being JSON within JSON; a note for each.

    Changes `parsed`. Raises GraphInvalid for such a text that is no JSON.
    """
    held = parsed.value
    if isinstance(held, str) and held.lstrip().startswith("{"):
        inner = json_text.parse(Text(file, held, "in the text that the file holds"), nan_as_null=True)
        parsed.value, parsed.repeated = inner.value, inner.repeated
        return ["the graph was a text inside JSON"]
    notes = []
    if isinstance(held, dict) and not has_key(held, "class_type"):
        for key in (PROMPT, _OUTPUT, WORKFLOW):
            text = held.get(key)
            if isinstance(text, str) and text.lstrip().startswith("{"):
                inner = json_text.parse(Text(file, text, f"in the text under {key!r}"), nan_as_null=True)
                held[key] = inner.value
                parsed.repeated |= inner.repeated
                notes.append(f"{key!r} was a text inside JSON")
    return notes


def _from_json(file: str, parsed: Parsed) -> Reading:
    notes = open_texts(file, parsed)
    value = parsed.value
    if not isinstance(value, dict):
        said = f"the file holds a JSON {_kind_of(value)}, not the object of nodes that a workflow is."
        raise _refused(file, "not-a-workflow", said, EXPORT)
    if is_editor_form(value):
        return EditorOnly(file, "ui", value, notes)
    if value and not has_key(value, "class_type"):
        found = _from_envelope(file, parsed, notes)
        if found is not None:
            return found
        if not has_key(value, "inputs"):
            said = "this is a JSON object, but nothing in it is a node with a class_type."
            raise _refused(file, "not-a-workflow", said, EXPORT)
    prompt = prompt_of(file, value, parsed, notes)
    return Workflow.model_construct(name=file, form="api", prompt=prompt, workflow=editor_graph(value), notes=notes)


def _from_envelope(file: str, parsed: Parsed, notes: list[str]) -> Reading | None:
    """{"prompt": nodes, "extra_data": {"extra_pnginfo": {"workflow": ...}}} and the like; None if this is no such."""
    value, beside = parsed.value, editor_graph(parsed.value)
    for key in (PROMPT, _OUTPUT):
        inner = value.get(key)
        if isinstance(inner, dict) and is_editor_form(inner):
            return EditorOnly(file, "envelope", inner, [*notes, _taken_from(key)])
        if isinstance(inner, dict) and (inner or beside is None):
            prompt = _enveloped(file, parsed, key, notes := [*notes, _taken_from(key)])
            return Workflow.model_construct(name=file, form="envelope", prompt=prompt, workflow=beside, notes=notes)
    if beside is not None and is_editor_form(beside):
        return EditorOnly(file, "envelope", beside, [*notes, _taken_from(WORKFLOW)])
    return None


def _taken_from(key: str) -> str:
    return f"the graph was taken from {key!r} in the file"


def _enveloped(file: str, parsed: Parsed, key: str, notes: list[str]) -> Prompt:
    value, inner = parsed.value, parsed.value[key]
    if key in parsed.repeats(value):
        said = f"the envelope holds {key!r} more than once."
        raise _refused(file, "duplicate-key", said, "Keep one of them.")
    if inner and not has_key(inner, "class_type") and not has_key(inner, "inputs"):
        said = f"nothing under {key!r} is a node with a class_type."
        raise _refused(file, "not-a-workflow", said, EXPORT)
    return prompt_of(file, inner, parsed, notes)


def editor_graph(envelope: dict[str, Any]) -> dict[str, Any] | None:
    """The editor's graph beside a prompt: under "workflow", or where ComfyUI's own requests have it."""
    inside: Any = envelope
    for key in ("extra_data", "extra_pnginfo"):
        inside = inside.get(key) if isinstance(inside, dict) else None
    for holder in (envelope, inside):
        graph = holder.get(WORKFLOW) if isinstance(holder, dict) else None
        if isinstance(graph, dict):
            return graph
    return None


def _from_picture(file: str, picture: Embedded) -> Reading:
    key = next((key for key in (PROMPT, WORKFLOW) if picture.texts.get(key, "").lstrip().startswith("{")), None)
    if key is None:
        raise _without_graph(file, picture)
    place = f"in the {picture.kind}'s {picture.place} {key!r}"
    found = _from_json(file, json_text.parse(Text(file, picture.texts[key], place), nan_as_null=True))
    notes = [f"the graph was found {place}", *found.notes]
    if isinstance(found, EditorOnly):
        return replace(found, form="picture", notes=notes)
    editor = picture.texts.get(WORKFLOW) if key == PROMPT else None
    graph = editor_graph({WORKFLOW: _editor_text(file, picture, editor)}) if editor else found.workflow
    if graph is not None:
        notes.append(BESIDE)
    return Workflow.model_construct(name=file, form="picture", prompt=found.prompt, workflow=graph, notes=notes)


def _editor_text(file: str, picture: Embedded, text: str) -> Any:
    place = f"in the {picture.kind}'s {picture.place} {WORKFLOW!r}"
    return json_text.parse(Text(file, text, place), nan_as_null=True).value


def _without_graph(file: str, picture: Embedded) -> GraphInvalid:
    if PARAMETERS in picture.texts:
        said = f"the {picture.kind} picture carries generation parameters of another program, but no ComfyUI graph."
    else:
        said = f"the {picture.kind} picture carries no graph."
    fix = "Use the file as ComfyUI saved it: editors, chats and websites take the graph out."
    return _refused(file, "not-a-workflow", said, fix)


def _kind_of(value: Any) -> str:
    kinds = {list: "list", str: "text", bool: "truth value", int: "number", float: "number"}
    return kinds.get(type(value), "null")
