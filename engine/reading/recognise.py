"""read: bytes of any kind become a Workflow, or an error that says what they are instead."""

from collections.abc import Callable
from typing import Any

from engine.errors import GraphInvalid
from engine.reading import json_text, picture_metadata
from engine.reading.json_text import Parsed, Text
from engine.reading.picture_metadata import PARAMETERS, PROMPT, WORKFLOW, Embedded
from engine.reading.printable import printable
from engine.reading.prompt_form import has_key, is_editor_form, prompt_of
from schemas.report import Problem, ProblemCode
from schemas.workflow import Workflow

EXPORT = "Export it from ComfyUI in API format: Workflow menu, Export (API)."
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


def read(name: str, data: bytes) -> Workflow:
    """The workflow in a file's bytes: API JSON, an envelope around it, or a PNG, WebP or JPEG picture that carries one.

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


def _from_json(file: str, parsed: Parsed) -> Workflow:
    value = parsed.value
    if not isinstance(value, dict):
        said = f"the file holds a JSON {_kind_of(value)}, not the object of nodes that a workflow is."
        raise _refused(file, "not-a-workflow", said, EXPORT)
    if is_editor_form(value):
        raise _editor_only(file, "this is")
    if value and not has_key(value, "class_type"):
        for key in (PROMPT, _OUTPUT):
            if isinstance(value.get(key), dict):
                return _from_envelope(file, parsed, key)
        if not has_key(value, "inputs"):
            said = "this is a JSON object, but nothing in it is a node with a class_type."
            raise _refused(file, "not-a-workflow", said, EXPORT)
    notes: list[str] = []
    prompt = prompt_of(file, value, parsed, notes)
    return Workflow.model_construct(name=file, form="api", prompt=prompt, workflow=editor_graph(value), notes=notes)


def _from_envelope(file: str, parsed: Parsed, key: str) -> Workflow:
    """{"prompt": nodes, "extra_data": {"extra_pnginfo": {"workflow": ...}}} and the like."""
    value, inner = parsed.value, parsed.value[key]
    if is_editor_form(inner):
        raise _editor_only(file, f"under {key!r} this is")
    if key in parsed.repeats(value):
        said = f"the envelope holds {key!r} more than once."
        raise _refused(file, "duplicate-key", said, "Keep one of them.")
    if inner and not has_key(inner, "class_type") and not has_key(inner, "inputs"):
        said = f"nothing under {key!r} is a node with a class_type."
        raise _refused(file, "not-a-workflow", said, EXPORT)
    notes = [f"the graph was taken from {key!r} in the file"]
    prompt = prompt_of(file, inner, parsed, notes)
    return Workflow.model_construct(
        name=file, form="envelope", prompt=prompt, workflow=editor_graph(value), notes=notes
    )


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


def _from_picture(file: str, picture: Embedded) -> Workflow:
    text = picture.texts.get(PROMPT)
    if text is None or not text.lstrip().startswith("{"):
        raise _without_graph(file, picture)
    place = f"in the {picture.kind}'s {picture.place} {PROMPT!r}"
    parsed = json_text.parse(Text(file, text, place), nan_as_null=True)
    workflow = _from_json(file, parsed)
    editor = picture.texts.get(WORKFLOW)
    graph = editor_graph({WORKFLOW: _editor_text(file, picture, editor)}) if editor else workflow.workflow
    notes = [f"the graph was found {place}", *workflow.notes]
    return Workflow.model_construct(name=file, form="picture", prompt=workflow.prompt, workflow=graph, notes=notes)


def _editor_text(file: str, picture: Embedded, text: str) -> Any:
    place = f"in the {picture.kind}'s {picture.place} {WORKFLOW!r}"
    return json_text.parse(Text(file, text, place), nan_as_null=True).value


def _without_graph(file: str, picture: Embedded) -> GraphInvalid:
    if picture.texts.get(WORKFLOW, "").lstrip().startswith("{"):
        return _editor_only(file, f"the {picture.kind} picture carries only")
    if PARAMETERS in picture.texts:
        said = f"the {picture.kind} picture carries generation parameters of another program, but no ComfyUI graph."
    else:
        said = f"the {picture.kind} picture carries no graph."
    fix = "Use the file as ComfyUI saved it: editors, chats and websites take the graph out."
    return _refused(file, "not-a-workflow", said, fix)


def _editor_only(file: str, what: str) -> GraphInvalid:
    said = f"{what} the editor's own format (nodes and links with positions), which cannot be run yet."
    return _refused(file, "unsupported-format", said, f"Open it in ComfyUI. {EXPORT}")


def _kind_of(value: Any) -> str:
    kinds = {list: "list", str: "text", bool: "truth value", int: "number", float: "number"}
    return kinds.get(type(value), "null")
