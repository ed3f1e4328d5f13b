"""Subgraphs unfolded: paths, faces by name, and files that would never end."""

import pytest

from engine.editor.translating import translate
from engine.errors import GraphInvalid
from tests.editor.drawn import graph, node, subgraph
from tests.editor.twins import Classes


def prompt(raw):
    return translate("file.json", raw, Classes()).prompt.as_json()


def refusal(raw):
    with pytest.raises(GraphInvalid) as refused:
        translate("file.json", raw, Classes())
    (problem,) = refused.value.problems
    return problem


def test_ids_are_paths_of_instances():
    inner = subgraph("inner", node(3, "MakeIMAGE"))
    outer = subgraph("outer", node(13, "inner"), node(4, "MakeIMAGE"))
    assert set(prompt(graph(node(57, "outer"), subgraphs=[inner, outer]))) == {"57:13:3", "57:4"}


def test_an_instance_input_belongs_to_the_face_of_its_name_not_of_its_place():
    inner = subgraph(
        "s",
        node(1, "PassMODEL", ("model", "MODEL", 1)),
        node(2, "PassLATENT", ("latent", "LATENT", 2)),
        links=[[1, -10, 0, 1, 0, "MODEL"], [2, -10, 1, 2, 0, "LATENT"]],
        inputs=[("m", "MODEL", [1]), ("l", "LATENT", [2])],
    )
    made = prompt(
        graph(
            node(7, "MakeMODEL", outputs=("MODEL",)),
            node(8, "MakeLATENT", outputs=("LATENT",)),
            node(9, "s", ("l", "LATENT", 5), ("m", "MODEL", 6)),
            links=[[5, 8, 0, 9, 0, "LATENT"], [6, 7, 0, 9, 1, "MODEL"]],
            subgraphs=[inner],
        )
    )
    assert made["9:1"]["inputs"]["model"] == ["7", 0]
    assert made["9:2"]["inputs"]["latent"] == ["8", 0]


def test_a_subgraph_that_contains_itself_is_refused_by_name():
    problem = refusal(graph(node(1, "s"), subgraphs=[subgraph("s", node(2, "s"))]))
    assert (problem.code, problem.node) == ("cycle", "1:2")
    assert "'the s' contains itself" in problem.said


def test_subgraphs_that_multiply_are_refused():
    parts = [subgraph(f"s{n}", node(1, f"s{n + 1}"), node(2, f"s{n + 1}")) for n in range(40)]
    problem = refusal(graph(node(1, "s0"), subgraphs=[*parts, subgraph("s40")]))
    assert problem.code == "too-large"
    assert "100000 nodes" in problem.said


def test_subgraphs_in_subgraphs_end_somewhere():
    parts = [subgraph(f"s{n}", node(1, f"s{n + 1}")) for n in range(3000)]
    assert refusal(graph(node(1, "s0"), subgraphs=parts)).code == "too-large"


@pytest.mark.parametrize("mode", [2, 4])
def test_nothing_inside_a_muted_or_bypassed_instance_runs(mode):
    assert prompt(graph(node(1, "s", mode=mode), subgraphs=[subgraph("s", node(2, "MakeIMAGE"))])) == {}
