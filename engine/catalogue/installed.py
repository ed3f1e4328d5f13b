"""The schema of a class that is installed here, from its NodeSpec: for packs that the table has never heard of."""

from schemas.node import InputSpec, NodeSpec
from schemas.node_schema import InputSchema, NodeSchema, Output
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
    )
