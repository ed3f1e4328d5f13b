"""Scene: what every check looks at, and how a finding becomes a Problem that names its node."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import networkx as nx

from engine.catalogue.catalogue import Find, known
from engine.graph.build import Graph
from engine.graph.folders import INPUT, Folders
from engine.graph.sockets import fits
from engine.plugins.nearest import Nearest
from engine.plugins.registry import Registry
from engine.reading.printable import clipped, printable, shown, unquoted
from schemas.prompt import Link, Prompt
from schemas.report import Problem, ProblemCode
from schemas.sockets import ANY
from schemas.workflow import Workflow

LONGEST_PART, LONGEST_NAME = 255, 2000
"""Bytes of one part of a path, and characters of a whole name, that file systems take."""
MOST_SUGGESTIONS = 200
DYNAMIC = "COMFY_"
"""How socket types begin that are settled only by what is linked to them."""
_EXAMPLES = 2
_OFFERS = 8
"""Outputs of one type that are looked at for examples: enough to find one, few enough for any graph."""


def one_of(names: Sequence[str]) -> str:
    """A question after near names, best first: "Did you mean 'a' or 'b'?"; empty without names."""
    return f"Did you mean {' or '.join(shown(name) for name in names)}?" if names else ""


def _askable(name: str) -> bool:
    """Whether a file system may be asked for a name; for those that it cannot have, some raise."""
    parts = [len(part.encode("utf-8", "surrogateescape")) for part in name.replace("\\", "/").split("/")]
    return bool(name) and "\0" not in name and max(parts) <= LONGEST_PART and len(name) <= LONGEST_NAME


class Scene:
    """One workflow under inspection. Files are looked up once each, name indexes are built when first asked for."""

    def __init__(
        self, workflow: Workflow, registry: Registry, folders: Folders, graph: Graph, find: Find = known
    ) -> None:
        """graph: as `build` makes it of this workflow with this registry. find: the schema of a class, ours or not."""
        self.file = workflow.name
        self.prompt: Prompt = workflow.prompt
        self.editor_graph = workflow.workflow
        self.open_inputs = workflow.open_inputs
        self.registry = registry
        self.folders = folders
        self.graph = graph
        self.find = find
        self._there: dict[tuple[str, str], bool] = {}
        self._suggestions = 0
        self._instead: dict[tuple[str, str], str] = {}
        self._fields: dict[str, Nearest] = {}

    def problem(
        self,
        code: ProblemCode,
        said: str,
        fix: str,
        node: str | None = None,
        field: str | None = None,
        found: Any = None,
    ) -> Problem:
        """A finding, with title and class of its node."""
        there = self.prompt.nodes.get(node) if node is not None else None
        return Problem(
            code=code,
            said=said,
            fix=fix,
            file=self.file,
            node=None if node is None else clipped(node),
            title=clipped(there.title) if there else None,
            class_type=clipped(there.class_type) if there else None,
            field=None if field is None else clipped(field),
            found=clipped(found),
        )

    def given(self, link: Link) -> str | None:
        """The socket type of an output of a node in the graph; None if there is none, or nobody can say for certain."""
        data = self.graph.nodes[link.node]
        if data["spec"] is not None:
            outputs = [output.socket for output in data["spec"].outputs]
        else:
            schema = self.find(data["node"].class_type)
            outputs = [output.type for output in schema.outputs] if schema is not None and schema.certain else []
        given = outputs[link.slot] if 0 <= link.slot < len(outputs) else None
        return None if given is None or given.startswith(DYNAMIC) else given

    def named(self, node: str) -> str:
        """A node in a sentence: its id and class."""
        return f"{unquoted(node)} {unquoted(self.prompt.nodes[node].class_type)}"

    def has_file(self, folder: str, name: str) -> bool:
        """Whether a model or picture file is there, under either slash."""
        key = (folder, name)
        if key not in self._there:
            self._there[key] = any(
                self._on_disk(folder, form) for form in dict.fromkeys((name, name.replace("\\", "/")))
            )
        return self._there[key]

    def _on_disk(self, folder: str, name: str) -> bool:
        if not _askable(name):
            return False
        if folder == INPUT:
            return self.folders.input_path(name) is not None
        return self.folders.has(folder, name)

    def where_instead(self, folder: str, name: str) -> str:
        """What may be meant by a file that is not there, as sentences; empty if nothing comes near."""
        key = (folder, name)
        if key not in self._instead:
            self._instead[key] = self._search(folder, name) if _askable(name) and self._may_suggest() else ""
        return self._instead[key]

    def _search(self, folder: str, name: str) -> str:
        others = [] if folder == INPUT else [other for other in self.folders.elsewhere(name) if other != folder]
        moved = f"It is in the folder for {others[0]}: move it, or use a node that looks there. " if others else ""
        return f"{moved}{one_of(list(self.folders.near(folder, name)))}".strip()

    def near_fields(self, class_type: str, field: str) -> list[str]:
        """Inputs of a known class that are named alike."""
        if class_type not in self._fields:
            spec = self.registry.find(class_type)
            self._fields[class_type] = Nearest(spec.possible if spec else ())
        return self._fields[class_type].of(field) if self._may_suggest() else []

    def near_classes(self, class_type: str) -> list[str]:
        """Known classes that are named alike."""
        return self.registry.near(class_type) if self._may_suggest() else []

    def _may_suggest(self) -> bool:
        """Searching for names costs far more than finding a fault; nobody reads thousands of suggestions."""
        self._suggestions += 1
        return self._suggestions <= MOST_SUGGESTIONS

    def givers(self, socket: str, node: str) -> str:
        """Links in this graph that would fit a socket of a node and close no cycle, as a sentence; or empty."""
        level = self._levels[node]
        fitting = [
            link
            for given, other, link in self._offers
            if other != node and self._levels[other] <= level and fits(given, socket)
        ]
        return f" Here {' or '.join(fitting[:_EXAMPLES])} would fit." if fitting else ""

    @cached_property
    def knots(self) -> list[set[str]]:
        """Sets of nodes that reach one another, single nodes mostly; consumers before their producers."""
        return list(nx.strongly_connected_components(self.graph))

    @cached_property
    def _levels(self) -> dict[str, int]:
        """Wires on the longest way to each node, a knot counting as one node: a node's readers are all above it."""
        levels: dict[str, int] = {}
        for members in reversed(self.knots):
            below = {producer for name in members for producer in self.graph.pred[name]} - members
            level = max((levels[producer] for producer in below), default=-1) + 1
            levels |= dict.fromkeys(members, level)
        return levels

    @cached_property
    def _offers(self) -> list[tuple[str, str, str]]:
        """(socket type, node, link in words) of the first few outputs of each type in the graph."""
        offers: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        for name, data in self.graph.nodes(data=True):
            for slot, output in enumerate(data["spec"].outputs if data["spec"] else ()):
                if output.socket != ANY and len(offers[output.socket]) < _OFFERS:
                    link = f'["{printable(name[:40])}", {slot}] ({data["spec"].class_type})'
                    offers[output.socket].append((output.socket, name, link))
        return [offer for found in offers.values() for offer in found]
