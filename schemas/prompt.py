"""Prompt: the API format, {id: {class_type, inputs, _meta}}. Every other form of a workflow becomes one first."""

from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class Link(NamedTuple):
    """An input that is fed by output `slot` of `node`."""

    node: str
    slot: int


def link_of(value: Any) -> Link | None:
    """The link a raw input holds, or None if it is a literal. ComfyUI's rule: a list of a node id and a slot number."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    node, slot = value
    if isinstance(slot, bool) or not isinstance(slot, (int, float)) or not isinstance(node, (str, int)):
        return None
    return Link(str(node), int(slot)) if slot == slot and abs(slot) < 1e9 else None


def literal_of(value: Any) -> Any:
    """The literal a raw input holds: {"__value__": x} protects a list that would look like a link.

    Beside it may stand "__type__", which says how the editor drew the value.
    """
    if isinstance(value, dict) and "__value__" in value and value.keys() <= {"__value__", "__type__"}:
        return value["__value__"]
    return value


class PromptNode(BaseModel):
    """One node as the API format has it. inputs: raw, links as [id, slot]."""

    model_config = ConfigDict(populate_by_name=True, extra="allow", defer_build=True)

    class_type: str
    inputs: dict[str, Any] = Field(default_factory=dict)
    meta: dict[str, Any] = Field(default_factory=dict, alias="_meta")

    @property
    def title(self) -> str | None:
        """The title a person gave the node in the editor, if the file has one."""
        title = self.meta.get("title")
        return title if isinstance(title, str) else None


class Prompt(BaseModel):
    """A graph in API format, nodes by id, in the file's order."""

    model_config = ConfigDict(defer_build=True)

    nodes: dict[str, PromptNode]

    def as_json(self) -> dict[str, Any]:
        """The plain dictionary ComfyUI's /prompt takes and PNG files carry."""
        return {name: node.model_dump(by_alias=True, exclude_unset=True) for name, node in self.nodes.items()}
