"""A file as the JSON it holds: which graphs are in it, in which form, and what is left out is said."""

import json
from typing import Any

import pytest

from engine.errors import GraphInvalid
from engine.reading.documents import editor_graphs, prompts, read_document
from tests.reading.pictures import EDITOR, GRAPH, PROMPT, WORKFLOW, png, text

BROKEN_BESIDE = {"prompt": GRAPH, "extra_data": {"extra_pnginfo": {"workflow": EDITOR}}}


@pytest.mark.parametrize(
    ("data", "form", "count"),
    [
        (PROMPT.encode(), "api", (1, 0)),
        (WORKFLOW.encode(), "ui", (0, 1)),
        (json.dumps({"prompt": GRAPH}).encode(), "envelope", (1, 0)),
        (json.dumps(BROKEN_BESIDE).encode(), "envelope", (1, 1)),
        (png(text("prompt", PROMPT), text("workflow", WORKFLOW)), "picture", (1, 0)),
        (png(text("workflow", WORKFLOW)), "ui", (0, 1)),
    ],
)
def test_graphs_are_found_wherever_they_are(data: bytes, form: str, count: tuple[int, int]) -> None:
    document = read_document("a", data)
    assert document.form == form
    assert (len(list(prompts(document))), len(list(editor_graphs(document)))) == count


def test_the_editors_graph_of_a_picture_is_left_out_aloud() -> None:
    document = read_document("a.png", png(text("prompt", PROMPT), text("workflow", WORKFLOW)))
    assert document.value == GRAPH
    assert "left out" in document.notes[-1]


@pytest.mark.parametrize(
    "value",
    [
        {"nodes": [3], "links": []},
        {"nodes": [{"id": 1, "type": 5}], "links": []},
        {"nodes": [{"id": 1, "type": "A", "inputs": 5}], "links": []},
        {"nodes": [{"id": 1, "type": "A", "outputs": [None]}], "links": []},
        {"nodes": [], "links": [{"id": 1}]},
        {"nodes": [], "links": 5},
        {"nodes": [], "links": [], "definitions": {"subgraphs": [{"id": "x", "nodes": [{}]}]}},
    ],
)
def test_what_no_editor_writes_is_told_of(value: dict[str, Any]) -> None:
    with pytest.raises(GraphInvalid) as caught:
        read_document("a.json", json.dumps(value).encode())
    assert caught.value.problems[0].code == "malformed-node"


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b'{"a": 1}', b"GGUF\0\0"])
def test_what_is_no_graph_is_refused_as_run_does(data: bytes) -> None:
    with pytest.raises(GraphInvalid):
        read_document("a.json", data)
