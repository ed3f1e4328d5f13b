"""Mermaid text: every node and link, and nothing in a title that could end it."""

import re
from typing import Any

from engine.drawing.editor_panels import panels_of
from engine.drawing.mermaid import MOST_NODES, mermaid
from engine.drawing.prompt_panels import panel_of
from schemas.prompt import Prompt
from tests.drawing.graphs import nested, no_schema, no_values, plain


def written(graph: dict[str, Any]) -> str:
    return mermaid(panels_of(graph, no_schema, no_values))


def test_nodes_links_and_types_are_written_and_notes_left_out() -> None:
    assert written(plain()).splitlines() == [
        "flowchart LR",
        '    n1["VAELoader"]',
        '    n2["De#34;code<br/><small>VAEDecode</small>"]',
        '    n1 -- "VAE" --> n2',
    ]


def test_a_subgraph_stands_around_its_nodes_and_links_go_through_its_edge() -> None:
    lines = [line.strip() for line in written(nested()).splitlines()]
    assert lines[1:3] == ['subgraph n57["outer"]', 'subgraph n57_13["inner"]']
    assert 'n57_13__20_0 -- "LATENT" --> n57__20_0' in lines
    assert 'n57__20_0 -- "LATENT" --> n8' in lines
    assert lines.count("end") == 2
    assert "class n57 bypassed" in lines
    assert 'n8["Preview"]:::muted' in lines
    assert lines[-3].startswith("classDef muted")


def test_ids_that_look_alike_get_names_of_their_own() -> None:
    prompt = Prompt.model_validate({"nodes": {name: {"class_type": "X"} for name in ("1:2", "1_2", "1.2")}})
    text = mermaid([panel_of(prompt, no_schema)])
    assert len(set(re.findall(r"^    (\w+)\[", text, re.MULTILINE))) == 3


def test_no_title_can_end_its_node_or_its_line() -> None:
    graph = plain()
    graph["nodes"][0]["title"] = 'a"]\n  evil --> x %% <script>`|{}\\ \ud800'
    lines = written(graph).splitlines()
    assert len(lines) == 4
    assert re.fullmatch(r'    n1\["[^"<>`|{}\\]*<br/><small>VAELoader</small>"\]', lines[1])


def test_subgraphs_that_hold_each_other_many_times_end() -> None:
    graph = nested()
    inner = graph["definitions"]["subgraphs"][1]
    parts = [inner]
    for depth in range(30):
        copies = [{"id": number, "type": parts[-1]["id"]} for number in range(4)]
        parts.append({"id": f"d{depth}", "name": "many", "nodes": copies, "links": []})
    graph["definitions"]["subgraphs"] = parts
    graph["nodes"][0]["type"] = parts[-1]["id"]
    assert len(written(graph).splitlines()) < 10 * MOST_NODES


def test_a_subgraph_that_holds_itself_is_drawn_once() -> None:
    graph = nested()
    graph["definitions"]["subgraphs"][1]["nodes"][0]["type"] = "i"
    assert written(graph).count("subgraph ") == 2
