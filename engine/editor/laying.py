"""Laying a prompt over an editor's graph: each literal that differs goes to the place that it was read from.

All else in the file stays as it is. What the editor makes of a text on queueing is not written back unless the text was
really changed.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine.catalogue.catalogue import Catalogue
from engine.editor import dynamic_prompts, tokens
from engine.editor.graph import Path
from engine.editor.graph_copy import NAMED, VALUES, GraphCopy, same
from engine.editor.translating import translate
from engine.editor.widget_defaults import as_loaded
from engine.editor.widget_writing import rewritten
from engine.editor.widgets import entry_of
from engine.reading.printable import shown, unquoted
from schemas.node_schema import DYNAMIC_COMBO, NodeSchema
from schemas.prompt import Prompt, PromptNode, link_of, literal_of
from schemas.workflow import Origin, Workflow

_GROUPS = ("extra", "groupNodes")
_MARKS = re.compile(r"([{}|])")

_Literal = tuple[str, str]
"""A node of the prompt, and one of its fields."""


def laid(workflow: Workflow, prompt: Prompt, catalogue: Catalogue | None = None) -> tuple[Workflow, list[str]]:
    """A copy of a workflow with another prompt, of which the editor's graph says the same.

    With it a remark for each literal that the graph cannot say.

    catalogue: without one, what the file has no place for gets none.
    """
    copy = workflow.model_copy(update={"prompt": prompt})
    if workflow.workflow is None:
        return copy, []
    laying = _Laying(workflow, prompt, catalogue)
    laying.run()
    return copy.model_copy(update={"workflow": laying.copy.graph, "origins": laying.origins}), laying.remarks


def located(workflow: Workflow, catalogue: Catalogue) -> Workflow:
    """A workflow that knows where its editor's graph keeps its literals, such as a picture's, whose prompt was read.

    Raises what `translate` does.
    """
    if workflow.origins or workflow.workflow is None:
        return workflow
    again = translate(workflow.name, workflow.workflow, catalogue)
    same = {name for name, node in workflow.prompt.nodes.items() if _class_of(again.prompt, name) == node.class_type}
    return workflow.model_copy(
        update={"origins": {at: origin for at, origin in again.origins.items() if at[0] in same}}
    )


@dataclass(frozen=True, slots=True)
class _Growth:
    """Values of a node for which its saved list needs other places. node: of the prompt. path: of its own object."""

    node: str
    path: Path
    schema: NodeSchema
    values: dict[str, Any]


class _Laying:
    """One prompt on its way over one graph. copy, origins, remarks: what comes of it."""

    def __init__(self, workflow: Workflow, prompt: Prompt, catalogue: Catalogue | None) -> None:
        assert workflow.workflow is not None
        self._before, self._after, self._catalogue = workflow.prompt, prompt, catalogue
        self.copy = GraphCopy(workflow.workflow)
        self.origins = dict(workflow.origins)
        self.remarks: list[str] = []

    def run(self) -> None:
        """Find what differs and lay it."""
        changed = dict.fromkeys(self._changed())
        if not changed:
            return
        self._grow_lists(changed)
        sharing: dict[tuple[Path, int | str | None], list[_Literal]] = defaultdict(list)
        for at, origin in self.origins.items():
            sharing[origin.path, origin.key].append(at)
        done = set()
        for at in changed:
            kept = self.origins.get(at)
            if kept is None or kept.key is None:
                self._tell(at, f"the editor's graph has no place for {self._shown(at)}")
            elif (kept.path, kept.key) not in done:
                done.add((kept.path, kept.key))
                self._put(at, kept, sharing[kept.path, kept.key], changed)

    def _changed(self) -> Iterator[_Literal]:
        """The literals that differ; a remark for what is no literal."""
        for name, node in self._after.nodes.items():
            before = self._before.nodes.get(name)
            if before is None or before.class_type != node.class_type:
                self.remarks.append(f"{_title(name, node)}: the editor's graph has no such node")
                continue
            for field, value in node.inputs.items():
                if field in before.inputs and same(value, before.inputs[field]):
                    continue
                if link_of(value) is not None:
                    self._tell((name, field), "its link is not the editor's graph's")
                elif field in before.inputs and link_of(before.inputs[field]) is not None:
                    self._tell(
                        (name, field), f"a link feeds it in the editor's graph, not {self._shown((name, field))}"
                    )
                else:
                    yield name, field

    def _put(self, at: _Literal, origin: Origin, sharing: list[_Literal], changed: Mapping[_Literal, None]) -> None:
        """Put a literal in its place, if all that are read from there agree."""
        assert origin.key is not None
        wanted = self._stored(at, origin)
        for other in sharing:
            if other != at and self._is_literal(other) and not self._agrees(other, wanted, changed):
                self._tell(at, f"{self._shown(at)} stays out of the editor's graph: {_told(other)} is kept there too")
                return
        held = self.copy.peek(origin.path)[VALUES][origin.key]
        value = wanted if isinstance(held, dict) and "__value__" in held else literal_of(wanted)
        self.copy.put(origin.path, origin.key, origin.name, value)

    def _agrees(self, at: _Literal, wanted: Any, changed: Mapping[_Literal, None]) -> bool:
        origin = self.origins[at]
        if at not in changed and origin.queued:
            return False
        return same(self._stored(at, origin) if at in changed else self._value(at), wanted)

    def _stored(self, at: _Literal, origin: Origin) -> Any:
        """A literal as a file must keep it, for the editor to queue it."""
        value = self._value(at)
        if not isinstance(value, str) or not origin.queued:
            self._tell_if_loaded_otherwise(at, literal_of(value), origin)
            return value
        if origin.queued == "chosen":
            return self._escaped(at, value)
        if tokens.replace(value, datetime.min, lambda node, widget: "") != value:
            self._tell(at, f"the editor fills in the tokens of {shown(value)} when it is queued again")
        return value

    def _tell_if_loaded_otherwise(self, at: _Literal, value: Any, origin: Origin) -> None:
        if value is None and not origin.name:
            self._tell(at, "null stands for no value where it is kept")
        class_type = self._after.nodes[at[0]].class_type
        schema = self._catalogue.find(class_type) if self._catalogue is not None else None
        entry = entry_of(schema.inputs, at[1]) if schema is not None else None
        loaded, said = as_loaded(entry, at[1], value, class_type) if entry is not None else (value, None)
        if said is not None and not same(loaded, value):
            self._tell(at, f"the editor will load another value: {said}")

    def _escaped(self, at: _Literal, text: str) -> str:
        if _queued(text) == text:
            return text
        escaped = _MARKS.sub(r"\\\1", text)
        if _queued(escaped) == text:
            return escaped
        self._tell(at, "the editor queues it without what it takes for comments or braces of its own")
        return text

    def _grow_lists(self, changed: dict[_Literal, None]) -> None:
        """Lay the values of nodes whose lists change their places; take them out of `changed`."""
        growths: dict[Path, list[_Growth]] = defaultdict(list)
        for growth in self._growths(changed):
            growths[growth.path].append(growth)
        if not growths:
            return
        reading: dict[Path, list[_Literal]] = defaultdict(list)
        for at, origin in self.origins.items():
            if origin.path in growths and at[0] in self._after.nodes:
                reading[origin.path].append(at)
        for path, copies in growths.items():
            alike = all(same(copy.values, copies[0].values) for copy in copies)
            if alike and len(copies) == len({name for name, _ in reading[path]}):
                self._grow(copies, reading[path])
                for copy in copies:
                    for field in copy.values:
                        changed.pop((copy.node, field))

    def _growths(self, changed: Mapping[_Literal, None]) -> Iterator[_Growth]:
        """One for each node of which a value was not saved yet, or a choice brings other inputs."""
        by_node: dict[str, list[str]] = defaultdict(list)
        for name, field in changed:
            by_node[name].append(field)
        for name, fields in by_node.items():
            class_type = self._after.nodes[name].class_type
            schema = self._catalogue.find(class_type) if self._catalogue is not None else None
            path = self._outgrown(name, fields, schema) if schema is not None else None
            if schema is None or path is None:
                continue
            values = {}
            for field in fields:
                origin = self.origins.get((name, field), Origin(path, None, field))
                if origin.path == path and entry_of(schema.inputs, field) is not None:
                    values[field] = literal_of(self._stored((name, field), origin))
            yield _Growth(name, path, schema, values)

    def _outgrown(self, name: str, fields: Sequence[str], schema: NodeSchema) -> Path | None:
        """The path to a node's own object, if its list of values needs other places for these."""
        for field in fields:
            origin, entry = self.origins.get((name, field)), entry_of(schema.inputs, field)
            if origin is None or entry is None or origin.path[:2] == _GROUPS:
                continue
            own = self.copy.peek(origin.path).get("type") == schema.class_type
            if own and (origin.key is None or entry.type == DYNAMIC_COMBO):
                return origin.path
        return None

    def _grow(self, copies: Sequence[_Growth], reading: Sequence[_Literal]) -> None:
        """Save a node's values anew, with places for all. copies: it, wherever its subgraph stands."""
        first = copies[0]
        found = rewritten(self.copy.peek(first.path), first.schema, first.values)
        if found is None:
            for field, value in first.values.items():
                self._tell((first.node, field), f"the editor's graph has no certain place for {shown(value)}")
            return
        values, places = found
        node = self.copy.at(first.path)
        node[VALUES] = values
        if isinstance(named := node.get(NAMED), dict):
            node[NAMED] = {name: first.values.get(name, value) for name, value in named.items()}
        for at in reading:
            self.origins[at] = replace(self.origins[at], key=places.get(at[1]))
        for copy in copies:
            for field, key in places.items():
                self.origins.setdefault((copy.node, field), Origin(first.path, key, field))

    def _value(self, at: _Literal) -> Any:
        return self._after.nodes[at[0]].inputs[at[1]]

    def _is_literal(self, at: _Literal) -> bool:
        node = self._after.nodes.get(at[0])
        return node is not None and at[1] in node.inputs and link_of(node.inputs[at[1]]) is None

    def _shown(self, at: _Literal) -> str:
        return shown(self._value(at))

    def _tell(self, at: _Literal, said: str) -> None:
        self.remarks.append(f"{_title(at[0], self._after.nodes[at[0]])}: {at[1]}: {said}")


def _queued(text: str) -> str:
    return dynamic_prompts.resolve(text, random.Random(0))[0]


def _class_of(prompt: Prompt, name: str) -> str | None:
    node = prompt.nodes.get(name)
    return node.class_type if node is not None else None


def _title(name: str, node: PromptNode) -> str:
    """How remarks name a node."""
    return unquoted(f"{name} {node.class_type}")


def _told(at: _Literal) -> str:
    return unquoted(".".join(at))
