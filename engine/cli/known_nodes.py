"""Descriptions of node classes that cannot run here, from the schemas that ComfyUI gives of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.cli import inputs_table, words
from engine.cli.inputs_table import span, stated
from engine.cli.table import table
from engine.cli.used_nodes import origin

if TYPE_CHECKING:
    from schemas.node_schema import InputSchema, NodeSchema


def description(schema: "NodeSchema") -> Iterator[str]:
    """One class: who has it, its inputs with types, defaults and ranges, its outputs."""
    shown = "" if schema.display_name in ("", schema.class_type) else f" ({schema.display_name})"
    yield words.plain(f"{schema.class_type}{shown}: {schema.category or '(no category)'}")
    notes = [f"It cannot run here; {origin(schema.release, schema.address)}."]
    notes += [] if schema.certain else ["What is known of it was pieced together from files that use it."]
    notes += ["It calls a paid service."] if schema.partner else []
    yield words.plain(" ".join(notes))
    inputs = [row for entry in schema.inputs for row in _rows(entry)]
    outputs = inputs_table.outputs([(out.name, out.type, out.is_list) for out in schema.outputs])
    for title, cells in (("inputs", inputs), ("outputs", outputs)):
        if cells:
            yield title
            yield from table(cells, indent=2)


def _rows(entry: "InputSchema") -> Iterator[tuple[str, ...]]:
    """An input's rows."""
    return inputs_table.rows(entry.name, entry.type, entry.required, stated(entry.default), _values(entry))


def _values(entry: "InputSchema") -> str:
    """What a widget may be set to."""
    choices = [*entry.choices, *(option.key for option in entry.options)]
    return ", ".join(map(str, choices)) if choices else span(entry.minimum, entry.maximum)


def record_of(schema: "NodeSchema") -> dict[str, Any]:
    """One class as a JSON record, like that of a class that can run."""
    inputs = [
        {
            "name": entry.name,
            "type": entry.type,
            "required": entry.required,
            "default": stated(entry.default),
            "minimum": entry.minimum,
            "maximum": entry.maximum,
            "choices": list(entry.choices) or [option.key for option in entry.options] or None,
            "folder": None,
            "wire": not entry.is_widget,
        }
        for entry in schema.inputs
    ]
    return {
        "event": "node",
        "class_type": schema.class_type,
        "display_name": schema.display_name,
        "category": schema.category,
        "description": "",
        "runs": False,
        "since": schema.since,
        "address": schema.address,
        "certain": schema.certain,
        "output_node": schema.output_node,
        "inputs": inputs,
        "outputs": [{"name": out.name, "type": out.type, "is_list": out.is_list} for out in schema.outputs],
    }
