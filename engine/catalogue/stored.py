"""How the table of classes holds one: as JSON, whatever is usual left out.

    {"in":[["model","MODEL"],["cfg","FLOAT",{"default":8.0,"range":[0.0,100.0,0.1]}],…],"out":["LATENT"]}

An input is [name, type, what is unusual], its type a list if those are its choices, its range being [minimum, maximum,
step]; behind the word "optional" none is required. An output is its type, or [name, type], with true behind it for a
list. An option of a dynamic combo is its inputs, or the earlier option that has the same. An autogrow is [prefix,
names, least, most, the input that grows].
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from schemas.node import MISSING
from schemas.node_schema import Growing, InputSchema, NodeSchema, Option, Output

Json = dict[str, Any]
COMBO, OPTIONAL = "COMBO", "optional"
RANGE = ("minimum", "maximum", "step")
INPUT_FIELDS = ("control", "forced", "dynamic_prompts", "multiline", "upload")
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


def _inputs_json(inputs: Sequence[InputSchema]) -> list[Any]:
    required = [_input_json(entry) for entry in inputs if entry.required]
    optional = [_input_json(entry) for entry in inputs if not entry.required]
    return [*required, OPTIONAL, *optional] if optional else required


def _input_json(entry: InputSchema) -> list[Any]:
    more: Json = {}
    if entry.default is not MISSING:
        more["default"] = entry.default
    span = [getattr(entry, field) for field in RANGE]
    if span != [None] * 3:
        more["range"] = span if entry.step is not None else span[:2]
    more |= _unusual(entry, _USUAL_INPUT, INPUT_FIELDS)
    if entry.options:
        more["options"] = _options_json(entry.options)
    if entry.growing:
        grown = entry.growing
        more["growing"] = [grown.prefix, _names_json(grown.names), grown.least, grown.most, _input_json(grown.of)]
    kind = list(entry.choices) if entry.choices and entry.type == COMBO else entry.type
    return [entry.name, kind, more] if more else [entry.name, kind]


def _inputs(stored: list[Any]) -> tuple[InputSchema, ...]:
    many = stored.index(OPTIONAL) if OPTIONAL in stored else len(stored)
    return tuple(_input(entry, place < many) for place, entry in enumerate(stored) if place != many)


def _input(stored: Sequence[Any], required: bool = True) -> InputSchema:
    more: Json = dict(stored[2]) if len(stored) > 2 else {}
    more |= zip(RANGE, more.pop("range", ()), strict=False)
    if "options" in more:
        more["options"] = tuple(_options(more["options"]))
    if "growing" in more:
        prefix, names, least, most, of = more["growing"]
        more["growing"] = Growing(prefix, _names(names), least, most, _input(of))
    if isinstance(stored[1], list):
        return InputSchema(stored[0], COMBO, required, choices=tuple(stored[1]), **more)
    return InputSchema(stored[0], stored[1], required, **more)


def _options_json(options: Iterable[Option]) -> Json:
    stored: Json = {}
    seen: dict[str, str] = {}
    for option in options:
        inputs = _inputs_json(option.inputs)
        first = seen.setdefault(json.dumps(inputs), option.key)
        stored[option.key] = inputs if first == option.key or not inputs else first
    return stored


def _options(stored: Mapping[str, Any]) -> Iterator[Option]:
    for key, inputs in stored.items():
        yield Option(key, _inputs(stored[inputs] if isinstance(inputs, str) else inputs))


def _names_json(names: tuple[str, ...]) -> list[Any]:
    """Names that count up, as most do, are stored as the first and how many: ["image_1", 14]."""
    counted = [names[0], len(names)] if names else []
    return counted if counted and _names(counted) == names else list(names)


def _names(stored: list[Any]) -> tuple[str, ...]:
    if not stored or isinstance(stored[-1], str):
        return tuple(stored)
    first, many = stored
    stem = first.rstrip("0123456789")
    start = int(first[len(stem) :] or 0)
    return tuple(f"{stem}{number}" for number in range(start, start + many))


def _output_json(output: Output) -> Any:
    if output.is_list:
        return [output.name, output.type, True]
    return output.type if output.name == output.type else [output.name, output.type]


def _output(stored: Any) -> Output:
    return Output(stored, stored) if isinstance(stored, str) else Output(*stored)
