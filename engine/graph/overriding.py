"""Overriding: values given on the command line reach the prompt, and the editor's graph that it was read from."""

from collections.abc import Sequence

from engine.catalogue.catalogue import Catalogue
from engine.editor import faces, laying
from engine.errors import GraphInvalid
from engine.graph import rewrite
from engine.plugins.registry import Registry
from schemas.prompt import Prompt
from schemas.workflow import Workflow


def override(workflow: Workflow, sets: Sequence[str], registry: Registry, catalogue: Catalogue) -> Workflow:
    """A copy with values changed, in the editor's graph too, where notes tell what has no place there.

    sets: NODE.FIELD=VALUE, as `rewrite.apply` and `faces.spelled_out` take them. catalogue: the schemas that the graph
    was read with. Raises GraphInvalid with a problem for each that cannot be done.
    """
    try:
        changed = _overridden(workflow, sets, registry, catalogue)
    except GraphInvalid as error:
        raise GraphInvalid([found.model_copy(update={"file": workflow.name}) for found in error.problems]) from error
    if workflow.workflow is None:
        return workflow.model_copy(update={"prompt": changed})
    found, remarks = laying.laid(located(workflow, catalogue), changed, catalogue)
    return found.model_copy(update={"notes": [*found.notes, *remarks]})


def targets(workflow: Workflow, name: str, registry: Registry, catalogue: Catalogue) -> list[rewrite.Target]:
    """The literals that a NODE.FIELD stands for: one, or for a node that only an editor has, those behind it.

    Raises GraphInvalid as `override` does.
    """
    try:
        return [rewrite.target(workflow.prompt, name, registry)]
    except GraphInvalid as refused:
        if workflow.workflow is None or refused.problems[0].code != "unknown-node":
            raise
        spelled = _spelled_out(workflow, [f"{name}="], catalogue, refused)
        return [rewrite.target(workflow.prompt, each.removesuffix("="), registry) for each in spelled]


def located(workflow: Workflow, catalogue: Catalogue) -> Workflow:
    """A workflow that knows where its editor's graph, if any, keeps each literal of its prompt.

    If that graph is damaged, a note tells so, and it stays as it is whatever changes in the prompt.
    """
    try:
        return laying.located(workflow, catalogue)
    except GraphInvalid as error:
        said = f"the editor's graph beside the prompt is damaged, and left as it is: {error.problems[0].said}"
        return workflow.model_copy(update={"notes": [*workflow.notes, said]})


def _overridden(workflow: Workflow, sets: Sequence[str], registry: Registry, catalogue: Catalogue) -> Prompt:
    """The prompt with values changed. What names no node of it may name one that only the editor's graph has."""
    try:
        return rewrite.apply(workflow.prompt, sets, registry)
    except GraphInvalid as refused:
        if workflow.workflow is None or all(problem.code != "unknown-node" for problem in refused.problems):
            raise
        return rewrite.apply(workflow.prompt, _spelled_out(workflow, sets, catalogue, refused), registry)


def _spelled_out(workflow: Workflow, sets: Sequence[str], catalogue: Catalogue, refused: GraphInvalid) -> list[str]:
    """Overrides of nodes of the prompt in place of those of nodes that only the editor's graph has."""
    try:
        found = faces.faces_of(located(workflow, catalogue), catalogue)
    except GraphInvalid:  # that the editor's graph is damaged is told where it is laid
        raise refused from None
    return faces.spelled_out(sets, found, workflow.prompt)
