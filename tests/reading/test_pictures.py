"""Reading graphs out of pictures."""

import json
import struct
import zlib

import pytest

from engine.errors import GraphInvalid
from engine.reading import png_chunks, read
from tests.reading.pictures import (
    EDITOR,
    GRAPH,
    PROMPT,
    WORKFLOW,
    chunk,
    international_text,
    packed_text,
    png,
    text,
    with_comment,
    with_tags,
)

MODEL, MAKE, DESCRIPTION = 0x0110, 0x010F, 0x010E


def only(data):
    with pytest.raises(GraphInvalid) as caught:
        read("picture", data)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    "data",
    [
        png(text("prompt", PROMPT), text("workflow", WORKFLOW)),
        png(packed_text("prompt", PROMPT), packed_text("workflow", WORKFLOW)),
        png(international_text("prompt", PROMPT), international_text("workflow", WORKFLOW, packed=True)),
        png(text("Prompt", PROMPT), text("Workflow", WORKFLOW)),
        with_tags("webp", {MODEL: f"prompt:{PROMPT}", MAKE: f"workflow:{WORKFLOW}"}),
        with_tags("jpeg", {MODEL: f"prompt:{PROMPT}", MAKE: f"workflow:{WORKFLOW}"}),
        with_tags("jpeg", {MAKE: f"Prompt: {PROMPT}", DESCRIPTION: f"Workflow: {WORKFLOW}"}),
        with_tags("png", {MODEL: f"prompt:{PROMPT}", MAKE: f"workflow:{WORKFLOW}"}),
        with_tags("webp", {DESCRIPTION: json.dumps({"prompt": GRAPH, "workflow": EDITOR})}),
        with_comment("jpeg", b"ASCII\0\0\0" + json.dumps({"prompt": GRAPH, "workflow": EDITOR}).encode()),
    ],
)
def test_graph_and_editor_graph_come_out_of_a_picture(data):
    workflow = read("picture", data)
    assert (workflow.form, workflow.workflow) == ("picture", EDITOR)
    assert workflow.prompt.as_json() == GRAPH
    assert workflow.notes


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_user_comment_is_read_in_either_byte_order(encoding):
    data = with_comment("webp", b"UNICODE\0" + PROMPT.encode(encoding))
    assert read("picture", data).prompt.as_json() == GRAPH


def test_pillow_writes_what_we_read(tmp_path):
    from PIL import Image, PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", json.dumps({"1": {"class_type": "Ä", "inputs": {}}}, ensure_ascii=False))
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png", pnginfo=info)
    assert read("a.png", (tmp_path / "a.png").read_bytes()).prompt.nodes["1"].class_type == "Ä"


def test_nan_in_a_picture_is_read_as_null():
    graph = '{"1": {"class_type": "A", "inputs": {"a": NaN, "b": Infinity}, "is_changed": [NaN]}}'
    workflow = read("picture", png(text("prompt", graph), text("workflow", '{"nodes": [], "links": NaN}')))
    assert workflow.prompt.as_json() == {"1": {"class_type": "A", "inputs": {"a": None, "b": None}}}
    assert workflow.workflow == {"nodes": [], "links": None}


def test_text_after_the_picture_is_found():
    data = png()[:-12] + text("prompt", PROMPT) + chunk(b"IEND", b"")
    assert read("picture", data).prompt.as_json() == GRAPH


@pytest.mark.parametrize("key", ["workflow", "prompt"])
def test_picture_with_only_the_editors_graph_gives_that(key):
    found = read("picture", png(text(key, WORKFLOW)))
    assert (found.form, found.graph) == ("picture", EDITOR)
    assert found.notes == [f"the graph was found in the PNG's text chunk '{key}'"]


def test_words_under_prompt_do_not_hide_the_editors_graph():
    assert read("picture", png(text("prompt", "a cat"), text("workflow", WORKFLOW))).graph == EDITOR


def test_a_prompt_under_workflow_is_a_prompt():
    assert read("picture", png(text("workflow", PROMPT))).prompt.as_json() == GRAPH


def test_of_both_graphs_in_a_picture_the_prompt_counts_and_that_is_told():
    found = read("picture", png(text("prompt", PROMPT), text("workflow", WORKFLOW)))
    assert (found.prompt.as_json(), found.workflow) == (GRAPH, EDITOR)
    assert "is not what runs" in found.notes[1]


@pytest.mark.parametrize("data", [png(), with_tags("webp", {}), with_tags("jpeg", {MODEL: "Nikon"})])
def test_picture_without_graph_is_told(data):
    assert only(data).code == "not-a-workflow"


def test_parameters_of_other_programs_are_recognised():
    assert "another program" in only(png(text("parameters", "a cat\nSteps: 20"))).said


def test_plain_words_under_prompt_are_no_graph():
    assert only(png(text("prompt", "a cat"))).code == "not-a-workflow"


def test_malformed_graph_in_a_picture_says_where_it_is():
    problem = only(png(text("prompt", '{"1": }')))
    assert (problem.code, problem.line, problem.column) == ("malformed-json", 1, 7)
    assert problem.said.startswith("in the PNG's text chunk 'prompt': ")


def test_decompression_bomb_is_cut():
    bomb = zlib.compress(b"{" + b" " * (png_chunks.LARGEST_TEXT + 10), 1)
    assert only(png(chunk(b"zTXt", b"prompt\0\0" + bomb))).code == "malformed-json"


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"eXIf"])
@pytest.mark.parametrize(
    "body", [b"", b"prompt", b"prompt\0", b"prompt\0\0", b"prompt\0\1\0", b"\0" * 30, b"II*\0\xff\xff\xff\xff"]
)
def test_damaged_chunks_are_passed_over(kind, body):
    assert only(png(chunk(kind, body))).code == "not-a-workflow"


def graph_or_problems(data):
    try:
        return read("picture", data).prompt.as_json()
    except GraphInvalid as error:
        return error.problems


def test_truncated_pictures_are_told_cleanly():
    tags = {MODEL: f"prompt:{PROMPT}"}
    for data in (png(text("prompt", PROMPT)), with_tags("webp", tags), with_tags("jpeg", tags)):
        assert all(graph_or_problems(data[:size]) for size in range(12, len(data), 7))


def test_directory_that_points_at_itself_ends():
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry
    assert only(png(chunk(b"eXIf", tiff))).code == "not-a-workflow"
