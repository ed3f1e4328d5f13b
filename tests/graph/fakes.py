"""Folders without a disk, and graphs in short notation, for tests of the graph half."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.graph.check import check
from engine.plugins.registry import Registry
from engine.reading.json_text import Parsed
from engine.reading.prompt_form import prompt_of
from schemas.prompt import Prompt
from schemas.report import Problem
from schemas.workflow import Workflow
from tests import toys

TOYS = Registry.of(toys.specs())


class FakeFolders:
    """Files by folder, all in memory."""

    def __init__(self, files: Mapping[str, Sequence[str]] | None = None) -> None:
        """files: names by folder."""
        self.files = {"checkpoints": ["a.safetensors"], "input": ["cat.png"]} if files is None else dict(files)

    def searched(self, folder: str) -> list[str]:
        """One made-up path for each folder there is."""
        return [f"/models/{folder}"] if folder in self.files else []

    def has(self, folder: str, name: str) -> bool:
        """By exact name."""
        return name in self.files.get(folder, ())

    def near(self, folder: str, name: str) -> list[str]:
        """Names with the same first letter."""
        return [other for other in self.files.get(folder, ()) if other[:1] == name[:1]]

    def elsewhere(self, name: str) -> list[str]:
        """Folders with this very name."""
        return [folder for folder, names in self.files.items() if name in names]

    def path(self, folder: str, name: str) -> Path | None:
        """Nothing lies on a disk."""
        return None

    def input_path(self, name: str) -> Path | None:
        """By exact name."""
        return Path("/input", name) if self.has("input", name) else None


def prompt(nodes: dict[str, Any]) -> Prompt:
    """API JSON as a Prompt."""
    return prompt_of("test.json", nodes, Parsed(nodes), [])


def workflow(nodes: dict[str, Any], editor: dict[str, Any] | None = None) -> Workflow:
    """API JSON as a Workflow."""
    return Workflow(name="test.json", form="api", prompt=prompt(nodes), workflow=editor)


def node(class_type: str, title: str | None = None, **inputs: Any) -> dict[str, Any]:
    """One node of API JSON."""
    return {"class_type": class_type, "inputs": inputs} | ({"_meta": {"title": title}} if title else {})


def problems(nodes: dict[str, Any], folders: FakeFolders | None = None, **options: Any) -> list[Problem]:
    """What `check` says of API JSON with the toy nodes."""
    return check(workflow(nodes, **options), TOYS, folders or FakeFolders())


def codes(nodes: dict[str, Any], **options: Any) -> list[str]:
    """The codes of these problems, in order."""
    return [problem.code for problem in problems(nodes, **options)]


def shown(class_type: str, **inputs: Any) -> dict[str, Any]:
    """A graph of one node "1" and a ToyShow "show" that reads its first output."""
    return {"1": node(class_type, **inputs), "show": node("ToyShow", value=["1", 0])}
