"""Reading JSON files: what is recognised, and how every kind of damage is told."""

import codecs
import json

import pytest

from engine.errors import GraphInvalid
from engine.reading import EditorOnly, read
from tests.reading.pictures import EDITOR, GRAPH, PROMPT


def refused(data):
    with pytest.raises(GraphInvalid) as caught:
        read("graph.json", data if isinstance(data, bytes) else data.encode())
    for problem in caught.value.problems:
        assert problem.file == "graph.json"
        assert problem.fix
        assert problem.model_dump_json()
    return caught.value.problems


def only(data):
    (problem,) = refused(data)
    return problem


def test_api_json_is_read_and_written_back_as_it_was():
    workflow = read("graph.json", PROMPT.encode())
    assert (workflow.name, workflow.form, workflow.workflow, workflow.notes) == ("graph.json", "api", None, [])
    assert workflow.prompt.as_json() == GRAPH


def test_titles_are_kept_and_marks_of_old_runs_dropped():
    node = {"class_type": "A", "inputs": {}, "_meta": {"title": "T"}, "is_changed": [float("nan")], "other": 1}
    workflow = read("graph.json", json.dumps({"1": node}).encode())
    assert workflow.prompt.nodes["1"].title == "T"
    del node["is_changed"]
    assert workflow.prompt.as_json() == {"1": node}


def test_node_without_inputs_has_none():
    assert read("g", b'{"1": {"class_type": "A"}}').prompt.nodes["1"].inputs == {}


@pytest.mark.parametrize("key", ["prompt", "output"])
def test_envelope_is_opened_and_its_editor_graph_kept(key):
    workflow = read("graph.json", json.dumps({"client_id": "x", key: GRAPH, "workflow": EDITOR}).encode())
    assert (workflow.form, workflow.workflow) == ("envelope", EDITOR)
    assert workflow.prompt.as_json() == GRAPH
    assert key in workflow.notes[0]


def test_envelope_of_a_request_keeps_its_editor_graph():
    envelope = {"prompt": GRAPH, "extra_data": {"extra_pnginfo": {"workflow": EDITOR}}}
    assert read("g", json.dumps(envelope).encode()).workflow == EDITOR


def test_node_that_is_called_prompt_is_no_envelope():
    graph = {"prompt": {"class_type": "A", "inputs": {}}}
    assert read("g", json.dumps(graph).encode()).prompt.as_json() == graph


@pytest.mark.parametrize("text", ["{}", '{"prompt": {}}'])
def test_empty_graph_is_read_as_one(text):
    assert read("g", text.encode()).prompt.nodes == {}


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + PROMPT.encode(),
        PROMPT.encode("utf-16"),
        PROMPT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + PROMPT.encode("utf-16-be"),
        PROMPT.encode("utf-32"),
    ],
)
def test_every_unicode_encoding_is_read(data):
    assert read("g", data).prompt.as_json() == GRAPH


@pytest.mark.parametrize(
    "value",
    [
        EDITOR,
        {"last_node_id": 1, "last_link_id": 0, **EDITOR, "version": 0.4},
        {"nodes": EDITOR["nodes"]},
        {"nodes": [], "links": []},
        {"version": 1, "state": {}, **EDITOR, "definitions": {"subgraphs": []}},
        {**EDITOR, "extra": {"linearMode": True}},
    ],
)
def test_the_editors_format_is_recognised_whatever_it_lacks(value):
    found = read("graph.json", json.dumps(value).encode())
    assert found == EditorOnly("graph.json", "ui", value, [])


@pytest.mark.parametrize("key", ["prompt", "output", "workflow"])
def test_the_editors_format_in_an_envelope_is_taken_out(key):
    found = read("g", json.dumps({key: EDITOR, "client_id": "x"}).encode())
    assert found == EditorOnly("g", "envelope", EDITOR, [f"the graph was taken from {key!r} in the file"])


def test_an_empty_prompt_beside_an_editors_graph_does_not_count():
    assert read("g", json.dumps({"prompt": {}, "workflow": EDITOR}).encode()).graph == EDITOR


@pytest.mark.parametrize(
    "value", [json.dumps(EDITOR), {"workflow": json.dumps(EDITOR)}, {"prompt": json.dumps(EDITOR)}]
)
def test_a_graph_that_is_a_text_inside_json_is_read_and_told(value):
    found = read("g", json.dumps(value).encode())
    assert found.graph == EDITOR
    assert "a text inside JSON" in found.notes[0]


def test_a_prompt_that_is_a_text_inside_json_keeps_its_checks():
    assert read("g", json.dumps(PROMPT).encode()).prompt.as_json() == GRAPH
    twice = '{"1": {"class_type": "A"}, "1": {"class_type": "B"}}'
    assert only(json.dumps({"prompt": twice})).code == "duplicate-key"
    assert "under 'prompt'" in only(json.dumps({"prompt": "{,"})).said


@pytest.mark.parametrize("value", [{"nodes": [{"id": 1, "type": "A"}], "edges": []}, {"nodes": [1]}, {"nodes": 5}])
def test_graphs_of_other_programs_are_not_the_editors(value):
    assert only(json.dumps(value)).code in ("not-a-workflow", "malformed-node")


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ('{"1": {\n  "class_type": "A",\n}}', 3, 1, "comma"),
        ("{'1': 2}", 1, 2, "double quotes"),
        ('{"1": {"class_type": "A"', 1, 25, "ends too early"),
        ('{"1": {"class_type": "A', 1, 22, "ends too early"),
        ('{"1": 5} {"2": 6}', 1, 10, "one JSON object"),
        ('{"1": nul}', 1, 7, "Correct"),
        ('{"1": "\\ud800"}', 1, 8, "whole character"),
        ('{"1": "\\udc00\\ud800"}', 1, 8, "whole character"),
        ('{"1": "a\tb"}', 1, 9, "Correct"),
        ('\n{"1": ' + "9" * 5000 + "}", 2, 7, "Correct"),
    ],
)
def test_malformed_json_names_line_and_column(text, line, column, told):
    problem = only(text)
    assert (problem.code, problem.line, problem.column) == ("malformed-json", line, column)
    assert f"line {line}, column {column}" in problem.said
    assert told in problem.fix


def test_bytes_that_are_no_text_name_line_and_column():
    problem = only(b'{"1":\n "\xff"}')
    assert (problem.code, problem.line, problem.column) == ("malformed-json", 2, 3)


def test_escaped_backslash_before_u_is_no_half_character():
    graph = {"1": {"class_type": "A", "inputs": {"text": "C:\\ud800 \U0001f600"}}}
    assert read("g", json.dumps(graph).encode()).prompt.as_json() == graph


@pytest.mark.parametrize(
    "text",
    [
        '{"1": {"class_type": "A", "inputs": {"a": ' + "[" * 200 + "]" * 200 + "}}}",
        "[" * 1_000_000,
        '{"a":' * 200_000,
        "[{" * 100_000 + '"',
    ],
)
def test_deep_nesting_is_refused_before_it_is_parsed(text):
    problem = only(text)
    assert problem.code == "malformed-json"
    assert "nested" in problem.said


@pytest.mark.parametrize("text", ['"' + '\\"' * 500_000, '"' * 1_000_001, "[]" * 500_000, "\\" * 1_000_000])
def test_broken_text_takes_no_long_time(text):
    assert only(text).code == "malformed-json"


def test_brackets_in_texts_are_no_nesting():
    graph = {"1": {"class_type": "A", "inputs": {"text": "[{" * 500 + '"\\'}}}
    assert read("g", json.dumps(graph).encode()).prompt.as_json() == graph


def test_repeated_ids_inputs_and_fields_are_all_named():
    text = """{"1": {"class_type": "A", "inputs": {"a": 1, "a": 2, "b": 1, "b": 2}},
        "2": {"class_type": "A", "class_type": "B"}, "3": {"class_type": "A"}, "3": {"class_type": "A"}}"""
    found = [(problem.code, problem.node, problem.field) for problem in refused(text)]
    assert found == [
        ("duplicate-key", "3", None),
        ("duplicate-key", "1", "a"),
        ("duplicate-key", "1", "b"),
        ("duplicate-key", "2", "class_type"),
    ]


def test_repeated_prompt_in_an_envelope_is_told():
    assert only('{"prompt": {}, "prompt": {"1": {"class_type": "A"}}}').code == "duplicate-key"


def test_damaged_nodes_are_told_all_at_once():
    graph = {
        "1": 5,
        "2": {"inputs": {}},
        "3": {"class_type": 7},
        "4": {"class_type": "A", "inputs": []},
        "5": {"class_type": None, "inputs": "x", "_meta": {"title": "T"}},
        "6": {"class_type": "A", "_meta": None},
    }
    found = [(problem.code, problem.node, problem.field, problem.title) for problem in refused(json.dumps(graph))]
    assert found == [
        ("malformed-node", "1", None, None),
        ("malformed-node", "2", "class_type", None),
        ("malformed-node", "3", "class_type", None),
        ("malformed-node", "4", "inputs", None),
        ("malformed-node", "5", "class_type", "T"),
        ("malformed-node", "5", "inputs", "T"),
    ]


def test_what_programs_put_beside_the_nodes_is_passed_over_with_a_note():
    graph = {**GRAPH, "_comment": "mine", "client_id": "x", "extra_data": {}}
    workflow = read("g", json.dumps(graph).encode())
    assert workflow.prompt.as_json() == GRAPH
    assert len(workflow.notes) == 3


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b" \n\0", "empty"),
        (codecs.BOM_UTF8, "empty"),
        (b"[1, 2]", "JSON list"),
        (b"5", "JSON number"),
        (b"null", "JSON null"),
        (b'"text"', "JSON text"),
        (b'{"a": 1}', "nothing in it is a node"),
        (b'{"prompt": {"a": 1}}', "nothing under 'prompt'"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"GGUF\3\0\0\0", "GGUF"),
        (b'\x40\0\0\0\0\0\0\0{"__metadata__"', "safetensors"),
        (b"PK\3\4aaaa", "ZIP"),
        (b"\0\1\2\3\4" * 100, "binary"),
    ],
)
def test_other_files_are_told_by_name(data, told):
    problem = only(data)
    assert problem.code == "not-a-workflow"
    assert told in problem.said


def test_file_names_that_are_no_text_can_still_be_told():
    with pytest.raises(GraphInvalid) as caught:
        read("bad\udcff.json", b"")
    assert caught.value.problems[0].file == "bad\\udcff.json"
