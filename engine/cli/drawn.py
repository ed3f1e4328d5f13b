"""From a file to the scene that shows it: its graph as saved, with the widget values that the editor would show."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.catalogue.catalogue import Catalogue
from engine.drawing.editor_panels import panels_of
from engine.drawing.prompt_panels import panel_of
from engine.drawing.scene import Panel
from engine.editor.graph import EditorNode
from engine.editor.graph_reading import GraphReader
from engine.editor.widgets import widgets_of
from engine.errors import GraphInvalid
from engine.reading.prompt_form import is_editor_form
from engine.reading.recognise import EditorOnly, read

if TYPE_CHECKING:
    from engine.editor.translating import Options
    from schemas.settings import Settings
    from schemas.workflow import Workflow

CONTROL = "control_after_generate"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A graph to be drawn. graph: the editor's, or None. workflow: what would run; None if nothing can.

    notes: what reading it told. refusal: why nothing can run.
    """

    panels: list[Panel]
    graph: dict[str, Any] | None
    workflow: "Workflow | None"
    notes: list[str]
    refusal: GraphInvalid | None = None


def draw(
    name: str,
    data: bytes,
    sets: list[str],
    settings: "Settings | None" = None,
    options: "Options | None" = None,
) -> Drawn:
    """The scene of a file. Raises GraphInvalid if it holds no graph, or a damaged one.

    sets: changes to values. settings: whose schemas are read. options: what an editor would do on queueing.
    """
    from engine import api

    found = read(name, data)
    graph = found.graph if isinstance(found, EditorOnly) else found.workflow
    if isinstance(found, EditorOnly) or sets:
        workflow, refusal = None, None
        try:
            workflow = api.load(data, name, options, settings)
        except GraphInvalid as error:
            refusal = error
    else:
        workflow, refusal = found, None
    notes = list(found.notes)
    if sets:
        if workflow is None:
            raise refusal or GraphInvalid([])
        changed = api.override(workflow, sets, settings)
        notes += changed.notes[len(workflow.notes) :]
        workflow, graph = changed, changed.workflow
    catalogue = api.catalogue(settings)
    if graph is not None and is_editor_form(graph):
        return Drawn(editor_panels(name, graph, catalogue), graph, workflow, notes, refusal)
    if workflow is None:
        raise refusal or GraphInvalid([])
    return Drawn([panel_of(workflow.prompt, catalogue.find)], None, workflow, notes)


def editor_panels(name: str, graph: dict[str, Any], catalogue: Catalogue) -> list[Panel]:
    """The panels of an editor's graph. Raises GraphInvalid if it is damaged."""
    file = GraphReader(name).read(graph)
    nodes = [node for part in (file.root, *file.definitions.values()) for node in part.nodes.values()]
    records = {id(node.raw): node for node in nodes}

    def values(raw: dict[str, Any]) -> dict[str, Any] | None:
        return _values(records[id(raw)], catalogue) if id(raw) in records else None

    return panels_of(graph, catalogue.find, values)


def _values(node: EditorNode, catalogue: Catalogue) -> dict[str, Any] | None:
    """Widget values with the modes of seeds after them; None if nothing tells what they mean."""
    schema = catalogue.find(node.type)
    found = widgets_of(node, schema)
    if schema is None and not found.known:
        return None
    values: dict[str, Any] = {}
    for name, value in found.values.items():
        values[name] = value
        if name in found.controls:
            values[CONTROL if CONTROL not in values else f"{name} {CONTROL}"] = found.controls[name]
    return values
