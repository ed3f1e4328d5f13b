"""Plain data becomes a Prompt: each node is looked at, and all that is damaged is told at once."""

from typing import Any

from engine.errors import GraphInvalid
from engine.reading.json_text import Parsed
from engine.reading.printable import clipped, shown
from schemas.prompt import Prompt, PromptNode
from schemas.report import Problem

STALE = frozenset({"is_changed"})
"""What old ComfyUI versions noted on a node while running it; often NaN, and without meaning for another run."""
NO_NODES = frozenset(
    {"client_id", "prompt_id", "number", "extra_data", "extra_pnginfo", "workflow", "version", "extra"}
)
"""Names that programs put beside the nodes."""

EDITOR_KEYS = frozenset({"links", "last_node_id", "last_link_id", "definitions"})
"""Names of which at least one stands beside the nodes in nearly every file of the editor."""
FOREIGN_KEYS = frozenset({"edges", "connections"})


def is_editor_form(value: dict[str, Any]) -> bool:
    """Whether this is the editor's own format: a list of nodes, and what editors write beside it.

    Files made by hand or by other tools may have the nodes alone; other programs' graphs have edges or connections.
    """
    nodes = value.get("nodes")
    if not isinstance(nodes, list):
        return False
    if not EDITOR_KEYS.isdisjoint(value):
        return True
    return FOREIGN_KEYS.isdisjoint(value) and any(isinstance(node, dict) and "type" in node for node in nodes)


def has_key(value: dict[str, Any], key: str) -> bool:
    """Whether at least one value is an object with this key: "class_type" for a node, "inputs" for a damaged one."""
    return any(isinstance(node, dict) and key in node for node in value.values())


def prompt_of(file: str, value: dict[str, Any], parsed: Parsed, notes: list[str]) -> Prompt:
    """The nodes of an API-format object. Adds to notes what was passed over.

    Raises GraphInvalid with one problem per damaged node (malformed-node) and repeated key (duplicate-key).
    """
    problems = [
        Problem(
            code="duplicate-key",
            file=file,
            node=clipped(key),
            said=f"two nodes have the id {shown(key)}.",
            fix="Give one of them another id.",
        )
        for key in parsed.repeats(value)
    ]
    nodes: dict[str, PromptNode] = {}
    for name, raw in value.items():
        if not isinstance(raw, dict) and (name in NO_NODES or name.startswith(("_", "#"))):
            notes.append(f"{shown(name)} is no node and was passed over")
        elif isinstance(raw, dict) and "class_type" not in raw and name in NO_NODES | {"_meta"}:
            notes.append(f"{shown(name)} is no node and was passed over")
        else:
            found = _damage(file, name, raw, parsed)
            problems += found
            if not found:
                nodes[name] = _node(raw)
    if problems:
        raise GraphInvalid(problems)
    return Prompt.model_construct(nodes=nodes)


def _node(raw: dict[str, Any]) -> PromptNode:
    """A node known to be sound. Built field by field: what was not in the file stays unset, so that it is not saved."""
    kept = {key: item for key, item in raw.items() if key not in STALE}
    if not isinstance(kept.get("_meta", {}), dict):
        del kept["_meta"]
    return PromptNode.model_validate(kept)


def _damage(file: str, name: str, raw: Any, parsed: Parsed) -> list[Problem]:
    """What is wrong with one node of the file."""
    place: dict[str, Any] = {"file": file, "node": clipped(name)}
    if not isinstance(raw, dict):
        said = f"node {shown(name)} is {shown(raw)}, not an object with class_type and inputs."
        fix = "Write it as an object, or remove it."
        return [Problem(code="malformed-node", **place, found=clipped(raw), said=said, fix=fix)]
    found = _repeats(place, name, raw, parsed)
    title = raw["_meta"].get("title") if isinstance(raw.get("_meta"), dict) else None
    place["title"] = clipped(title) if isinstance(title, str) else None
    class_type, inputs = raw.get("class_type"), raw.get("inputs", {})
    if "class_type" not in raw:
        said = f"node {shown(name)} has no class_type; editors write such nodes for classes that they do not know."
        fix = "Add its class_type, or install the missing pack there and export again."
        found.append(Problem(code="malformed-node", **place, field="class_type", said=said, fix=fix))
    elif not isinstance(class_type, str):
        said = f"the class_type of node {shown(name)} is {shown(class_type)}, not a text."
        fix = "Write the name of a node class there."
        found.append(
            Problem(code="malformed-node", **place, field="class_type", found=clipped(class_type), said=said, fix=fix)
        )
    if not isinstance(inputs, dict):
        said = f"the inputs of node {shown(name)} are {shown(inputs)}, not an object of names and values."
        fix = 'Write them as {"name": value, ...}.'
        found.append(Problem(code="malformed-node", **place, field="inputs", found=clipped(inputs), said=said, fix=fix))
    return found


def _repeats(place: dict[str, Any], name: str, raw: dict[str, Any], parsed: Parsed) -> list[Problem]:
    """Keys that the node, or its inputs, have more than once."""
    inputs = raw.get("inputs")
    keys = [*parsed.repeats(raw), *(parsed.repeats(inputs) if isinstance(inputs, dict) else [])]
    return [
        Problem(
            code="duplicate-key",
            **place,
            field=clipped(key),
            said=f"node {shown(name)} gives {shown(key)} more than once.",
            fix="Keep one of them.",
        )
        for key in keys
    ]
