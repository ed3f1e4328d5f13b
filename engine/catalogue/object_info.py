"""Reads what ComfyUI answers to GET /object_info: the schemas of its classes, written by V1 and V3 nodes.

An answer is {class: {"input": {"required": {name: [type, {option: value}]}, "optional": …}, "input_order": …,
"output": [type], …}}. Packs declare what they like, so nothing in it is taken for granted.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.errors import GraphInvalid
from schemas.node import MISSING
from schemas.node_schema import AUTOGROW, DYNAMIC_COMBO, Growing, InputSchema, NodeSchema, Option, Output
from schemas.report import Problem

UPLOADS = ("image_upload", "video_upload", "audio_upload", "file_upload", "animated_image_upload")
PACKS = "custom_nodes."
"""How the module of a class begins that a pack supplies; the pack's folder follows."""
ANY = "*"
DEEPEST = 16
"""Levels of inputs within options; ComfyUI's own have two."""
MOST_GROWN = 1000
"""Inputs that a group may grow to; ComfyUI's own limit is 100."""
LARGEST = 512 * 2**20
"""Bytes of an answer that is read; with thousands of classes it has some ten million."""
ADVICE = "Save what a running ComfyUI answers: curl -o object_info.json http://127.0.0.1:8188/object_info"


class Damaged(ValueError):
    """An entry that is not as ComfyUI writes one; the text says what is wrong with it."""


def read_file(path: Path) -> dict[str, Any]:
    """A saved answer, by class. Raises GraphInvalid (bad-file) for a file that is none."""
    try:
        if path.stat().st_size > LARGEST:
            raise _unreadable(path, f"is larger than {LARGEST // 2**20} MiB")
        found = json.loads(path.read_bytes())  # the encoding, UTF-8 or a Windows shell's UTF-16, is found out by json
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise _unreadable(path, f"is no JSON: {error}") from error
    except RecursionError as error:
        raise _unreadable(path, "is nested too deeply") from error
    if not isinstance(found, dict) or not any(isinstance(info, dict) and "input" in info for info in found.values()):
        raise _unreadable(path, "is not what ComfyUI answers to /object_info: no class in it has inputs")
    return found


def _unreadable(path: Path, why: str) -> GraphInvalid:
    said = f"object_info: {path} {why}."
    return GraphInvalid([Problem(code="bad-file", file=str(path), field="object_info", said=said, fix=ADVICE)])


def node_schema(class_type: str, info: Any) -> NodeSchema:
    """The schema of a class from its entry. Raises Damaged if its inputs cannot be told: then no value can be placed.

    since: the folder of the pack that has it, and address "" with it; both say nothing of ComfyUI's own.
    """
    if not isinstance(info, dict):
        raise Damaged("the entry is no object")
    entry: dict[str, Any] = info
    declared, order = _mapping(entry.get("input"), "'input'"), entry.get("input_order")
    module = _text(entry.get("python_module"))
    pack = module.removeprefix(PACKS) if module.startswith(PACKS) else ""
    return NodeSchema(
        class_type,
        tuple(_inputs(declared, order if isinstance(order, dict) else {}, DEEPEST)),
        tuple(_outputs(entry)),
        display_name=_text(entry.get("display_name")),
        category=_text(entry.get("category")),
        output_node=bool(entry.get("output_node")),
        partner=bool(entry.get("api_node")),
        deprecated=bool(entry.get("deprecated")),
        since=pack,
        address="" if pack else None,
    )


def _inputs(declared: Mapping[str, Any], order: Mapping[str, Any], depth: int) -> Iterator[InputSchema]:
    """Those required first, each group in the order stated or else as declared."""
    if depth == 0:
        raise Damaged(f"its inputs are nested more than {DEEPEST} levels deep")
    for section in ("required", "optional"):
        entries, stated = _mapping(declared.get(section), repr(section)), order.get(section)
        first = dict.fromkeys(name for name in _list(stated) if isinstance(name, str) and name in entries)
        for name in first | dict.fromkeys(entries):
            yield _input(name, entries[name], section == "required", depth)


def _input(name: str, entry: Any, required: bool, depth: int) -> InputSchema:
    """entry: [type or choices, options]; some packs leave out the list around a type alone."""
    declared, *more = entry if isinstance(entry, list) and entry else [entry]
    options = more[0] if more and isinstance(more[0], dict) else {}
    kind = "COMBO" if isinstance(declared, list) else declared
    if not isinstance(kind, str):
        raise Damaged(f"the type of its input {name!r} is neither a name nor a list")
    control, shown_as = options.get("control_after_generate"), options.get("widgetType")
    choices = declared if isinstance(declared, list) else _list(options.get("options")) if kind == "COMBO" else ()
    return InputSchema(
        name,
        shown_as if isinstance(shown_as, str) and shown_as else kind,
        required,
        default=options.get("default", MISSING),
        choices=tuple(choices),
        minimum=_number(options.get("min")),
        maximum=_number(options.get("max")),
        step=_number(options.get("step")),
        control=control if control is None or isinstance(control, str) else bool(control),
        forced=bool(options.get("forceInput")),
        dynamic_prompts=bool(options.get("dynamicPrompts")),
        multiline=bool(options.get("multiline")),
        upload=any(options.get(upload) for upload in UPLOADS),
        options=tuple(_options(name, options, depth)) if kind == DYNAMIC_COMBO else (),
        growing=_growing(name, options, depth) if kind == AUTOGROW else None,
    )


def _options(name: str, options: Mapping[str, Any], depth: int) -> Iterator[Option]:
    for option in _list(options.get("options")):
        if not isinstance(option, dict) or not isinstance(option.get("key"), str):
            raise Damaged(f"an option of its input {name!r} has no key")
        yield Option(option["key"], tuple(_inputs(_mapping(option.get("inputs"), "'inputs'"), {}, depth - 1)))


def _growing(name: str, options: Mapping[str, Any], depth: int) -> Growing:
    template = _mapping(options.get("template"), "'template'")
    grown = tuple(_inputs(_mapping(template.get("input"), "'input'"), {}, depth - 1))
    names, prefix = _list(template.get("names")), template.get("prefix")
    if len(grown) != 1 or not all(isinstance(each, str) for each in names):
        raise Damaged(f"it cannot be told how its input {name!r} grows")
    least, most = _number(template.get("min")), _number(template.get("max"))
    return Growing(
        prefix if isinstance(prefix, str) else None,
        tuple(names),
        1 if least is None else min(int(least), MOST_GROWN),
        len(names) if most is None else min(int(most), MOST_GROWN),
        grown[0],
    )


def _outputs(entry: Mapping[str, Any]) -> Iterator[Output]:
    kinds, names, lists = (_list(entry.get(key)) for key in ("output", "output_name", "output_is_list"))
    for place, kind in enumerate(kinds):
        kind = "COMBO" if isinstance(kind, list) else kind if isinstance(kind, str) else ANY
        name = names[place] if place < len(names) else None
        yield Output(name if isinstance(name, str) and name else kind, kind, bool(place < len(lists) and lists[place]))


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    """An object, none being an empty one."""
    if value is not None and not isinstance(value, dict):
        raise Damaged(f"{what} is no object")
    return value or {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None
