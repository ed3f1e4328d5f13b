"""How much of a dump's entry the table takes over: not what pieced-together ones or paid classes say of ranges."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.catalogue.object_info import node_schema
from schemas.node_schema import InputSchema, NodeSchema

LONGEST_CHOICE = 80
"""Where a schema was pieced together from saved values, a longer one was typed, not chosen."""


def believed(class_type: str, info: Mapping[str, Any], certain: bool = True) -> NodeSchema:
    """The schema of a class as the table has it. certain: False for a pieced-together entry.

    Paid classes are many, and nobody here will run one.
    """
    schema = node_schema(class_type, info)
    ranges = certain and not schema.partner
    inputs = tuple(_input(entry, certain, ranges) for entry in schema.inputs)
    category = schema.category if ranges else ""
    return replace(schema, inputs=inputs, category=category, certain=certain)


def _input(entry: InputSchema, certain: bool, ranges: bool) -> InputSchema:
    if not certain and any(len(str(choice)) > LONGEST_CHOICE or "\n" in str(choice) for choice in entry.choices):
        entry = replace(entry, type="STRING", choices=())
    options = tuple(
        replace(option, inputs=tuple(_input(inside, certain, ranges) for inside in option.inputs))
        for option in entry.options
    )
    growing = entry.growing and replace(entry.growing, of=_input(entry.growing.of, certain, ranges))
    entry = replace(entry, options=options, growing=growing)
    return entry if ranges else replace(entry, minimum=None, maximum=None, step=None)
