"""Mutations of files in the editor's format, from file to checked graph: a Workflow or Problems, and nothing else.

python -m tests.hostile.mutate_editor --count 100000 --seed 0

As in tests.hostile.mutate, whose changes and judgement are used here, `--only NUMBER` makes one mutation again.
"""

import copy
import functools
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests.hostile.mutate import ODD_TEXTS, Mutator, judged, main, without_limits

BUNDLED = Path(__file__).parents[2] / "graphs" / "ui"
PACKAGES = ("comfyui_workflow_templates", "comfyui_workflow_templates_json")
LARGEST = 120_000
"""Bytes of a template that is mutated; larger ones have nothing new."""
TYPES = ("Reroute", "PrimitiveNode", "Note", "GetNode", "SetNode", "Anything Everywhere", "Prompts Everywhere")
TYPES += ("KSampler", "SaveImage", "CustomCombo", "LoraLoader", "workflow>group", "NoSuchNode", "CLIPTextEncode")


@functools.cache
def originals() -> list[str]:
    """Sound files to start from, as text: the bundled ones, and official templates of every kind."""
    texts = [path.read_text("utf-8") for path in sorted(BUNDLED.glob("*.json"))]
    for package in PACKAGES:
        folder = files(package).joinpath("templates")
        paths = sorted((each for each in folder.iterdir() if each.name.endswith(".json")), key=lambda each: each.name)
        found = (path.read_text("utf-8") for path in paths[::7])
        texts += [text for text in found if len(text) < LARGEST and '"nodes"' in text]
    return texts


def parts(graph: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The root graph and the definitions in it."""
    yield graph
    held = graph.get("definitions")
    inner = held.get("subgraphs") if isinstance(held, dict) else None
    yield from (part for part in (inner if isinstance(inner, list) else []) if isinstance(part, dict))


class EditorMutator(Mutator):
    """Changes that keep the shape of an editor's graph, and change what it says."""

    def meddle(self, graph: dict[str, Any]) -> None:
        """One change of a node or link."""
        part = self.rng.choice(list(parts(graph)))
        nodes = [node for node in part.get("nodes") or [] if isinstance(node, dict)]
        links = part.get("links")
        if not nodes:
            return
        node = self.rng.choice(nodes)
        kind = self.rng.randrange(9)
        if kind == 0:
            node["mode"] = self.rng.choice((0, 1, 2, 3, 4, 4, 2, 9, None, "4"))
        elif kind == 1:
            known = [each.get("id") for each in parts(graph) if each is not graph]
            node["type"] = self.rng.choice((*TYPES, *known, *known, *(each.get("type") for each in nodes)))
        elif kind == 2 and isinstance(links, list) and links:
            self._bend(links, nodes)
        elif kind == 3:
            self._rewire(node, links)
        elif kind == 4:
            self._shuffle(node)
        elif kind == 5:
            node["id"] = self.rng.choice((-10, -20, "1:2", *(each.get("id") for each in nodes)))
        elif kind == 6 and isinstance(node.get("properties"), dict):
            other = self.rng.choice(nodes)
            node["properties"]["proxyWidgets"] = [
                [self.rng.choice((str(other.get("id")), "-1", 7)), self.rng.choice(("text", "seed", *ODD_TEXTS))]
                for _ in range(self.rng.randrange(4))
            ]
        elif kind == 7:
            self.rng.choice(nodes).update(copy.deepcopy({key: node[key] for key in ("inputs", "type") if key in node}))
        else:
            part["nodes"].append(copy.deepcopy(node))

    def _bend(self, links: list[Any], nodes: list[dict[str, Any]]) -> None:
        """Let a link end or begin elsewhere."""
        link, node = self.rng.choice(links), self.rng.choice(nodes)
        end, slot = self.rng.choice((("origin_id", "origin_slot"), ("target_id", "target_slot")))
        places = {"origin_id": 1, "origin_slot": 2, "target_id": 3, "target_slot": 4}
        where = self.rng.choice((node.get("id"), -10, -20, 10**6))
        if isinstance(link, dict):
            link[end], link[slot] = where, self.rng.choice((0, 0, 1, 7, -1))
        elif isinstance(link, list) and len(link) > 4:
            link[places[end]], link[places[slot]] = where, self.rng.choice((0, 0, 1, 7, -1))

    def _rewire(self, node: dict[str, Any], links: Any) -> None:
        """Let an input hold another link."""
        inputs = [each for each in node.get("inputs") or [] if isinstance(each, dict)]
        if inputs and isinstance(links, list) and links:
            link = self.rng.choice(links)
            held = link.get("id") if isinstance(link, dict) else link[0] if isinstance(link, list) and link else None
            self.rng.choice(inputs)["link"] = held

    def _shuffle(self, node: dict[str, Any]) -> None:
        """Other saved values."""
        values = node.get("widgets_values")
        if isinstance(values, list) and values and self.rng.random() < 0.7:
            kind = self.rng.randrange(4)
            if kind == 0:
                self.rng.shuffle(values)
            elif kind == 1:
                del values[self.rng.randrange(len(values)) :]
            elif kind == 2:
                values.insert(self.rng.randrange(len(values) + 1), self.odd())
            else:
                values[self.rng.randrange(len(values))] = self.odd()
        else:
            node["widgets_values"] = self.odd()


def case(seed: int, number: int) -> bytes:
    """The file of one mutation."""
    with without_limits():
        return _case(random.Random(f"{seed}/{number}"))


def _case(rng: random.Random) -> bytes:
    mutator = EditorMutator(rng)
    graph = json.loads(rng.choice(originals()))
    for _ in range(rng.choice((0, 1, 1, 2, 4, 8))):
        mutator.meddle(graph)
    for _ in range(rng.choice((0, 0, 1, 2))):
        mutator.change(graph)
    data = mutator.packed_workflow(json.dumps(graph))
    return mutator.flip(data) if rng.random() < 0.1 else data


def run(count: int, seed: int, first: int = 0) -> tuple[Counter[str], list[str]]:
    """What became of so many mutations, and a report for each that failed."""
    return judged((number, case(seed, number), []) for number in range(first, first + count))


if __name__ == "__main__":
    sys.exit(main(run))
