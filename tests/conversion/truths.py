"""What ComfyUI's own frontend made of editor files, kept in one archive, and the public files it was asked about.

Files: the packages comfyui-workflow-templates 0.1.95 and comfyui-workflow-templates-json 0.1.123; the archive holds the
rest (see data/SOURCES.md).
"""

import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

ARCHIVE = Path(__file__).parent / "data" / "truths.json.xz"
PACKAGES = {"tpl0195": "comfyui_workflow_templates", "tpl": "comfyui_workflow_templates_json"}
"""By the first part of a truth's name."""
MOVING = ("SaveAnimated", "SaveWEBM", "SaveVideo")
FOLLOWED = "1.58.1"
"""The frontend whose answers count for the crafted cases."""


@dataclass(frozen=True, slots=True)
class Truth:
    """An editor's file and the prompt that it should become.

    kind: "crafted", "pair", or of the official files "template", "old template" and "blueprint".
    """

    name: str
    kind: str
    graph: dict[str, Any]
    prompt: dict[str, Any]


@cache
def archive() -> dict[str, Any]:
    return dict(json.loads(lzma.decompress(ARCHIVE.read_bytes())))


def crafted() -> list[Truth]:
    """The cases made to show one rule each, with the answer of the frontend we follow."""
    cases = archive()["micro"]
    return [Truth(name, "crafted", case["graph"], case["answers"][FOLLOWED]) for name, case in cases.items()]


def pairs() -> list[Truth]:
    """Example pictures' two chunks: what was drawn and what was run."""
    return [Truth(name, "pair", each["graph"], each["prompt"]) for name, each in archive()["pairs"].items()]


def official() -> list[Truth]:
    """Templates and blueprints, as the frontend queued them."""
    kinds = {"tpl": "template", "tpl0195": "old template", "bp": "blueprint"}
    answers = archive()["frontend"]
    return [Truth(name, kinds[name.partition("/")[0]], graph_of(name), answers[name]) for name in answers]


def graph_of(name: str) -> dict[str, Any]:
    """The file behind the name of an official truth, such as "tpl/flux_schnell"."""
    source, _, stem = name.partition("/")
    if source == "bp":
        return dict(archive()["blueprints"][stem])
    return dict(json.loads(files(PACKAGES[source]).joinpath("templates", f"{stem}.json").read_text("utf-8")))


def local_images() -> Iterator[tuple[str, dict[str, Any]]]:
    """Official workflows that make pictures without a paid service: the newest templates, and the example pictures."""
    yield from ((name, graph_of(name)) for name in archive()["local_images"])
    for name, each in archive()["pairs"].items():
        classes = {node["class_type"] for node in each["prompt"].values()}
        if classes & {"SaveImage", "PreviewImage"} and not any(name.startswith(MOVING) for name in classes):
            yield name, each["graph"]


def templates() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every template of both packages that is an editor's file, with its name."""
    for source, package in PACKAGES.items():
        folder = files(package).joinpath("templates")
        for path in sorted(folder.iterdir(), key=lambda each: each.name):
            if path.name.endswith(".json") and not path.name.startswith("index"):
                graph = json.loads(path.read_text("utf-8"))
                if isinstance(graph, dict) and "nodes" in graph:
                    yield f"{source}/{path.name.removesuffix('.json')}", graph
