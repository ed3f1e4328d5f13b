"""The promise of convert, on graphs of many shapes: only the base model, what is added for it, and links that must."""

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.convert.conversion import convert
from engine.reading.documents import Document
from schemas.conversion import Conversion
from schemas.weight_types import parse
from tests.convert.drawn_graphs import LOADERS, OUTPUTS, TYPES, api_graphs, as_ui
from tests.convert.editor_rules import as_api, faults, links_of

SOME = settings(deadline=None, max_examples=50)
BASE = {class_type for class_type, _, _ in LOADERS}


def converted(document: dict[str, Any], to: str, **options: Any) -> Conversion:
    before = deepcopy(document)
    conversion = convert(Document("g.json", "ui" if "nodes" in document else "api", document, []), parse(to), **options)
    assert document == before
    return conversion


def meaning(api: dict[str, Any]) -> dict[str, Any]:
    return {name: {key: node[key] for key in ("class_type", "inputs")} for name, node in api.items()}


def may_move(document: dict[str, Any], value: Any, to: str) -> bool:
    """Whether a link comes from a part of a checkpoint that a GGUF file does not hold."""
    if not isinstance(value, list) or not to.startswith("gguf"):
        return False
    return len(OUTPUTS.get(document[value[0]]["class_type"], ())) == 3 and value[1] > 0


@SOME
@given(api_graphs(), st.sampled_from(TYPES), st.booleans())
def test_only_the_base_model_and_links_that_must_are_touched(graph: dict[str, Any], to: str, keep: bool) -> None:
    conversion = converted(graph, to, keep_checkpoint=keep)
    after = conversion.document
    changed = {change.node for change in conversion.changes}
    added = {loader.node for change in conversion.changes for loader in change.added}
    assert set(after) == set(graph) | added
    assert not added & set(graph)
    for name, node in graph.items():
        if name in changed:
            assert node["class_type"] in BASE
            continue
        assert {**node, "inputs": 0} == {**after[name], "inputs": 0}
        assert list(node["inputs"]) == list(after[name]["inputs"])
        for field, value in node["inputs"].items():
            if after[name]["inputs"][field] != value:
                assert may_move(graph, value, to)
                assert value[0] in changed
                assert after[name]["inputs"][field][0] in added


@SOME
@given(api_graphs(), st.sampled_from(TYPES), st.booleans())
def test_every_input_still_gets_the_kind_of_thing_it_got(graph: dict[str, Any], to: str, keep: bool) -> None:
    after = converted(graph, to, keep_checkpoint=keep).document
    for name, node in graph.items():
        for field, value in node["inputs"].items():
            if isinstance(value, list):
                now = after[name]["inputs"][field]
                wire = OUTPUTS.get(after[now[0]]["class_type"], ("*",))[now[1]]
                assert wire == OUTPUTS.get(graph[value[0]]["class_type"], ("*",))[value[1]]


@SOME
@given(api_graphs(), st.sampled_from(TYPES), st.booleans())
def test_converting_twice_changes_nothing_more(graph: dict[str, Any], to: str, keep: bool) -> None:
    once = converted(graph, to, keep_checkpoint=keep).document
    again = converted(once, to, keep_checkpoint=keep)
    assert again.document == once
    assert again.changes == []


def turned_back(document: dict[str, Any], original: dict[str, Any]) -> dict[str, Any]:
    """Each loader converted to what it was, the last first."""
    types = {(class_type, str(values)): to for class_type, to, values in LOADERS}
    for name, node in reversed(original.items()):
        if node["class_type"] in BASE:
            to = types[node["class_type"], str(node["inputs"])]
            document = converted(document, to, nodes=[name]).document
    return document


@SOME
@given(api_graphs(), st.lists(st.sampled_from(TYPES), min_size=1, max_size=3), st.booleans())
def test_converting_back_gives_the_original(graph: dict[str, Any], way: list[str], keep: bool) -> None:
    document = graph
    for to in way:
        document = converted(document, to, keep_checkpoint=keep).document
    assert turned_back(document, graph) == graph


@SOME
@given(api_graphs(), st.lists(st.sampled_from(TYPES), min_size=1, max_size=3), st.booleans(), st.booleans())
def test_an_editors_graph_comes_back_too(graph: dict[str, Any], way: list[str], objects: bool, by_name: bool) -> None:
    document = before = as_ui(graph, objects, by_name)
    for to in way:
        document = converted(document, to).document
        assert faults(document) == []
    assert turned_back(document, graph) == before


@SOME
@given(api_graphs(), st.sampled_from(TYPES), st.booleans(), st.booleans())
def test_both_forms_are_converted_alike(graph: dict[str, Any], to: str, keep: bool, objects: bool) -> None:
    ui = converted(as_ui(graph, objects), to, keep_checkpoint=keep)
    api = converted(graph, to, keep_checkpoint=keep)
    assert as_api(ui.document) == meaning(api.document)
    assert [change.model_dump(exclude={"title"}) | {"links": set(), "stays": set()} for change in ui.changes] == [
        change.model_dump(exclude={"title"}) | {"links": set(), "stays": set()} for change in api.changes
    ]


@SOME
@given(api_graphs(), st.sampled_from(TYPES), st.booleans())
def test_an_editors_other_nodes_and_its_canvas_stay_as_they_are(graph: dict[str, Any], to: str, keep: bool) -> None:
    before = as_ui(graph)
    conversion = converted(before, to, keep_checkpoint=keep)
    after = conversion.document
    assert faults(after) == []
    changed = {int(change.node) for change in conversion.changes}
    now = {node["id"]: node for node in after["nodes"]}
    for node in before["nodes"]:
        kept = ("id", "pos", "size", "flags", "order", "mode") if node["id"] in changed else tuple(node)
        assert {key: node[key] for key in kept} == {key: now[node["id"]][key] for key in kept}
    origins = ("origin_id", "origin_slot")
    for link, moved in zip(links_of(before), links_of(after), strict=True):
        assert {**link, **dict.fromkeys(origins)} == {**moved, **dict.fromkeys(origins)}
        assert link == moved or link["origin_id"] in changed
    rest = set(before) - {"nodes", "links", "last_node_id"}
    assert {key: before[key] for key in rest} == {key: after[key] for key in rest}
