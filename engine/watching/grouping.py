"""grouping: which model files a graph names, told from its texts alone, so that graphs of one model run together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.errors import GraphInvalid
from engine.reading import read_file
from schemas.workflow import Workflow

ENDINGS = (".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pth", ".bin")
ADAPTER = "lora"
"""In the names of classes whose files are small changes of a model: they are not what is costly to load."""


def group_of(path: Path) -> str:
    """Names of the models that the graph in a file names, sorted; empty if there are none, or it cannot be read."""
    try:
        found = read_file(path)
    except GraphInvalid:  # who runs it will say so
        return ""
    graph: Any = found.prompt.as_json() if isinstance(found, Workflow) else found.graph
    return "\n".join(sorted(set(_names(graph))))


def _names(graph: Any) -> Iterator[str]:
    """Every text that names a model file. Not recursive: how deep a graph's values are is up to its file."""
    rest = [graph]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            kind = value.get("class_type", value.get("type"))
            if not (isinstance(kind, str) and ADAPTER in kind.lower()):
                rest += value.values()
        elif isinstance(value, list):
            rest += value
        elif isinstance(value, str) and value.lower().endswith(ENDINGS):
            yield value
