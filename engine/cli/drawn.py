"""From a file to the scene that shows it: its graph as saved, with the widget values that the editor would show."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.drawing.prompt_panels import panel_of
from engine.drawing.scene import Panel
from engine.errors import GraphInvalid
from engine.graph.picturing import editor_panels
from engine.reading.prompt_form import is_editor_form
from engine.reading.recognise import EditorOnly, read

if TYPE_CHECKING:
    from engine.editor.translating import Options
    from schemas.settings import Settings
    from schemas.workflow import Workflow


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
