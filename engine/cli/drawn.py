"""From a file to the scene that shows it: its graph as saved, with the widget values that the editor would show."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.drawing.scene import Panel
from engine.errors import GraphInvalid
from engine.graph.picturing import editor_panels, panels_of_workflow
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
    if not isinstance(found, EditorOnly):
        return _drawn(found, found.notes, sets, settings)
    try:
        workflow = api.load(data, name, options, settings)
    except GraphInvalid as refusal:
        if sets:
            raise
        panels = editor_panels(name, found.graph, api.catalogue(settings))
        return Drawn(panels, found.graph, None, found.notes, refusal)
    return _drawn(workflow, found.notes, sets, settings)


def _drawn(workflow: "Workflow", notes: list[str], sets: list[str], settings: "Settings | None") -> Drawn:
    """The scene of a graph that could be read, changed as told. notes: what reading it told."""
    from engine import api

    changed = api.override(workflow, sets, settings) if sets else workflow
    panels = panels_of_workflow(changed, api.catalogue(settings))
    graph = changed.workflow if changed.workflow is not None and is_editor_form(changed.workflow) else None
    return Drawn(panels, graph, changed, [*notes, *changed.notes[len(workflow.notes) :]])
