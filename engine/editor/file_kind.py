"""What a file is as a whole: a line for people, and whether it can run at all."""

from collections.abc import Iterable
from typing import Any

from engine.editor.graph import EditorFile
from engine.editor.running_node import RunningNode
from engine.editor.virtual_nodes import is_primitive, is_virtual


def recognised(graph: dict[str, Any], file: EditorFile, running: int) -> str:
    """What a file is, in a line. running: nodes of the prompt that came out of it."""
    version = graph.get("version")
    told = f" {version}" if isinstance(version, int | float) and not isinstance(version, bool) else ""
    root, definitions = len(file.root.nodes), len(file.definitions)
    within = f" and {definitions} subgraph{'s' if definitions != 1 else ''}" if definitions else ""
    runs = "1 node that runs" if running == 1 else f"{running} nodes that run"
    return f"the editor's format{told}: {root} node{'s' if root != 1 else ''}{within} became {runs}"


def is_building_block(file: EditorFile, running: Iterable[RunningNode]) -> bool:
    """Whether a file is one subgraph saved alone: nothing else stands beside it, and nothing in it is written."""
    real = [node for node in file.root.nodes.values() if not is_virtual(node.type) or is_primitive(node)]
    if len(real) != 1 or real[0].type not in file.definitions:
        return False
    return not any(each.schema is not None and each.schema.output_node for each in running)
