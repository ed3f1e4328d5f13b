"""How the table of classes holds one: as JSON, whatever is usual left out.

    {"in":[["model","MODEL"],["seed","INT",{"default":0,…}],…],"out":["LATENT"],"category":"sampling"}

An input is [name, type, what is unusual]; an output is its type, or [name, type], with True behind it for a list.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.node import MISSING
from schemas.node_schema import Growing, InputSchema, NodeSchema, Option, Output

Json = dict[str, Any]
INPUT_FIELDS = ("minimum", "maximum", "step", "control", "forced", "dynamic_prompts", "multiline", "upload")
"""Fields of an input that are stored as they are, unless they have their default."""
NODE_FIELDS = ("display_name", "category", "output_node", "partner", "deprecated", "certain")
"""Fields of a class that are stored as they are, unless they have their default."""
_USUAL_INPUT, _USUAL_NODE = InputSchema("", ""), NodeSchema("", ())


def as_json(schema: NodeSchema) -> Json:
    """A class as the table holds it, but for its name and origin. A title that is the name is left out, or none."""
    stored: Json = {"in": _inputs_json(schema.inputs), "out": [_output_json(output) for output in schema.outputs]}
    stored |= _unusual(schema, _USUAL_NODE, NODE_FIELDS)
    if schema.display_name == schema.class_type:
        del stored["display_name"]
    return stored


def from_json(class_type: str, stored: Mapping[str, Any], since: str, address: str | None) -> NodeSchema:
    """A class of the table; `stored` is what `as_json` gave."""
    fields = {"display_name": class_type} | {field: stored[field] for field in NODE_FIELDS if field in stored}
    outputs = tuple(_output(output) for output in stored["out"])
    return NodeSchema(class_type, _inputs(stored["in"]), outputs, since=since, address=address, **fields)


def _unusual(of: Any, usual: Any, fields: Iterable[str]) -> Json:
    """The fields that differ from the usual; 0 differs from None and from False."""
    found = {field: getattr(of, field) for field in fields}
    return {field: value for field, value in found.items() if value is not getattr(usual, field) and value != ""}


def _inputs_json(inputs: Iterable[InputSchema]) -> list[Any]:
    return [_input_json(entry) for entry in inputs]


def _input_json(entry: InputSchema) -> list[Any]:
    more: Json = {} if entry.required else {"required": False}
    if entry.default is not MISSING:
        more["default"] = entry.default
    if entry.choices:
        more["choices"] = list(entry.choices)
    more |= _unusual(entry, _USUAL_INPUT, INPUT_FIELDS)
    if entry.options:
        more["options"] = {option.key: _inputs_json(option.inputs) for option in entry.options}
    if entry.growing:
        grown = entry.growing
        more["growing"] = [grown.prefix, list(grown.names), grown.least, grown.most, _input_json(grown.of)]
    return [entry.name, entry.type, more] if more else [entry.name, entry.type]


def _inputs(stored: Iterable[Sequence[Any]]) -> tuple[InputSchema, ...]:
    return tuple(_input(entry) for entry in stored)


def _input(stored: Sequence[Any]) -> InputSchema:
    more: Json = dict(stored[2]) if len(stored) > 2 else {}
    for field in ("choices", "options"):
        if field in more:
            more[field] = tuple(more[field]) if field == "choices" else _options(more[field])
    if "growing" in more:
        prefix, names, least, most, of = more["growing"]
        more["growing"] = Growing(prefix, tuple(names), least, most, _input(of))
    return InputSchema(stored[0], stored[1], **more)


def _options(stored: Mapping[str, Any]) -> tuple[Option, ...]:
    return tuple(Option(key, _inputs(inputs)) for key, inputs in stored.items())


def _output_json(output: Output) -> Any:
    if output.is_list:
        return [output.name, output.type, True]
    return output.type if output.name == output.type else [output.name, output.type]


def _output(stored: Any) -> Output:
    return Output(stored, stored) if isinstance(stored, str) else Output(*stored)
