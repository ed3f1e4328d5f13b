"""translate: an editor's graph becomes a Workflow, as ComfyUI's frontend 1.58 makes it when a graph is queued."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine.catalogue.catalogue import Catalogue
from engine.editor import anything_everywhere, dynamic_prompts, group_nodes, link_table, tokens
from engine.editor.graph import INPUT_SIDE, EditorFile, EditorNode, Slot
from engine.editor.graph_reading import GraphReader
from engine.editor.places import Place, Places
from engine.editor.promoted import Promoted, kept_at
from engine.editor.resolving import Literal, Opening, Resolver, Source, Wire
from engine.editor.virtual_nodes import is_primitive, is_virtual, primitive_mode, replaces_tokens
from engine.editor.widget_defaults import as_loaded
from engine.editor.widget_slots import FIXED
from engine.editor.widgets import Widgets, has_widget, is_other_options, widgets_of
from engine.reading.printable import listed, shown, unquoted
from schemas.node import MISSING
from schemas.node_schema import InputSchema, NodeSchema
from schemas.prompt import Prompt, PromptNode
from schemas.workflow import Control, Form, Origin, Workflow

MOST_NAMED = 3
"""Nodes that a remark names when several have the same."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the editor does when a graph is queued.

    seed: for the choices in dynamic prompts; None leaves prompts as they are written. now: for %date% in file names;
    None is the present moment.
    """

    seed: int | None = 0
    now: datetime | None = None


def translate(
    name: str,
    graph: dict[str, Any],
    catalogue: Catalogue,
    options: Options | None = None,
    *,
    form: Form = "ui",
    notes: Sequence[str] = (),
) -> Workflow:
    """The prompt that ComfyUI's editor would queue for this graph, with a note for each thing changed on the way.

    name: the file, for messages. Raises GraphInvalid (malformed-node, cycle, too-large) with all that is damaged.
    """
    file = GraphReader(name).read(graph)
    link_table.complete(file, catalogue.find)
    anything_everywhere.connect(file, graph)
    group_nodes.expand(file, graph, catalogue)
    translation = Translation(name, file, catalogue, options or Options())
    prompt = translation.prompt()
    return Workflow.model_construct(
        name=name,
        form=form,
        prompt=prompt,
        workflow=graph,
        controls=translation.controls,
        origins=translation.origins,
        open_inputs=dict(translation.openings),
        building_block=translation.is_building_block(),
        notes=[*notes, translation.recognised(graph), *file.remarks, *translation.remarks()],
    )


class Translation:
    """One file on its way. controls, origins, openings: found by `prompt`, as Workflow has them."""

    def __init__(self, name: str, file: EditorFile, catalogue: Catalogue, options: Options) -> None:
        """file: with group nodes and broadcast links already in place."""
        self._file, self._catalogue, self._options = file, catalogue, options
        self._now = options.now or datetime.now()
        self._chance = random.Random(options.seed)
        self._places = Places(name, file)
        self._widgets: dict[int, Widgets] = {}
        self._remarks: dict[str, dict[str, None]] = defaultdict(dict)
        self._promoted = Promoted(self._places, catalogue.find, self.widgets, self._remark)
        self._resolver = Resolver(name, self._places, self._promoted, self._remark)
        self._emitted: dict[str, tuple[Place, EditorNode]] = {}
        self._named: dict[str, EditorNode] | None = None
        self.controls: list[Control] = []
        self.origins: dict[tuple[str, str], Origin] = {}
        self.openings: dict[str, list[str]] = defaultdict(list)

    def prompt(self) -> Prompt:
        """Every node that runs, under its unfolded id."""
        for place in list(self._places.walk()):
            for node in place.graph.nodes.values():
                if node.active and not is_virtual(node.type) and self._places.inside(place, node) is None:
                    self._emitted[place.id_of(node)] = (place, node)
        nodes = {name: self._node(name, place, node) for name, (place, node) in self._emitted.items()}
        return Prompt.model_construct(nodes=nodes)

    def widgets(self, node: EditorNode) -> Widgets:
        """A node's own saved values."""
        if id(node) not in self._widgets:
            self._widgets[id(node)] = widgets_of(node, self._catalogue.find(node.type))
        return self._widgets[id(node)]

    def _node(self, name: str, place: Place, node: EditorNode) -> PromptNode:
        schema, widgets = self._catalogue.find(node.type), self.widgets(node)
        for said in widgets.remarks:
            self._remark(place, node, said)
        inputs = self._own_values(name, place, node, widgets)
        sources = self._link_all(inputs, name, place, node)
        self._fill_tokens(place, node, inputs)
        self._note_controls(name, schema, dict(widgets.controls), sources)
        meta = {"title": self._title(node)}
        return PromptNode.model_validate({"class_type": node.type, "inputs": inputs, "_meta": meta})

    def _link_all(self, inputs: dict[str, Any], name: str, place: Place, node: EditorNode) -> dict[str, Source]:
        """Put what feeds a node among its inputs. Returns what feeds which."""
        schema, sources = self._catalogue.find(node.type), dict[str, Source]()
        for index, slot in enumerate(node.inputs):
            if slot.link is None:
                continue
            if schema is not None and is_other_options(schema, slot.name, inputs):
                self._remark(place, node, f"{slot.name!r} is linked, but belongs to another option: left out")
                continue
            source = self._resolver.source(place, node, index)
            if not self._is_refused(source, place, node, slot):
                sources[slot.name] = source
                self._link(inputs, name, slot.name, node, source)
        return sources

    def _is_refused(self, source: Source, place: Place, node: EditorNode, slot: Slot) -> bool:
        """Whether a primitive cannot write here: into a socket, or a widget whose value a subgraph's node tells."""
        if not isinstance(source, Literal) or source.primitive is None:
            return False
        if slot.name in self._promoted.hosts(place).by_widget.get(node.id, {}):
            return True
        link = place.graph.links.get(slot.link or "")
        schema = self._catalogue.find(node.type)
        if schema is None or has_widget(node, slot.name, schema) or link is None or link.origin == INPUT_SIDE:
            return False
        self._remark(
            place, node, f"a primitive is linked to {shown(slot.name)}, which is no widget: nothing comes of it"
        )
        return True

    def _title(self, node: EditorNode) -> str:
        """What an editor shows above a node."""
        schema, definition = self._catalogue.find(node.type), self._places.definition(node)
        given = definition.name if definition is not None else schema.display_name if schema is not None else ""
        return node.title or given or node.type

    def _own_values(self, name: str, place: Place, node: EditorNode, widgets: Widgets) -> dict[str, Any]:
        """The values of a node's widgets: what its subgraph's node says of them, else what is stored."""
        schema, said = self._catalogue.find(node.type), self._promoted.hosts(place).by_widget.get(node.id, {})
        for field in {**widgets.places, **widgets.values}:
            self._keep(name, node, field, kept_at(node, widgets.places.get(field), field), own=True)
        inputs = {}
        for field, value in widgets.values.items():
            queued = self._chosen(place, node, field, value) if isinstance(value, str) and field not in said else value
            inputs[field] = wrapped(queued, schema, field)
        for field, held in said.items():
            inputs[field] = wrapped(held.value, schema, field)
            self._keep(name, node, field, held.origin, own=False)
        return inputs

    def _keep(self, name: str, node: EditorNode, field: str, origin: Origin, *, own: bool) -> None:
        """Remember where a literal is kept. own: as if typed into the node itself: the choices in a text are made."""
        entry = self._entry(node, field)
        if tokens.applies_to(node.type, field):
            origin = replace(origin, queued="filled")
        elif own and self._options.seed is not None and entry is not None and entry.dynamic_prompts:
            origin = replace(origin, queued="chosen")
        self.origins[name, field] = origin

    def _entry(self, node: EditorNode, field: str) -> InputSchema | None:
        schema = self._catalogue.find(node.type)
        return schema.by_name.get(field) if schema is not None else None

    def _link(self, inputs: dict[str, Any], name: str, field: str, node: EditorNode, source: Source) -> None:
        schema = self._catalogue.find(node.type)
        if isinstance(source, Wire):
            inputs[field] = [source.node, source.slot]
            self.origins.pop((name, field), None)
        elif isinstance(source, Literal):
            value = source.value
            if source.primitive is not None and (entry := self._entry(node, field)) is not None:
                value, _ = as_loaded(entry, field, value, node.type)
            if source.primitive is not None and isinstance(value, str):
                place = self._emitted[name][0]
                value = self._filled(value) if replaces_tokens(source.primitive) else value
                value = self._chosen(place, node, field, value)
            inputs[field] = wrapped(value, schema, field)
            self._keep(name, node, field, source.origin, own=source.primitive is not None)
        elif isinstance(source, Opening) and field not in inputs:
            self.openings[name].append(field)

    def _chosen(self, place: Place, node: EditorNode, field: str, text: str) -> str:
        """A text as the editor queues it: with the choices of dynamic prompts made."""
        entry = self._entry(node, field)
        if entry is None or not entry.dynamic_prompts or self._options.seed is None:
            return text
        chosen, remarks = dynamic_prompts.resolve(text, self._chance)
        for said in remarks:
            self._remark(place, node, f"{field}: {said}")
        return chosen

    def _fill_tokens(self, place: Place, node: EditorNode, inputs: dict[str, Any]) -> None:
        """Fill in %date% and %Node.widget% where a saver's file name has them."""
        for field, value in inputs.items():
            if isinstance(value, str) and "%" in value and tokens.applies_to(node.type, field):
                inputs[field] = self._filled(value)
                if inputs[field] != value:
                    self._remark(place, node, f"{field}: {shown(value)} became {shown(inputs[field])}")

    def _filled(self, text: str) -> str:
        return tokens.replace(text, self._now, self._widget_named)

    def _widget_named(self, node_name: str, widget: str) -> Any:
        """The value of a widget, the node told by its name for search and replace, or its title; MISSING if none."""
        if self._named is None:
            self._named = {}
            graphs = (self._file.root, *self._file.definitions.values())
            nodes = [node for graph in graphs for node in graph.nodes.values()]
            names = [node.properties.get("Node name for S&R", node.type) for node in nodes]
            for node, name in [*zip(nodes, names, strict=True), *((node, self._title(node)) for node in nodes)]:
                if isinstance(name, str) and name:
                    self._named.setdefault(name, node)
        found = self._named.get(node_name)
        return MISSING if found is None else self.widgets(found).values.get(widget, MISSING)

    def _note_controls(
        self, name: str, schema: NodeSchema | None, modes: dict[str, str], sources: dict[str, Source]
    ) -> None:
        """Remember what changes between two runs; a value that a primitive writes goes by the primitive's mode."""
        for field, source in sources.items():
            if isinstance(source, Literal) and source.primitive is not None:
                modes[field] = primitive_mode(source.primitive) or FIXED
            elif isinstance(source, Wire):
                modes.pop(field, None)
        for field, mode in modes.items():
            entry = schema.by_name.get(field) if schema is not None else None
            if mode == FIXED or entry is None:
                continue
            low, high = (entry.minimum or 0), (2**64 - 1 if entry.maximum is None else entry.maximum)
            self.controls.append(Control(name, field, mode, low, high, entry.step or 1, entry.choices))

    def _remark(self, place: Place, node: EditorNode, said: str) -> None:
        """Note something about a node. The same said of several nodes makes one remark."""
        told = f"{place.id_of(node)} {self._title(node)}"
        self._remarks[said][unquoted(told)] = None

    def remarks(self) -> list[str]:
        """What was changed or passed over, one line each, with the nodes."""
        lines = []
        for said, nodes in self._remarks.items():
            lines.append(f"{listed(list(nodes), MOST_NAMED)}: {said}")
        return lines

    def recognised(self, graph: dict[str, Any]) -> str:
        """What the file is, in a line."""
        version = graph.get("version")
        told = f" {version}" if isinstance(version, int | float) and not isinstance(version, bool) else ""
        root, definitions = len(self._file.root.nodes), len(self._file.definitions)
        within = f" and {definitions} subgraph{'s' if definitions != 1 else ''}" if definitions else ""
        runs = "1 node that runs" if len(self._emitted) == 1 else f"{len(self._emitted)} nodes that run"
        return f"the editor's format{told}: {root} node{'s' if root != 1 else ''}{within} became {runs}"

    def is_building_block(self) -> bool:
        """Whether the file is one subgraph saved alone: nothing else stands beside it, and nothing in it is written."""
        real = [node for node in self._file.root.nodes.values() if not is_virtual(node.type) or is_primitive(node)]
        if len(real) != 1 or self._places.definition(real[0]) is None:
            return False
        schemas = (self._catalogue.find(node.type) for _, node in self._emitted.values())
        return not any(schema is not None and schema.output_node for schema in schemas)


def wrapped(value: Any, schema: NodeSchema | None, field: str) -> Any:
    """A literal as the API form has it: a list is wrapped, or it would be read as a link."""
    entry = schema.by_name.get(field) if schema is not None else None
    if entry is not None and entry.type == "CURVE":
        return value if isinstance(value, dict) and "__value__" in value else {"__type__": "CURVE", "__value__": value}
    return {"__value__": value} if isinstance(value, list) else value
