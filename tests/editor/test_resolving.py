"""What feeds an input, through everything that lives in the editor alone."""

import pytest

from engine.editor.graph import EditorNode, Slot
from engine.editor.resolving import fits, passing_input
from engine.editor.translating import translate
from engine.errors import GraphInvalid
from tests.editor.drawn import graph, node, subgraph
from tests.editor.twins import Classes


def workflow(raw):
    return translate("file.json", raw, Classes())


def passed(inputs, outputs, slot, wanted):
    slots = [Slot(f"in {at}", kind) for at, kind in enumerate(inputs)]
    bypassed = EditorNode("1", "Any", inputs=slots, outputs=[Slot("out", kind) for kind in outputs])
    return passing_input(bypassed, slot, wanted, {})


@pytest.mark.parametrize(
    ("inputs", "outputs", "slot", "wanted", "index"),
    [
        (["MODEL", "CLIP"], ["MODEL", "CLIP"], 1, "CLIP", 1),
        (["VAE", "IMAGE", "MODEL"], ["MODEL"], 0, "MODEL", 2),
        (["VAE", "IMAGE,MASK"], ["IMAGE"], 0, "IMAGE", 1),
        (["VAE", "*"], ["IMAGE"], 0, "IMAGE", 1),
        (["CLIP"], ["CONDITIONING"], 0, "CONDITIONING", None),
        (["A", "B"], ["A", "B"], 1, "*", 1),
        (["A"], ["A", "B"], 1, "*", 0),
        ([], ["A"], 0, "A", None),
    ],
)
def test_a_bypassed_node_passes_on_the_input_that_fits(inputs, outputs, slot, wanted, index):
    assert passed(inputs, outputs, slot, wanted) == index


def test_types_fit_whatever_their_case_and_when_lists_of_them_share_one():
    assert fits("image", "IMAGE")
    assert fits("INT,FLOAT", "BOOLEAN,FLOAT")
    assert fits("*", "MODEL")
    assert fits("", "MODEL")
    assert not fits("INT,FLOAT", "STRING")


def test_links_in_a_ring_are_refused():
    ring = graph(
        node(1, "PassMODEL", ("model", "MODEL", 1), outputs=("MODEL",), mode=4),
        node(2, "Reroute", ("", "*", 2), outputs=("MODEL",)),
        node(3, "PassMODEL", ("model", "MODEL", 3), outputs=("MODEL",)),
        links=[[1, 2, 0, 1, 0, "MODEL"], [2, 1, 0, 2, 0, "MODEL"], [3, 1, 0, 3, 0, "MODEL"]],
    )
    with pytest.raises(GraphInvalid) as refused:
        workflow(ring)
    assert refused.value.problems[0].code == "cycle"
    assert "lead back to it" in refused.value.problems[0].said


def test_a_link_that_is_not_in_the_table_is_told_and_feeds_nothing():
    made = workflow(graph(node(3, "PassMODEL", ("model", "MODEL", 9))))
    assert "model" not in made.prompt.nodes["3"].inputs
    assert any("'9'" in note and "table of links" in note for note in made.notes)


def test_a_bypassed_node_without_a_fitting_input_is_told():
    made = workflow(
        graph(
            node(1, "MakeMODEL", outputs=("MODEL",), mode=4),
            node(3, "PassMODEL", ("model", "MODEL", 1)),
            links=[[1, 1, 0, 3, 0, "MODEL"]],
        )
    )
    assert "model" not in made.prompt.nodes["3"].inputs
    assert any("bypassed" in note for note in made.notes)


def test_a_value_that_passes_straight_through_a_subgraph_arrives():
    through = subgraph(
        "s", links=[[1, -10, 0, -20, 0, "MODEL"]], inputs=[("a", "MODEL", [1])], outputs=[("b", "MODEL", [1])]
    )
    made = workflow(
        graph(
            node(1, "MakeMODEL", outputs=("MODEL",)),
            node(2, "s", ("a", "MODEL", 1), outputs=("MODEL",)),
            node(3, "PassMODEL", ("model", "MODEL", 2)),
            links=[[1, 1, 0, 2, 0, "MODEL"], [2, 2, 0, 3, 0, "MODEL"]],
            subgraphs=[through],
        )
    )
    assert made.prompt.nodes["3"].inputs["model"] == ["1", 0]


def test_a_thousand_reroutes_lead_every_reader_to_the_source():
    count = 1000
    nodes = [node(0, "MakeMODEL", outputs=("MODEL",))]
    nodes += [node(n, "Reroute", ("", "*", n), outputs=("MODEL",)) for n in range(1, count)]
    nodes += [node(count + n, "PassMODEL", ("model", "MODEL", count + n)) for n in range(count)]
    links = [[n, n - 1, 0, n, 0, "MODEL"] for n in range(1, count)]
    links += [[count + n, count - 1, 0, count + n, 0, "MODEL"] for n in range(count)]
    made = workflow(graph(*nodes, links=links)).prompt
    assert {tuple(made.nodes[str(count + n)].inputs["model"]) for n in range(count)} == {("0", 0)}
