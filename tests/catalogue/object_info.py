"""Reads an entry of ComfyUI's /object_info (as written by V1 and V3 nodes) as a NodeSchema. For the table's writer."""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.node import MISSING
from schemas.node_schema import AUTOGROW, DYNAMIC_COMBO, Growing, InputSchema, NodeSchema, Option, Output

UPLOADS = ("image_upload", "video_upload", "audio_upload", "file_upload", "animated_image_upload")
LONGEST_CHOICE = 80
"""Where a schema was pieced together from saved values, a longer one was typed, not chosen."""


def node_schema(class_type: str, info: Mapping[str, Any], certain: bool = True) -> NodeSchema:
    """The schema of a class. certain: False for pieced-together entries, whose bounds, steps, category say nothing."""
    order = info.get("input_order")
    return NodeSchema(
        class_type,
        tuple(_inputs(info.get("input") or {}, order, certain)),
        tuple(_outputs(info)),
        display_name=info.get("display_name") or "",
        category=(info.get("category") or "") if certain else "",
        output_node=bool(info.get("output_node")),
        partner=bool(info.get("api_node")),
        deprecated=bool(info.get("deprecated")),
        certain=certain,
    )


def _inputs(
    declared: Mapping[str, Any], order: Mapping[str, list[str]] | None = None, certain: bool = True
) -> Iterator[InputSchema]:
    for section in ("required", "optional"):
        entries = declared.get(section) or {}
        names = [name for name in (order or {}).get(section, ()) if name in entries]
        for name in [*names, *(name for name in entries if name not in names)]:
            yield _input(name, entries[name], section == "required", certain)


def _input(name: str, entry: list[Any], required: bool, certain: bool) -> InputSchema:
    declared, options = entry[0], entry[1] if len(entry) > 1 else {}
    listed = isinstance(declared, list)
    kind = "COMBO" if listed else declared
    choices = declared if listed else options.get("options") or () if kind == "COMBO" else ()
    if not certain and any(len(str(choice)) > LONGEST_CHOICE or "\n" in str(choice) for choice in choices):
        kind, choices = "STRING", ()
    return InputSchema(
        name,
        options.get("widgetType") or kind,
        required,
        default=options.get("default", MISSING),
        choices=tuple(choices),
        **_numbers(options) if certain else {},
        control=options.get("control_after_generate"),
        forced=bool(options.get("forceInput")),
        dynamic_prompts=bool(options.get("dynamicPrompts")),
        multiline=bool(options.get("multiline")),
        upload=any(options.get(upload) for upload in UPLOADS),
        options=tuple(_options(options, certain)) if kind == DYNAMIC_COMBO else (),
        growing=_growing(options, certain) if kind == AUTOGROW else None,
    )


def _numbers(options: Mapping[str, Any]) -> dict[str, float | None]:
    return {"minimum": options.get("min"), "maximum": options.get("max"), "step": options.get("step")}


def _options(options: Mapping[str, Any], certain: bool) -> Iterator[Option]:
    for option in options.get("options") or ():
        yield Option(option["key"], tuple(_inputs(option.get("inputs") or {}, None, certain)))


def _growing(options: Mapping[str, Any], certain: bool) -> Growing:
    template = options["template"]
    (of,) = _inputs(template["input"], None, certain)
    names = tuple(template.get("names") or ())
    most = template.get("max", len(names) or 100)
    return Growing(template.get("prefix"), names, template.get("min", 1 if names else 0), most, of)


def _outputs(info: Mapping[str, Any]) -> Iterator[Output]:
    kinds, names = info.get("output") or [], info.get("output_name") or []
    lists = info.get("output_is_list") or []
    for place, kind in enumerate(kinds):
        kind = "COMBO" if isinstance(kind, list) else kind
        name = names[place] if place < len(names) else None
        yield Output(name if isinstance(name, str) and name else kind, kind, bool(place < len(lists) and lists[place]))
