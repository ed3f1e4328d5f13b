"""A prompt laid over an editor's graph changes what differs, in the place it was read from, and nothing else."""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.catalogue.catalogue import Catalogue
from engine.editor.control import with_values
from engine.editor.laying import laid, lay_over
from engine.editor.translating import Options, translate
from engine.editor.widgets import entry_of
from engine.errors import GraphInvalid
from engine.plugins.registry import Registry
from schemas.node_schema import DYNAMIC_COMBO
from schemas.prompt import Prompt, link_of
from schemas.workflow import Origin, Workflow
from tests.conversion import truths

Graph = dict[str, Any]
At = tuple[str, str]

BUNDLED = Path("graphs/ui")
PLAIN = Options(seed=None)
STEP = 12
"""Of the official templates every twelfth is tried."""


@cache
def catalogue() -> Catalogue:
    return Catalogue(Registry.builtin().all())


def graphs() -> Iterator[tuple[str, Graph]]:
    yield from ((path.stem, json.loads(path.read_text())) for path in sorted(BUNDLED.glob("*.json")))
    yield from ((truth.name, truth.graph) for truth in truths.crafted())
    yield from ((truth.name, truth.graph) for truth in truths.pairs()[::STEP])
    yield from list(truths.templates())[::STEP]


GRAPHS = dict(graphs())


def opened(name: str, options: Options | None = None) -> Workflow:
    try:
        return translate(name, GRAPHS[name], catalogue(), options)
    except GraphInvalid:
        pytest.skip("a graph that is refused")


def written(graph: Graph | None) -> str:
    return json.dumps(graph)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_prompt_laid_over_its_own_graph_changes_nothing(name: str) -> None:
    options = Options(seed=5, now=datetime(2024, 2, 29))
    api_form = json.loads(written(opened(name, options).prompt.as_json()))
    found, remarks = lay_over(name, GRAPHS[name], Prompt.model_validate({"nodes": api_form}), catalogue(), options)
    assert (written(found), remarks) == (written(GRAPHS[name]), [])


def held(graph: Graph, origin: Origin) -> Any:
    """What a graph keeps at an origin."""
    found: Any = graph
    for key in (*origin.path, "widgets_values", origin.key):
        found = found[key]
    return found


def changes(workflow: Workflow) -> dict[At, Any]:
    """Another value for each literal that is kept as it is queued; one for those that are kept in one place.

    The choice of a dynamic combo stays, as another one brings other inputs.
    """
    found: dict[At, Any] = {}
    assert workflow.workflow is not None
    for (name, field), origin in workflow.origins.items():
        node = workflow.prompt.nodes[name]
        value = node.inputs.get(field)
        if origin.key is None or field not in node.inputs or link_of(value) is not None:
            continue
        schema = catalogue().find(node.class_type)
        entry = entry_of(schema.inputs, field) if schema is not None else None
        dynamic = entry is not None and entry.type == DYNAMIC_COMBO
        if not dynamic and value == held(workflow.workflow, origin) and "sample_" not in str(value):
            found[name, field] = another(value)
    return found


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return value + " more" if isinstance(value, str) else "other"


@pytest.mark.parametrize("name", GRAPHS)
def test_changed_literals_are_read_again_and_can_be_changed_back(name: str) -> None:
    first = opened(name, PLAIN)
    wanted = with_values(first.prompt, changes(first))
    second, remarks = laid(first, wanted, catalogue())
    assert remarks == []
    again = translate(name, second.workflow or {}, catalogue(), PLAIN)
    assert without_worked_out(again.prompt) == without_worked_out(wanted)
    assert again.origins == second.origins
    assert written(laid(second, first.prompt, catalogue())[0].workflow) == written(GRAPHS[name])


def without_worked_out(prompt: Prompt) -> Graph:
    """A prompt without what the editor works out: where the choice of a list of one's own stands, and file names."""
    api_form = prompt.as_json()
    for node in api_form.values():
        if node["class_type"] == "CustomCombo":
            node["inputs"].pop("index")
        node["inputs"].pop("filename_prefix", None)
    return api_form
