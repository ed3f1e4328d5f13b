"""The schema of a class that is installed here, from its NodeSpec: for packs that the table has never heard of."""

from dataclasses import replace

from schemas.node import InputSpec, NodeSpec
from schemas.node_schema import Growing, InputSchema, NodeSchema, Option, Output
from schemas.widgets import Widget

NO_WIDGET = Widget("")


def schema_of(spec: NodeSpec) -> NodeSchema:
    """What an editor would be told of this class: required inputs first, each group in the order declared."""
    inputs = sorted(spec.inputs.values(), key=lambda entry: not entry.required)
    return NodeSchema(
        spec.class_type,
        tuple(_input(entry) for entry in inputs),
        tuple(Output(output.name, output.socket, output.is_list) for output in spec.outputs),
        display_name=spec.display_name,
        category=spec.category,
        output_node=spec.output_node,
        since=spec.pack,
    )


def _input(entry: InputSpec) -> InputSchema:
    """control: the rule of ComfyUI's editor is the schema's default; only what a widget says besides is stated."""
    widget = entry.widget or NO_WIDGET
    return InputSchema(
        entry.name,
        entry.socket,
        entry.required,
        default=entry.default,
        choices=entry.choices or widget.extra,
        minimum=entry.minimum,
        maximum=entry.maximum,
        step=widget.step,
        control=True if widget.control else None,
        forced=False,
        dynamic_prompts=widget.dynamic_prompts,
        multiline=widget.multiline,
        upload=widget.upload,
        options=tuple(Option(key, _members(entry, group)) for key, group in (entry.options or {}).items()),
        growing=_growing(entry) if entry.growing else None,
    )


def _members(entry: InputSpec, group: tuple[InputSpec, ...]) -> tuple[InputSchema, ...]:
    """The inputs of one group of an input, required ones first, by their own names."""
    ordered = sorted(group, key=lambda member: not member.required)
    return tuple(replace(_input(member), name=member.name.removeprefix(f"{entry.name}.")) for member in ordered)


def _growing(entry: InputSpec) -> Growing:
    """How editors name the sockets of a group."""
    members = _members(entry, entry.growing)
    least = sum(member.required for member in members)
    return Growing(None, tuple(member.name for member in members), least, len(members), members[0])
