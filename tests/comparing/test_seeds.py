"""Which seeds, and where they go."""

import pytest

from engine.comparing.seeds import own_seed, parse, with_seed
from engine.errors import GraphInvalid
from engine.plugins.registry import Registry
from schemas.prompt import Prompt
from schemas.workflow import Workflow


def graph(**nodes: tuple[str, dict[str, object]]) -> Workflow:
    made = {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}
    return Workflow(name="graph.json", form="api", prompt=Prompt.model_validate({"nodes": made}))


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("7", (7,)),
        ("0..3", (0, 1, 2, 3)),
        ("1,5,9", (1, 5, 9)),
        ("3, 0..2, 1", (3, 0, 1, 2)),
        (str(2**64 - 1), (2**64 - 1,)),
    ],
)
def test_seeds_are_numbers_and_ranges_each_once(text: str, seeds: tuple[int, ...]) -> None:
    assert parse(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "1,,2", "-1", "3..1", "0...4", "1.5", str(2**64), "0..99999999999"])
def test_what_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="seed"):
        parse(text)


def test_every_kind_of_seed_widget_is_set_and_nothing_else() -> None:
    before = graph(
        a=("KSampler", {"seed": 1, "steps": 4}),
        b=("KSamplerAdvanced", {"noise_seed": 2}),
        c=("RandomNoise", {"noise_seed": 3}),
        d=("Unknown", {"seed": 4}),
        e=("KSampler", {"seed": ["f", 0]}),
    )
    after = with_seed(before, 9, Registry.builtin())
    inputs = {name: node.inputs for name, node in after.prompt.nodes.items()}
    assert inputs == {
        "a": {"seed": 9, "steps": 4},
        "b": {"noise_seed": 9},
        "c": {"noise_seed": 9},
        "d": {"seed": 4},
        "e": {"seed": ["f", 0]},
    }
    assert before.prompt.nodes["a"].inputs["seed"] == 1


def test_a_graph_whose_seeds_are_all_fed_by_wires_cannot_be_given_one() -> None:
    with pytest.raises(GraphInvalid, match="a wire feeds each"):
        with_seed(graph(e=("KSampler", {"seed": ["f", 0]})), 9, Registry.builtin())
    with pytest.raises(GraphInvalid, match="no node draws noise"):
        with_seed(graph(e=("SaveImage", {})), 9, Registry.builtin())


def test_a_graphs_own_seed_is_the_one_its_nodes_share() -> None:
    assert own_seed(graph(a=("KSampler", {"seed": 5}), b=("KSampler", {"seed": 5})).prompt) == 5
    assert own_seed(graph(a=("KSampler", {"seed": 5}), b=("KSampler", {"seed": 6})).prompt) is None
    assert own_seed(graph(a=("SaveImage", {})).prompt) is None
