"""Base: the graph that the rows of a batch change, and the workflow of any row of it."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from engine import api
from engine.editor import control
from engine.editor.laying import laid
from engine.graph import overriding
from engine.graph.folders import INPUT
from engine.graph.rewrite import Target
from engine.plugins.registry import Registry
from schemas.batch import Row
from schemas.prompt import Prompt, link_of
from schemas.report import Problem
from schemas.settings import Settings
from schemas.workflow import FIXED, Workflow

Place = tuple[str, str]
"""A node of the prompt, and one of its fields."""


class Base:
    """One graph as every row starts from it. workflow: with --set done; notes: what reading it noticed."""

    def __init__(
        self,
        data: bytes,
        name: str,
        sets: Sequence[str] = (),
        *,
        mode: str | None = None,
        prompt_seed: int | str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Read a graph. sets: NODE.FIELD=VALUE, for every row. mode: that controls seeds between runs, not the graph's.

        prompt_seed: what chooses in dynamic prompts; see engine.editor.control.choosing. Raises GraphInvalid for what
        cannot be read or changed.
        """
        self._name, self._sets, self._prompt_seed, self._settings = name, list(sets), prompt_seed, settings
        self._registry = Registry.builtin()
        self._catalogue = api.catalogue(settings)
        loaded = api.load(data, name, control.choosing(prompt_seed), settings)
        self._translated = loaded.form == "ui" or bool(loaded.controls)
        self.workflow = api.located(self._with_sets(loaded), settings)
        self.notes = list(self.workflow.notes)
        if mode is not None:
            self.workflow = control.with_mode(self.workflow, mode)
        self._files = list(self._file_places())

    @cached_property
    def _session(self) -> api.Session:
        return api.Session(self._settings)

    def targets(self, name: str) -> list[Target]:
        """The literals that NODE.FIELD stands for. Raises GraphInvalid."""
        return overriding.targets(self.workflow, name, self._registry, self._catalogue)

    def problems(self, values: Sequence[tuple[str, str, Any]] = ()) -> list[Problem]:
        """What is wrong with the graph when it has these values."""
        prompt = _put(self.workflow.prompt, values)
        return self._session.validate(self.workflow.model_copy(update={"prompt": prompt}))

    def workflow_of(self, row: Row) -> Workflow:
        """The graph of a row, as `run --set … --repeat` would have it in that run.

        Its notes are those of the changes, for values that the editor's graph has no place for.
        """
        changed, remarks = laid(self.workflow, _put(self.workflow.prompt, row.values), self._catalogue)
        changed = changed.model_copy(update={"notes": remarks})
        if row.run == 1 or not self._translated or changed.workflow is None:
            return changed
        options = control.choosing(self._prompt_seed, row.run - 1)
        again = api.load(json.dumps(changed.workflow).encode(), self._name, options, self._settings)
        return changed.model_copy(update={"prompt": _put(self._with_sets(again).prompt, row.values)})

    def runs(self, values: Sequence[tuple[str, str, Any]], times: int, chance: random.Random) -> Iterator[list[Any]]:
        """The values of each of so many runs that start with these: first as they are, then moved by what controls."""
        current = self.workflow.model_copy(update={"prompt": _put(self.workflow.prompt, values), "workflow": None})
        held: dict[Place, Any] = {(node, field): value for node, field, value in values}
        yield list(values)
        for _ in range(times - 1):
            current = control.next_values(current, chance)
            for node, field in self.controlled():
                held[node, field] = current.prompt.nodes[node].inputs[field]
            yield [(node, field, value) for (node, field), value in held.items()]

    def controlled(self) -> list[Place]:
        """The literals that change from run to run."""
        places = ((each.node, each.field) for each in self.workflow.controls if each.mode != FIXED)
        return [place for place in places if self._is_literal(place)]

    def value(self, place: Place) -> Any:
        """What the graph itself has there."""
        return self.workflow.prompt.nodes[place[0]].inputs.get(place[1])

    def group(self, row: Row) -> str:
        """The model files that a row names, as one text."""
        changed: Mapping[Place, Any] = {(node, field): value for node, field, value in row.values}
        return "\n".join(sorted({str(changed.get(place, self.value(place))) for place in self._files}))

    def _with_sets(self, workflow: Workflow) -> Workflow:
        if not self._sets:
            return workflow
        return overriding.override(workflow, self._sets, self._registry, self._catalogue)

    def _is_literal(self, place: Place) -> bool:
        node = self.workflow.prompt.nodes.get(place[0])
        return node is not None and place[1] in node.inputs and link_of(node.inputs[place[1]]) is None

    def _file_places(self) -> Iterator[Place]:
        """Where the prompt names models."""
        for name, node in self.workflow.prompt.nodes.items():
            spec = self._registry.find(node.class_type)
            for field, known in spec.possible.items() if spec is not None else ():
                widget = known.widget
                if widget is not None and widget.folder not in (None, INPUT) and self._is_literal((name, field)):
                    yield name, field


def _put(prompt: Prompt, values: Sequence[tuple[str, str, Any]]) -> Prompt:
    """A copy with these values, by node and field; those of nodes that are not there are left out."""
    nodes = dict(prompt.nodes)
    for name, field, value in values:
        if name in nodes:
            nodes[name] = nodes[name].model_copy(update={"inputs": {**nodes[name].inputs, field: value}})
    return Prompt.model_construct(nodes=nodes)
