"""translate: an editor's graph becomes a Workflow, as ComfyUI's frontend 1.58 makes it when a graph is queued."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine.catalogue.catalogue import Catalogue
from engine.editor import tokens
from engine.editor.control_modes import controls_of
from engine.editor.file_kind import is_building_block, recognised
from engine.editor.graph import INPUT_SIDE, EditorFile, EditorNode, Slot
from engine.editor.node_names import NodeNames
from engine.editor.opened_file import opened
from engine.editor.places import Places
from engine.editor.promoted import Promoted
from engine.editor.queued_texts import QueuedTexts
from engine.editor.remarks import Remarks
from engine.editor.resolving import Literal, Opening, Resolver, Source, Wire
from engine.editor.running_node import RunningNode
from engine.editor.virtual_nodes import is_virtual, replaces_tokens
from engine.editor.widget_defaults import as_loaded
from engine.editor.widgets import Widgets, has_widget, is_other_options, widgets_of
from engine.reading.printable import shown
from schemas.node import MISSING
from schemas.node_schema import InputSchema
from schemas.prompt import Prompt, PromptNode
from schemas.workflow import Control, Form, Origin, Workflow


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
    file = opened(name, graph, catalogue)
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
        building_block=is_building_block(file, translation.running.values()),
        notes=[*notes, recognised(graph, file, len(prompt.nodes)), *file.remarks, *translation.remarks.lines()],
    )


class Translation:
    """One file on its way. running: by the ids of the prompt. remarks: what was changed or passed over.

    controls, origins, openings: as Workflow has them. All are found by `prompt`.
    """

    def __init__(self, name: str, file: EditorFile, catalogue: Catalogue, options: Options) -> None:
        """file: as `opened` gives it."""
        self._catalogue = catalogue
        self._places = Places(name, file)
        self._names = NodeNames(file, catalogue.find)
        self.remarks = Remarks(self._names.title)
        self._promoted = Promoted(self._places, catalogue.find, self._saved, self.remarks.add)
        self._resolver = Resolver(name, self._places, self._promoted, self.remarks.add)
        self._texts = QueuedTexts(options.seed, options.now or datetime.now(), self._value_of, self.remarks.add)
        self._widgets: dict[int, Widgets] = {}
        self.running: dict[str, RunningNode] = {}
        self.controls: list[Control] = []
        self.origins: dict[tuple[str, str], Origin] = {}
        self.openings: dict[str, list[str]] = defaultdict(list)

    def prompt(self) -> Prompt:
        """Every node that runs, under its unfolded id."""
        for place in list(self._places.walk()):
            for node in place.graph.nodes.values():
                if node.active and not is_virtual(node.type) and self._places.definition(node) is None:
                    name = place.id_of(node)
                    self.running[name] = RunningNode(name, place, node, self._catalogue.find(node.type))
        return Prompt.model_construct(nodes={name: self._translated(at) for name, at in self.running.items()})

    def _saved(self, node: EditorNode) -> Widgets:
        """A node's own saved values."""
        if id(node) not in self._widgets:
            self._widgets[id(node)] = widgets_of(node, self._catalogue.find(node.type))
        return self._widgets[id(node)]

    def _value_of(self, name: str, widget: str) -> Any:
        """The value of a widget of the node that a token names; MISSING if there is none."""
        node = self._names.find(name)
        return MISSING if node is None else self._saved(node).values.get(widget, MISSING)

    def _translated(self, at: RunningNode) -> PromptNode:
        widgets = self._saved(at.node)
        for said in widgets.remarks:
            self._remark(at, said)
        inputs = self._own_values(at, widgets)
        sources = self._sources(at, inputs)
        self._texts.fill(at, inputs)
        self.controls += controls_of(at, widgets.controls, sources)
        meta = {"title": self._names.title(at.node)}
        return PromptNode.model_validate({"class_type": at.node.type, "inputs": inputs, "_meta": meta})

    def _own_values(self, at: RunningNode, widgets: Widgets) -> dict[str, Any]:
        """The values of a node's widgets: what its subgraph's node says of them, else what is stored."""
        said = self._promoted.hosts(at.place).by_widget.get(at.node.id, {})
        for field in {**widgets.places, **widgets.values}:
            self._keep(at, field, at.node.origin(widgets.places.get(field), field), typed=True)
        inputs = {}
        for field, value in widgets.values.items():
            queued = value if field in said else self._texts.chosen(at, field, value)
            inputs[field] = wrapped(queued, at.entry(field))
        for field, held in said.items():
            inputs[field] = wrapped(held.value, at.entry(field))
            self._keep(at, field, held.origin, typed=False)
        return inputs

    def _keep(self, at: RunningNode, field: str, origin: Origin, *, typed: bool) -> None:
        """Remember where a literal is kept. typed: as if into the node itself: the choices in a text are made."""
        if tokens.applies_to(at.node.type, field):
            origin = replace(origin, queued="filled")
        elif typed and self._texts.is_chosen(at, field):
            origin = replace(origin, queued="chosen")
        self.origins[at.name, field] = origin

    def _sources(self, at: RunningNode, inputs: dict[str, Any]) -> dict[str, Source]:
        """What feeds which input of a node; it is put among the inputs."""
        sources: dict[str, Source] = {}
        for index, slot in enumerate(at.node.inputs):
            if slot.link is None:
                continue
            if at.schema is not None and is_other_options(at.schema, slot.name, inputs):
                self._remark(at, f"{slot.name!r} is linked, but belongs to another option: left out")
                continue
            source = self._resolver.source(at.place, at.node, index)
            if not self._is_refused(source, at, slot):
                sources[slot.name] = source
                self._feed(at, slot.name, source, inputs)
        return sources

    def _is_refused(self, source: Source, at: RunningNode, slot: Slot) -> bool:
        """Whether a primitive cannot write here: into a socket, or a widget whose value a subgraph's node tells."""
        if not isinstance(source, Literal) or source.primitive is None:
            return False
        if slot.name in self._promoted.hosts(at.place).by_widget.get(at.node.id, {}):
            return True
        link = at.place.graph.links.get(slot.link or "")
        if at.schema is None or has_widget(at.node, slot.name, at.schema) or link is None or link.origin == INPUT_SIDE:
            return False
        self._remark(at, f"a primitive is linked to {shown(slot.name)}, which is no widget: nothing comes of it")
        return True

    def _feed(self, at: RunningNode, field: str, source: Source, inputs: dict[str, Any]) -> None:
        """Put what feeds an input in its place."""
        if isinstance(source, Wire):
            inputs[field] = [source.node, source.slot]
            self.origins.pop((at.name, field), None)
        elif isinstance(source, Literal):
            value = source.value if source.primitive is None else self._typed(at, field, source.value, source.primitive)
            inputs[field] = wrapped(value, at.entry(field))
            self._keep(at, field, source.origin, typed=source.primitive is not None)
        elif isinstance(source, Opening) and field not in inputs:
            self.openings[at.name].append(field)

    def _typed(self, at: RunningNode, field: str, value: Any, primitive: EditorNode) -> Any:
        """What becomes of a value that a primitive writes, as if it had been typed into the widget."""
        entry = at.entry(field)
        if entry is not None:
            value, _ = as_loaded(entry, field, value, at.node.type)
        if isinstance(value, str) and replaces_tokens(primitive):
            value = self._texts.filled(value)
        return self._texts.chosen(at, field, value)

    def _remark(self, at: RunningNode, said: str) -> None:
        self.remarks.add(at.place, at.node, said)


def wrapped(value: Any, entry: InputSchema | None) -> Any:
    """A literal as the API form has it: a list is wrapped, or it would be read as a link. entry: of its input."""
    if entry is not None and entry.type == "CURVE":
        return value if isinstance(value, dict) and "__value__" in value else {"__type__": "CURVE", "__value__": value}
    return {"__value__": value} if isinstance(value, list) else value
