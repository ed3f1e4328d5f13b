"""Picturing: a workflow as a drawing of its graph, with the widget values that an editor would show."""

from collections.abc import Sequence
from typing import Any

from engine.catalogue.catalogue import Catalogue
from engine.drawing import marks
from engine.drawing.editor_panels import panels_of
from engine.drawing.prompt_panels import panel_of
from engine.drawing.scene import Panel
from engine.editor.graph import EditorNode
from engine.editor.graph_reading import GraphReader
from engine.editor.widgets import widgets_of
from engine.reading.prompt_form import is_editor_form
from schemas.report import Problem, RunReport
from schemas.workflow import Workflow

CONTROL = "control_after_generate"


def picture(
    workflow: Workflow, catalogue: Catalogue, problems: Sequence[Problem] = (), report: RunReport | None = None
) -> bytes:
    """A PNG file that shows a graph and carries it. problems: drawn in red, unless a report tells what became of it."""
    from engine.drawing.picture import paint
    from engine.drawing.saving import png

    panels = panels_of_workflow(workflow, catalogue)
    marks.apply(panels, marks.by_problem(problems) if report is None else marks.marks_of(report))
    return png(paint(panels).image, workflow.prompt.as_json(), workflow.workflow)


def mermaid(workflow: Workflow, catalogue: Catalogue) -> str:
    """The mermaid text of a graph."""
    from engine.drawing.mermaid import mermaid as text_of

    return text_of(panels_of_workflow(workflow, catalogue))


def panels_of_workflow(workflow: Workflow, catalogue: Catalogue) -> list[Panel]:
    """The editor's graph if there is one, else the prompt. Raises GraphInvalid if the editor's is damaged."""
    if workflow.workflow is not None and is_editor_form(workflow.workflow):
        return editor_panels(workflow.name, workflow.workflow, catalogue)
    return [panel_of(workflow.prompt, catalogue.find)]


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
