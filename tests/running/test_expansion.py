"""Nodes that give a graph to take their place."""

import weakref
from typing import Any

import pytest

from engine.running.cache import OutputCache
from schemas.node import Blocked, Expansion, InputSpec, NodeSpec, OutputSpec
from schemas.report import Progress, Saved, StepDone, StepStarted, Warned
from tests import toys
from tests.running.house import House, node, ran, show, shown, states
from tests.running.test_execute import SAVER, Recipe, Token, spec


def expands(graph: dict[str, Any], *outputs: Any, **options: Any) -> NodeSpec:
    """A class that becomes this graph. Its optional inputs x and y are put in place of "$x" and "$y"."""
    given = {name: InputSpec(name, "*", required=False) for name in "xy"}

    def run(values, context):
        def filled(value):
            return values[value[1:]] if isinstance(value, str) and value.startswith("$") else value

        nodes = {
            name: {**info, "inputs": {field: filled(value) for field, value in info.get("inputs", {}).items()}}
            for name, info in graph.items()
        }
        return Expansion(nodes, tuple(filled(value) for value in outputs))

    declared = tuple(OutputSpec("*", "*", is_list=listed) for listed in options.pop("listed", [False] * len(outputs)))
    return NodeSpec("Becomes", given, declared, run, **options)


PLUS = {"sum": node("ToyAdd", a="$x", b=10)}


def test_the_graphs_outputs_become_the_nodes_own(house):
    report = house.run(
        {"n": node("ToyNumber", value=1), "more": node("ToyExpand", value=["n", 0], count=3), "show": show("more")}
    )
    assert shown() == {"show": 4}
    assert ran() == ["n", "more", "more.add0", "more.add1", "more.add2", "show"]
    assert [step.node for step in report.steps] == ["n", "more", "show"]


def test_events_speak_of_the_users_own_nodes_only(house):
    house.run({"n": node("ToyNumber", value=1), "more": node("ToyExpand", value=["n", 0]), "show": show("more")})
    assert [event.node for event in house.told(StepStarted)] == ["n", "more", "show"]
    assert [event.node for event in house.told(StepDone)] == ["n", "more", "show"]


def test_a_second_run_is_cached_without_looking_inside(house):
    graph = {"n": node("ToyNumber", value=1), "more": node("ToyExpand", value=["n", 0]), "show": show("more")}
    house.run(graph)
    report = house.run(graph)
    assert ran() == []
    assert set(states(report).values()) == {"cached"}


def test_nodes_inside_are_cached_too(house):
    graph = {"n": node("ToyNumber", value=1), "more": node("ToyExpand", value=["n", 0], count=3), "show": show("more")}
    house.run(graph)
    house.run(graph | {"more": node("ToyExpand", value=["n", 0], count=4)})
    assert ran() == ["more", "more.add3", "show"]
    assert shown() == {"show": 5}


def test_values_that_no_file_could_hold_may_be_put_in_and_are_cached_by_where_they_come_from(tmp_path):
    token = Token()
    made = []
    make = spec("Make", lambda values, context: (token,))
    look = spec("Look", lambda values, context: (made.append(values["x"]) or 5,), "x")
    house = House(tmp_path, make, look, expands({"look": node("Look", x="$x")}, ["look", 0]))
    graph = {"make": node("Make"), "more": node("Becomes", x=["make", 0]), "show": show("more")}
    house.run(graph)
    for name in ("more", "show"):
        house.session.cache.drop(house.session.cache.last(name).key)
    report = house.run(graph)
    assert made == [token]
    assert states(report) == {"make": "cached", "more": "run", "show": "run"}


def test_an_output_may_be_a_value(tmp_path):
    house = House(tmp_path, expands(PLUS, "$x", ["sum", 0], {"__value__": ["sum", 0]}))
    house.run({"more": node("Becomes", x=1), "a": show("more", 0), "b": show("more", 1), "c": show("more", 2)})
    assert shown() == {"a": 1, "b": 11, "c": ["sum", 0]}


def test_links_may_lead_out_of_the_graph(tmp_path):
    house = House(tmp_path, expands({"sum": node("ToyAdd", a=["other", 0], b=1)}, ["sum", 0], ["other", 0]))
    house.run(
        {"other": node("ToyNumber", value=4), "more": node("Becomes"), "a": show("more", 0), "b": show("more", 1)}
    )
    assert shown() == {"a": 5, "b": 4}


def test_a_value_that_was_dropped_is_computed_again_if_a_graph_reads_it_later(tmp_path):
    expanding = expands({"sum": node("ToyAdd", a=["n", 0], b="$x")}, ["sum", 0])
    house = House(tmp_path, expanding, cache=OutputCache(0))
    report = house.run(
        {
            "n": node("ToyNumber", value=4),
            "two": node("ToyAdd", a=["n", 0], b=1),
            "three": node("ToyAdd", a=["two", 0], b=1),
            "more": node("Becomes", x=["three", 0]),
            "show": show("more"),
        }
    )
    assert shown() == {"show": 10}
    assert ran().count("n") == 2
    assert len(report.steps) == 5


def test_a_node_that_no_output_needed_before_runs_if_a_graph_reads_it(tmp_path):
    house = House(tmp_path, expands({"sum": node("ToyAdd", a=["stray", 0], b=1)}, ["sum", 0]))
    graph = {
        "deep": node("ToyNumber", value=4),
        "stray": node("ToyAdd", a=["deep", 0], b=1),
        "more": node("Becomes"),
        "show": show("more"),
    }
    report = house.run(graph)
    assert shown() == {"show": 6}
    assert states(report) == {"more": "run", "show": "run", "deep": "run", "stray": "run"}


def test_each_call_of_a_mapped_node_gives_its_own_graph(tmp_path):
    house = House(tmp_path, expands(PLUS, ["sum", 0], "$x"))
    house.run(
        {
            "range": node("ToyRange", count=3),
            "more": node("Becomes", x=["range", 0]),
            "a": show("more"),
            "b": show("more", 1),
        }
    )
    assert [value for name, value in toys.SHOWN if name == "a"] == [10, 11, 12]
    assert [value for name, value in toys.SHOWN if name == "b"] == [0, 1, 2]
    assert {"more.0.sum", "more.1.sum", "more.2.sum"} <= set(ran())


def test_graphs_and_plain_results_may_be_mixed(house):
    house.run(
        {
            "range": node("ToyRange", count=3),
            "more": node("ToyExpand", value=100, count=["range", 0]),
            "show": show("more"),
        }
    )
    assert [value for _, value in toys.SHOWN] == [100, 101, 102]


def test_a_list_from_inside_flows_on_item_by_item(tmp_path):
    house = House(tmp_path, expands({"range": node("ToyRange", count=3)}, ["range", 0], listed=[True]))
    house.run({"more": node("Becomes"), "show": show("more")})
    assert [value for _, value in toys.SHOWN] == [0, 1, 2]


def test_graphs_may_give_graphs(tmp_path):
    outer = expands(
        {"in": node("ToyExpand", value="$x", count=2), "out": node("ToyAdd", a=["in", 0], b=100)}, ["out", 0]
    )
    house = House(tmp_path, outer)
    report = house.run({"more": node("Becomes", x=1), "show": show("more")})
    assert shown() == {"show": 103}
    assert ran() == ["more.in", "more.in.add0", "more.in.add1", "more.out", "show"]
    assert list(states(report)) == ["more", "show"]


def loop() -> NodeSpec:
    """A class that counts down by becoming an addition and itself."""

    def run(values, context):
        if values["left"] == 0:
            return (values["value"],)
        return Expansion(
            {
                "plus": node("ToyAdd", a=values["value"], b=1),
                "again": node("Loop", left=values["left"] - 1, value=["plus", 0]),
            },
            (["again", 0],),
        )

    return spec("Loop", run, "left value")


def test_a_loop_of_two_thousand_rounds_needs_no_recursion_and_no_endless_names(tmp_path):
    house = House(tmp_path, loop())
    house.run({"loop": node("Loop", left=2000, value=0), "show": show("loop")})
    assert shown() == {"show": 2000}
    assert max(map(len, ran())) < 250
    assert len(set(ran())) == len(ran())


def test_values_inside_a_loop_are_dropped_round_by_round(tmp_path):
    tokens: weakref.WeakSet[Token] = weakref.WeakSet()
    alive = []

    def make(values, context):
        token = Token()
        tokens.add(token)
        alive.append(len(tokens))
        return (token,)

    def run(values, context):
        if values["left"] == 0:
            return (values["value"],)
        again = node("Round", left=values["left"] - 1, value=["make", 0])
        return Expansion({"make": node("Make", old=values["value"]), "again": again}, (["again", 0],))

    house = House(tmp_path, spec("Make", make, "old"), spec("Round", run, "left value"), cache=OutputCache(0))
    house.run({"loop": node("Round", left=30, value=0), "show": show("loop")})
    toys.SHOWN.clear()
    assert len(alive) == 30
    assert max(alive) <= 3


def test_output_nodes_inside_run_even_if_nothing_reads_them(tmp_path):
    house = House(tmp_path, SAVER, expands(PLUS | {"save": node("Save", value=["sum", 0])}, "$x"))
    graph = {"more": node("Becomes", x=1), "show": show("more")}
    report = house.run(graph)
    path = str(tmp_path / "out_00001_.png")
    assert report.outputs == {"more": [path]}
    assert house.told(Saved) == [Saved("saved", "more", path)]
    assert house.run(graph).outputs == {"more": [path]}
    assert ran() == []


def test_output_nodes_deep_inside_are_reported_for_the_users_own_node(tmp_path):
    inner = NodeSpec(
        "Inner",
        {"x": InputSpec("x", "*")},
        (),
        lambda values, context: Expansion({"save": node("Save", value=values["x"])}, ()),
        output_node=True,
    )
    house = House(tmp_path, SAVER, inner, expands({"inner": node("Inner", x="$x")}, "$x"))
    report = house.run({"more": node("Becomes", x=1), "show": show("more")})
    assert report.outputs == {"more": [str(tmp_path / "out_00001_.png")]}


def test_nodes_inside_that_nothing_needs_do_not_run(tmp_path):
    house = House(tmp_path, expands(PLUS | {"stray": node("ToyNumber", value=1)}, ["sum", 0]))
    house.run({"more": node("Becomes", x=1), "show": show("more")})
    assert ran() == ["more.sum", "show"]


def test_lazy_inputs_work_inside(tmp_path):
    graph = {
        "yes": node("ToyNumber", value=1),
        "no": node("ToyNumber", value=2),
        "switch": node("ToySwitch", switch="$x", on_true=["yes", 0], on_false=["no", 0]),
    }
    house = House(tmp_path, expands(graph, ["switch", 0]))
    house.run({"more": node("Becomes", x=False), "show": show("more")})
    assert ran() == ["more.no", "more.switch", "show"]


def test_blocked_values_pass_through(tmp_path):
    house = House(tmp_path, expands({"gate": node("ToyBlock", value="$x", block=True, message="no")}, ["gate", 0]))
    report = house.run({"more": node("Becomes", x=1), "show": show("more")})
    assert states(report) == {"more": "run", "show": "skipped"}
    assert house.told(Warned) == [Warned("warned", "show", "no")]


def test_a_blocked_call_among_graphs_blocks_its_own_item_only(tmp_path):
    def run(values, context):
        return Blocked() if values["x"] == 1 else Expansion({"n": node("ToyAdd", a=values["x"], b=1)}, (["n", 0],))

    house = House(tmp_path, spec("Some", run, "x"))
    house.run({"range": node("ToyRange", count=3), "some": node("Some", x=["range", 0]), "show": show("some")})
    assert [value for _, value in toys.SHOWN] == [1, 3]


def test_weights_that_are_put_in_are_held_until_they_are_read(tmp_path):
    held = []
    use = spec("Use", lambda values, context: (held.append(+context.ledger.held),), "model")
    load = spec("Load", lambda values, context: (Recipe("a"),))
    graph = {"first": node("Use", model="$x"), "second": node("ToyMerge", first=["first", 0], second=["third", 0])}
    house = House(tmp_path, use, load, expands(graph | {"third": node("ToySource", name="t")}, ["second", 0]))
    house.run({"load": node("Load"), "more": node("Becomes", x=["load", 0]), "show": show("more")})
    assert held == [{("model", "a"): 1}]
    assert +house.ledger.held == {}


def test_pictures_saved_inside_name_the_models_of_values_put_in(tmp_path):
    def use(values, context):
        context.used_model(context.file("checkpoints", "flux.safetensors"), "bf16")
        return (Token(),)

    def save(values, context):
        context.save_picture(1, "out", "output", 0)
        return ()

    saves = spec("Keep", save, "value", "", output_node=True)
    house = House(tmp_path, spec("Use", use), saves, expands({"save": node("Keep", value="$x")}, 1))
    house.run({"use": node("Use"), "more": node("Becomes", x=["use", 0]), "show": show("more")})
    assert "flux.safetensors" in house.pictures.metadata[0]["comfyless"]


def test_names_that_are_taken_are_avoided(tmp_path):
    house = House(tmp_path, expands(PLUS, ["sum", 0]))
    house.run(
        {"more": node("Becomes", x=1), "more.sum": node("ToyNumber", value=7), "a": show("more"), "b": show("more.sum")}
    )
    assert shown() == {"a": 11, "b": 7}


def test_progress_inside_is_that_of_the_users_own_node(tmp_path):
    house = House(tmp_path, expands({"long": node("ToySteps", value="$x", steps=1)}, ["long", 0]))
    house.run({"more": node("Becomes", x=1), "show": show("more")})
    assert [event.node for event in house.told(Progress)] == ["more"]


def test_a_failure_inside_names_both_nodes(tmp_path):
    house = House(tmp_path, expands({"bad": node("ToyFail", value="$x", message="oh")}, ["bad", 0]))
    report = house.run({"more": node("Becomes", x=1) | {"_meta": {"title": "Mine"}}, "show": show("more")})
    assert report.error == "node more Becomes ('Mine') failed: node more.bad ToyFail failed: ValueError: oh"


@pytest.mark.parametrize(
    ("graph", "output", "said"),
    [
        ({"a": node("Unheard")}, ["a", 0], "the node 'a' it adds is of the unknown class 'Unheard'"),
        ({"a": {"inputs": {}}}, ["a", 0], "unknown class None"),
        ({"a": node("ToyAdd", a=1)}, ["a", 0], "the node 'a' it adds lacks the input 'b' of ToyAdd"),
        ({"a": node("ToyAdd", a=1, b=1, c=1)}, ["a", 0], "has an input 'c', which ToyAdd does not know"),
        ({"a": node("ToyAdd", a="x", b=1)}, ["a", 0], "the node 'a' it adds: a: 'x' is not a whole number"),
        ({"a": node("ToyAdd", a=["b", 0], b=1)}, ["a", 0], "output 0 of node 'b', which does not exist"),
        ({"a": node("ToyAdd", a=["a", 0], b=1)}, ["a", 0], "links run in a circle through node more.a"),
        (PLUS, ["sum", 1], "output 1 of node 'more.sum', which does not exist"),
        (PLUS, ["sum", -1], "output -1 of node 'more.sum', which does not exist"),
        (PLUS, ["more", 0], "waits for this node's own result"),
        ({"a": node("ToyAdd", a=["show2", 0], b=1)}, ["a", 0], "waits for this node's own result"),
    ],
)
def test_a_graph_that_is_none_fails_the_node_that_gave_it(tmp_path, graph, output, said):
    house = House(tmp_path, expands(graph, output))
    report = house.run(
        {
            "more": node("Becomes", x=1),
            "show2": node("ToyBlock", value=["more", 0], block=False),
            "show": show("show2"),
        }
    )
    assert report.status == "failed"
    assert report.error.startswith("node more Becomes failed: ")
    assert said in report.error
