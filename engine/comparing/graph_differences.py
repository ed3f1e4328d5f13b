"""What differs between two graphs: nodes that only one has, classes and values that are not the same."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from schemas.prompt import Prompt, PromptNode


class FieldChange(BaseModel):
    """An input as JSON text in A and in B; None: that side does not have it."""

    field: str
    a: str | None
    b: str | None


class NodeChange(BaseModel):
    """A node that is not the same in both. a, b: its class there; None: that side does not have the node."""

    node: str
    title: str | None
    a: str | None
    b: str | None
    fields: list[FieldChange]


def differences(a: Prompt, b: Prompt) -> list[NodeChange]:
    """Node by node, in A's order and then B's; positions, titles and the order of inputs do not count."""
    names = dict.fromkeys((*a.nodes, *b.nodes))
    changes = (_change(name, a.nodes.get(name), b.nodes.get(name)) for name in names)
    return [change for change in changes if change is not None]


def _change(name: str, a: PromptNode | None, b: PromptNode | None) -> NodeChange | None:
    before, after = (_texts(node.inputs) if node else {} for node in (a, b))
    fields = [
        FieldChange(field=field, a=before.get(field), b=after.get(field))
        for field in dict.fromkeys((*before, *after))
        if before.get(field) != after.get(field)
    ]
    kind_a, kind_b = a.class_type if a else None, b.class_type if b else None
    if not fields and kind_a == kind_b:
        return None
    title = next((node.title for node in (b, a) if node and node.title), None)
    return NodeChange(node=name, title=title, a=kind_a, b=kind_b, fields=fields)


def _texts(inputs: Mapping[str, Any]) -> dict[str, str]:
    return {field: json.dumps(value, ensure_ascii=False, sort_keys=True) for field, value in inputs.items()}
