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
from engine.editor.laying import laid
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
    return Catalogue(Registry.builtin().specs)


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


def lay_over(
    name: str, graph: Graph, prompt: Prompt, known: Catalogue, options: Options | None = None
) -> tuple[Graph, list[str]]:
    """The graph that says what a prompt says, and the remarks."""
    found, remarks = laid(translate(name, graph, known, options), prompt, known)
    assert found.workflow is not None
    return found.workflow, remarks


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

    The choice of a dynamic combo stays, as another one brings other inputs, and so does the empty end of a custom list.
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
        dynamic = (entry is not None and entry.type == DYNAMIC_COMBO) or (node.class_type, value) == ("CustomCombo", "")
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


def graph_of(*nodes: Graph, **more: Any) -> Graph:
    return {"nodes": list(nodes), "links": [], **more}


def sampler(seed: int, name: int = 5, **more: Any) -> Graph:
    values = [seed, "fixed", 20, 8.0, "euler", "normal", 1.0]
    return {"id": name, "type": "KSampler", "widgets_values": values, **more}


def changed(graph: Graph, values: dict[At, Any], options: Options | None = None) -> tuple[Graph, list[str]]:
    """A graph with these literals changed; the given one stays as it is, and the new one is read as laid."""
    before = written(graph)
    prompt = with_values(translate("g", graph, catalogue(), options).prompt, values)
    found, remarks = lay_over("g", graph, prompt, catalogue(), options)
    assert written(graph) == before
    assert remarks or translate("g", found, catalogue(), options).prompt == prompt
    return found, remarks


def test_a_list_that_was_saved_too_short_grows_by_defaults() -> None:
    short = {**sampler(7), "widgets_values": [7]}
    found, remarks = changed(graph_of(short), {("5", "steps"): 30})
    assert (found, remarks) == (graph_of({**short, "widgets_values": [7, "fixed", 30]}), [])
    found, remarks = changed(graph_of({"id": 5, "type": "KSampler"}), {("5", "denoise"): 0.5})
    assert found["nodes"][0]["widgets_values"] == [0, "fixed", 20, 8.0, "euler", "simple", 0.5]


def test_another_choice_of_a_dynamic_combo_brings_the_places_of_its_inputs() -> None:
    nodes = graph_of({"id": 1, "type": "ResizeImageMaskNode", "widgets_values": ["scale by multiplier", 2.0, "area"]})
    prompt = translate("g", nodes, catalogue()).prompt.as_json()
    inputs = {"resize_type": "scale dimensions", "resize_type.width": 9, "scale_method": "lanczos"}
    assert prompt["1"]["inputs"].pop("resize_type.multiplier") == 2.0
    prompt["1"]["inputs"] |= inputs
    found, remarks = lay_over("g", nodes, Prompt.model_validate({"nodes": prompt}), catalogue())
    assert found["nodes"][0]["widgets_values"] == ["scale dimensions", 9, 512, "center", "lanczos"]
    assert remarks == []


SUBGRAPH = {
    "id": "uuid",
    "nodes": [sampler(7, 6, inputs=[{"name": "seed", "type": "INT", "widget": {"name": "seed"}, "link": 1}])],
    "inputs": [{"name": "seed", "type": "INT", "linkIds": [1]}],
    "outputs": [],
    "links": [{"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 6, "target_slot": 0, "type": "INT"}],
}


def twice(*values: list[Any]) -> Graph:
    nodes = [{"id": name, "type": "uuid", "widgets_values": each} for name, each in enumerate(values, 3)]
    return graph_of(*nodes, definitions={"subgraphs": [SUBGRAPH]})


def test_a_promoted_value_changes_on_the_subgraph_s_own_node() -> None:
    assert changed(twice([1], [2]), {("4:6", "seed"): 8}) == (twice([1], [8]), [])


def test_copies_that_want_different_values_of_one_place_are_told() -> None:
    found, remarks = changed(twice([], []), {("4:6", "seed"): 8, ("3:6", "steps"): 9, ("4:6", "steps"): 9})
    inner = found["definitions"]["subgraphs"][0]["nodes"][0]["widgets_values"]
    assert inner[:3] == [7, "fixed", 9]
    assert remarks == ["4:6 KSampler: seed: 8 stays out of the editor's graph: 3:6.seed is kept there too"]


def test_a_primitive_and_its_names_change_with_what_it_feeds() -> None:
    primitive = {"id": 1, "type": "PrimitiveNode", "widgets_values": [7, "fixed"]}
    named = {**primitive, "widgets_values_named": {"value": 7, "control_after_generate": "fixed"}}
    fed = sampler(3, inputs=[{"name": "seed", "type": "INT", "widget": {"name": "seed"}, "link": 1}])
    found, _ = changed({**graph_of(named, fed), "links": [[1, 1, 0, 5, 0, "INT"]]}, {("5", "seed"): 8})
    assert found["nodes"][0]["widgets_values"] == [8, "fixed"]
    assert found["nodes"][0]["widgets_values_named"] == {"value": 8, "control_after_generate": "fixed"}
    assert found["nodes"][1] == fed


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a {b|c}", r"a \{b\|c\}"), ("plain", "plain"), ("a|b", "a|b")],
)
def test_a_text_is_kept_so_that_the_editor_queues_it(text: str, kept: str) -> None:
    encoder = {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["a {red|green} cat // note"]}
    found, remarks = changed(graph_of(encoder), {("6", "text"): text})
    assert (found["nodes"][0]["widgets_values"], remarks) == ([kept], [])


def test_texts_that_the_editor_would_queue_differently_are_told() -> None:
    encoder = {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["cat"]}
    saver = {"id": 9, "type": "SaveImage", "widgets_values": ["%date:yyyy%"]}
    values = {("6", "text"): "see http://x", ("9", "filename_prefix"): "%date:dd%"}
    found, remarks = changed(graph_of(encoder, saver), values, Options(now=datetime(2024, 2, 29)))
    assert [node["widgets_values"] for node in found["nodes"]] == [["see http://x"], ["%date:dd%"]]
    assert len(remarks) == 2


def test_what_is_no_literal_of_the_graph_is_told() -> None:
    fed = sampler(3, inputs=[{"name": "seed", "type": "INT", "widget": {"name": "seed"}, "link": 1}])
    number = {"id": 1, "type": "PrimitiveInt", "widgets_values": [7, "fixed"]}
    graph = {**graph_of(number, fed), "links": [[1, 1, 0, 5, 0, "INT"]]}
    prompt = translate("g", graph, catalogue()).prompt.as_json()
    prompt["5"]["inputs"] |= {"seed": 4, "steps": ["1", 0], "new": 5}
    prompt["8"] = {"class_type": "Other", "inputs": {}}
    found, remarks = lay_over("g", graph, Prompt.model_validate({"nodes": prompt}), catalogue())
    assert found == graph
    assert remarks == [
        "5 KSampler: seed: a link feeds it in the editor's graph, not 4",
        "5 KSampler: steps: its link is not the editor's graph's",
        "8 Other: the editor's graph has no such node",
        "5 KSampler: new: the editor's graph has no place for 5",
    ]


def test_lists_are_unwrapped() -> None:
    node = {"id": 1, "type": "Unheard", "widgets_values": {"colours": [1, 2]}}
    found, remarks = changed(graph_of(node), {("1", "colours"): {"__value__": [3]}})
    assert (found["nodes"][0]["widgets_values"], remarks) == ({"colours": [3]}, [])


def test_values_that_the_editor_loads_differently_are_told() -> None:
    found, remarks = changed(graph_of(sampler(7)), {("5", "sampler_name"): None})
    assert found["nodes"][0]["widgets_values"][4] is None
    assert remarks[0].startswith("5 KSampler: sampler_name: the editor will load another value: 'sampler_name' is null")
    assert changed(twice([1]), {("3:6", "seed"): None})[1] == [
        "3:6 KSampler: seed: null stands for no value where it is kept"
    ]
