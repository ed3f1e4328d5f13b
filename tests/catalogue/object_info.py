"""Reads an entry of ComfyUI's /object_info (as written by V1 and V3 nodes) as a NodeSchema. For the table's writer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas.node import MISSING
from schemas.node_schema import AUTOGROW, DYNAMIC_COMBO, Growing, InputSchema, NodeSchema, Option, Output

UPLOADS = ("image_upload", "video_upload", "audio_upload", "file_upload", "animated_image_upload")
LONGEST_CHOICE = 80
"""Where a schema was pieced together from saved values, a longer one was typed, not chosen."""


def node_schema(class_type: str, info: Mapping[str, Any], certain: bool = True) -> NodeSchema:
    """The schema of a class. certain: False for pieced-together entries, whose ranges and categories say nothing.

    Those of paid classes are left out too: they are many, and nobody here will run one.
    """
    partner = bool(info.get("api_node"))
    reader = _Reader(certain, ranges=certain and not partner)
    category = info.get("category") if reader.ranges else None
    return NodeSchema(
        class_type,
        tuple(reader.inputs(info.get("input") or {}, info.get("input_order") or {})),
        tuple(_outputs(info)),
        display_name=info.get("display_name") or "",
        category=category or "",
        output_node=bool(info.get("output_node")),
        partner=partner,
        deprecated=bool(info.get("deprecated")),
        certain=certain,
    )


@dataclass(frozen=True)
class _Reader:
    """How far the inputs of a class are to be believed."""

    certain: bool
    ranges: bool

    def inputs(self, declared: Mapping[str, Any], order: Mapping[str, list[str]]) -> Iterator[InputSchema]:
        """Those required first, each group in the order stated or else as declared."""
        for section in ("required", "optional"):
            entries = declared.get(section) or {}
            names = [name for name in order.get(section, ()) if name in entries]
            for name in [*names, *(name for name in entries if name not in names)]:
                yield self.input(name, entries[name], section == "required")

    def input(self, name: str, entry: list[Any], required: bool) -> InputSchema:
        declared, options = entry[0], entry[1] if len(entry) > 1 else {}
        kind = "COMBO" if isinstance(declared, list) else declared
        choices = self.choices(declared, options)
        if not self.certain and any(len(str(choice)) > LONGEST_CHOICE or "\n" in str(choice) for choice in choices):
            kind, choices = "STRING", ()
        schema = InputSchema(
            name,
            options.get("widgetType") or kind,
            required,
            default=options.get("default", MISSING),
            choices=choices,
            control=options.get("control_after_generate"),
            forced=bool(options.get("forceInput")),
            dynamic_prompts=bool(options.get("dynamicPrompts")),
            multiline=bool(options.get("multiline")),
            upload=any(options.get(upload) for upload in UPLOADS),
            options=tuple(self.options(options)) if kind == DYNAMIC_COMBO else (),
            growing=self.growing(options["template"]) if kind == AUTOGROW else None,
        )
        ranges = options if self.ranges else {}
        return replace(schema, minimum=ranges.get("min"), maximum=ranges.get("max"), step=ranges.get("step"))

    def choices(self, declared: Any, options: Mapping[str, Any]) -> tuple[Any, ...]:
        """Of a list given as the type, or of a COMBO."""
        if isinstance(declared, list):
            return tuple(declared)
        return tuple(options.get("options") or ()) if declared == "COMBO" else ()

    def options(self, options: Mapping[str, Any]) -> Iterator[Option]:
        for option in options.get("options") or ():
            yield Option(option["key"], tuple(self.inputs(option.get("inputs") or {}, {})))

    def growing(self, template: Mapping[str, Any]) -> Growing:
        (of,) = self.inputs(template["input"], {})
        names = tuple(template.get("names") or ())
        most = template.get("max", len(names))
        return Growing(template.get("prefix"), names, template.get("min", 1), most, of)


def _outputs(info: Mapping[str, Any]) -> Iterator[Output]:
    kinds, names = info.get("output") or [], info.get("output_name") or []
    lists = info.get("output_is_list") or []
    for place, kind in enumerate(kinds):
        kind = "COMBO" if isinstance(kind, list) else kind
        name = names[place] if place < len(names) else None
        yield Output(name if isinstance(name, str) and name else kind, kind, bool(place < len(lists) and lists[place]))
