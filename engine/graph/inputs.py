"""What is wrong with the inputs of one node: missing, unknown, of the wrong type, out of range, no choice, no file."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.catalogue.catalogue import known as catalogued
from engine.folders.borders import leads_out
from engine.graph import model_files
from engine.graph.links import check_link
from engine.graph.literals import Fault, coerce, example, wanted, writable
from engine.graph.scene import Scene, one_of
from engine.plugins.nearest import Nearest
from engine.reading.printable import shown
from schemas.node import InputSpec, NodeSpec
from schemas.prompt import PromptNode, link_of, literal_of
from schemas.report import Problem
from schemas.widgets import Widget, as_number

POLLUTION = frozenset({"speak_and_recognation", "control_after_generate", "choose file to upload", "upload"})
"""Names that editors and their extensions write beside the inputs of any node; no server reads them."""
PREFIX = "filename_prefix"
"""How savers call the beginning of their files' names. What it leads to is found out before anything is computed."""
SHORT_LIST = 12
"""Up to so many choices a message lists them all."""


def ignored(spec: NodeSpec, given: Mapping[str, Any], name: str) -> bool:
    """Whether an input that a node does not have means nothing: noise of old exports, or of an option not chosen.

    given: all that the file gives the node.
    """
    meaningless = name in spec.ignored_inputs or name in POLLUTION or name in spec.possible
    return meaningless and name not in spec.inputs_given(given)


def check_inputs(scene: Scene, name: str, node: PromptNode, spec: NodeSpec) -> Iterator[Problem]:
    """All findings on the inputs of node `name`, in the class's order, unknown inputs last."""
    inputs = spec.inputs_given(node.inputs)
    for field, known in inputs.items():
        if field not in node.inputs:
            if known.required and field not in scene.open_inputs.get(name, ()):
                yield _missing(scene, name, known)
            continue
        raw = node.inputs[field]
        if isinstance(raw, list) and link_of(raw) is not None:
            yield from (
                check_link(scene, name, known, raw) if known.options is None else [_wired(scene, name, known, raw)]
            )
        else:
            yield from _check_literal(scene, name, known, raw)
    yield from _check_distinct(scene, name, node, spec)
    for field, raw in node.inputs.items():
        if field not in inputs and not ignored(spec, node.inputs, field):
            yield _unknown(scene, name, spec, field, raw)


def _missing(scene: Scene, name: str, known: InputSpec) -> Problem:
    if not writable(known):
        fix = f"Link it to a node that gives {known.socket}.{scene.givers(known.socket, name)}"
        said = f"nothing is connected here, but the node needs {known.socket}."
    else:
        default = example(known)
        fix = f"Add it as {wanted(known)}." if default is None else f'Add "{known.name}": {_as_json(default)}.'
        said = "this input is missing" + ("." if default is None else "; no default is filled in by itself.")
    return scene.problem("missing-input", said, fix, name, known.name)


def _wired(scene: Scene, name: str, known: InputSpec, raw: list[Any]) -> Problem:
    """The finding on a link where the value must be known before anything runs."""
    said = "what else the node takes depends on this value, so no wire can bring it."
    return scene.problem("wrong-wire", said, f"Choose from: {', '.join(known.choices or ())}.", name, known.name, raw)


def _as_json(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _unknown(scene: Scene, name: str, spec: NodeSpec, field: str, raw: Any) -> Problem:
    near = scene.near_fields(spec.class_type, field)
    group = spec.inputs.get(field.partition(".")[0])
    takes = ", ".join(spec.inputs) or "nothing"
    said = f"the class has no input {shown(field)}."
    fix = one_of(near) or f"Remove it; the class takes {takes if len(spec.inputs) <= SHORT_LIST else 'other inputs'}."
    if group is not None and group.growing:
        fix = f"Name it {group.growing[0].name} to {group.growing[-1].name}."
    return scene.problem("unknown-input", said, fix, name, field, raw)


def _check_literal(scene: Scene, name: str, known: InputSpec, raw: Any) -> Iterator[Problem]:
    try:
        if isinstance(raw, list):
            raise _no_link(known, raw)
        value = coerce(known, raw)
        if known.widget and value in known.widget.unavailable:
            raise _unavailable(known, known.widget, value)
        if known.name == PREFIX and isinstance(value, str) and leads_out(value):
            said = f"{shown(value)} leads out of the folder for results."
            raise Fault("out-of-range", said, "Give a name that stays inside.")
        if known.widget and known.widget.folder and isinstance(value, str):
            model_files.check_there(scene, known.widget, value)
            if not _is_idle(scene.prompt.nodes[name], known.widget):
                model_files.check_held(scene, known.widget, value)
    except Fault as error:
        newer = error.code == "unknown-choice" and _comfyui_has(scene.prompt.nodes[name].class_type, known.name, raw)
        fault = _unavailable(known, known.widget, literal_of(raw)) if newer and known.widget else error
        yield scene.problem(fault.code, fault.said, fault.fix or _choose(known, raw), name, known.name, raw)


def _comfyui_has(class_type: str, field: str, raw: Any) -> bool:
    """Whether a newer ComfyUI than the one we follow offers a choice."""
    schema = catalogued(class_type)
    entry = schema.by_name.get(field) if schema is not None else None
    return entry is not None and literal_of(raw) in entry.choices


def _no_link(known: InputSpec, raw: list[Any]) -> Fault:
    said = f"{shown(raw)} is a list, but no link."
    fix = "A link is [node id, output number]"
    fix += '; a list as a value is written {"__value__": [...]}.' if writable(known) else "."
    return Fault("wrong-type", said, fix)


def _choose(known: InputSpec, raw: Any) -> str:
    """The fix for a value that is none of the choices."""
    choices = known.choices or ()
    near = Nearest(choices).of(str(raw)) if isinstance(raw, str | int | float) else []
    if len(choices) <= SHORT_LIST:
        return f"{one_of(near[:1])} Choose from: {', '.join(choices)}.".strip()
    return one_of(near) or f"Choose from: {', '.join(choices[:SHORT_LIST])} and {len(choices) - SHORT_LIST} more."


def _unavailable(known: InputSpec, widget: Widget, value: Any) -> Fault:
    """The fault of a choice that ComfyUI has and we have not."""
    others = [choice for choice in known.choices or () if choice not in widget.unavailable]
    fix = f"Choose from: {', '.join(others)}." if others else "Choose another."
    return Fault("unavailable", f"{shown(value)} is not available in this version.", fix)


def _is_idle(node: PromptNode, widget: Widget) -> bool:
    """Whether numbers beside a file say that it is not read: a LoRA of strength 0, as graphs keep it for later."""
    strengths = [node.inputs[field] for field in widget.unless_zero if field in node.inputs]
    return bool(strengths) and all(as_number(strength) == 0 for strength in strengths)


def _check_distinct(scene: Scene, name: str, node: PromptNode, spec: NodeSpec) -> Iterator[Problem]:
    """Fields that name a file which brings nothing that the fields before it have not brought."""
    fields = {
        known.name: (known.widget, value)
        for known in spec.inputs.values()
        if known.widget and known.widget.distinct and isinstance(value := node.inputs.get(known.name), str)
    }
    for field, fault in model_files.repeated(scene, fields):
        yield scene.problem(fault.code, fault.said, fault.fix, name, field, node.inputs[field])
