"""Running graphs of toys: what runs, in which order, what comes out, what is told."""

import gc
import sys
import weakref
from typing import Any

import pytest

from engine.errors import Interrupted
from engine.running.cache import OutputCache
from schemas.node import InputSpec, NodeSpec, OutputSpec
from schemas.report import LoraReport, Noted, Progress, RunStarted, Saved, StepDone, StepStarted, Warned
from tests import toys
from tests.running.house import House, node, ran, show, shown, states

SUM = {
    "left": node("ToyNumber", value=1),
    "right": node("ToyNumber", value=2),
    "sum": node("ToyAdd", a=["left", 0], b=["right", 0]),
    "show": show("sum"),
    "aside": show("right"),
}


def spec(class_type: str, run: Any, inputs: str = "", outputs: str = "*", **options: Any) -> NodeSpec:
    """A class of its own: inputs and output types by name, separated by spaces; run(values, context)."""
    given = {name: InputSpec(name, "*") for name in inputs.split()}
    return NodeSpec(class_type, given, tuple(OutputSpec(kind, kind) for kind in outputs.split()), run, **options)


def test_values_flow_to_the_outputs(house):
    report = house.run(SUM)
    assert report.status == "done"
    assert shown() == {"show": 3, "aside": 2}
    assert states(report) == dict.fromkeys(SUM, "run")


def test_nodes_no_output_needs_do_not_run(house):
    house.run(SUM | {"stray": node("ToyNumber", value=9)})
    assert "stray" not in ran()


def test_only_what_the_targets_need_runs(house):
    report = house.run(SUM, targets=["aside"])
    assert ran() == ["right", "aside"]
    assert list(states(report)) == ["right", "aside"]


def test_a_second_run_is_cached_whole(house):
    house.run(SUM)
    report = house.run(SUM)
    assert ran() == []
    assert set(states(report).values()) == {"cached"}


def test_a_changed_value_reruns_only_what_depends_on_it(house):
    house.run(SUM)
    report = house.run(SUM | {"left": node("ToyNumber", value=5)})
    assert ran() == ["left", "sum", "show"]
    assert shown() == {"show": 7}
    assert states(report) == {"left": "run", "right": "cached", "sum": "run", "show": "run", "aside": "cached"}


def test_going_back_to_earlier_values_runs_nothing(house):
    house.run(SUM)
    house.run(SUM | {"left": node("ToyNumber", value=5)})
    house.run(SUM)
    assert ran() == []


def test_another_file_shares_the_cache(house):
    house.run(SUM)
    renamed = {"x": node("ToyNumber", value=2), "y": show("x")}
    assert states(house.run(renamed)) == {"x": "cached", "y": "cached"}


def test_equal_nodes_run_once(house):
    report = house.run(
        {
            "a": node("ToyNumber", value=1),
            "b": node("ToyNumber", value=1),
            "sum": node("ToyAdd", a=["a", 0], b=["b", 0]),
            "show": show("sum"),
        }
    )
    assert ran() == ["a", "sum", "show"]
    assert states(report)["b"] == "cached"
    assert shown() == {"show": 2}


def test_what_is_never_cached_runs_again_with_what_reads_it(house):
    graph = {"clock": node("ToyClock"), "show": show("clock"), "n": node("ToyNumber", value=1), "aside": show("n")}
    house.run(graph)
    house.run(graph)
    assert ran() == ["clock", "show"]
    assert house.session.cache.stats.entries == 2


def test_without_a_cache_everything_still_works(tmp_path):
    house = House(tmp_path, cache=OutputCache(0))
    assert house.run(SUM).status == "done"
    assert states(house.run(SUM)) == dict.fromkeys(SUM, "run")
    assert shown() == {"show": 3, "aside": 2}


def test_events_tell_the_run_from_its_start_to_each_step(house):
    house.run(SUM)
    (started,) = house.told(RunStarted)
    assert (started.file, started.total) == ("test.json", 5)
    assert [(event.node, event.index) for event in house.told(StepStarted)] == list(
        zip(ran(), range(1, 6), strict=True)
    )
    done = house.told(StepDone)
    assert [(event.node, event.state, event.index) for event in done] == [
        (name, "run", index) for index, name in enumerate(ran(), 1)
    ]
    house.run(SUM)
    assert house.told(StepStarted) == []
    assert [event.index for event in house.told(StepDone)] == [1, 2, 3, 4, 5]


def test_titles_are_told(house):
    titled = {"n": node("ToyNumber", value=1) | {"_meta": {"title": "One"}}, "show": show("n")}
    house.run(titled)
    assert [event.title for event in house.told(StepStarted)] == ["One", None]


def test_a_failure_names_the_node_and_keeps_what_was_done(house):
    graph = {
        "n": node("ToyNumber", value=1),
        "bad": node("ToyFail", value=["n", 0], message="no such luck") | {"_meta": {"title": "Culprit"}},
        "show": show("bad"),
    }
    report = house.run(graph)
    assert report.status == "failed"
    assert report.error == "node bad ToyFail ('Culprit') failed: ValueError: no such luck"
    assert states(report) == {"n": "run"}
    assert "no such luck" in house.session.failure
    assert states(house.run({"n": graph["n"], "show": show("n")})) == {"n": "cached", "show": "run"}
    assert house.session.failure is None


def test_a_failure_leaves_nothing_held(house):
    house.run({"n": node("ToyNumber", value=1), "bad": node("ToyFail", value=["n", 0]), "show": show("bad")})
    assert +house.ledger.held == {}


def test_what_a_failed_node_held_is_let_go_with_the_run(tmp_path):
    tokens: weakref.WeakSet[Token] = weakref.WeakSet()

    def run(values, context):
        token = Token()
        tokens.add(token)
        raise ValueError(token)

    house = House(tmp_path, spec("Bad", run))
    gc.disable()
    try:
        assert house.run({"x": node("Bad"), "show": show("x")}).status == "failed"
        assert len(tokens) == 0
    finally:
        gc.enable()


def test_a_node_that_gives_something_else_than_its_outputs_fails_in_words(tmp_path):
    few = spec("Few", lambda values, context: (), outputs="A B")
    wrong = spec("Wrong", lambda values, context: [1])
    house = House(tmp_path, few, wrong)
    assert "Few gave 0 outputs, but declares 2" in house.run({"x": node("Few"), "show": show("x")}).error
    assert "Wrong gave list instead of a tuple" in house.run({"x": node("Wrong"), "show": show("x")}).error


def test_a_wish_to_stop_ends_the_run_between_steps(tmp_path):
    house = House(tmp_path, stop=lambda: len(toys.RUNS) >= 2)
    report = house.run(SUM)
    assert report.status == "interrupted"
    assert ran() == ["left", "right"]
    assert states(report) == {"left": "run", "right": "run"}


def test_a_wish_to_stop_ends_a_long_step_at_its_next_progress(tmp_path):
    house = House(tmp_path)
    house.session._stop = lambda: bool(house.told(Progress))
    graph = {"n": node("ToyNumber", value=1), "long": node("ToySteps", value=["n", 0], steps=50), "show": show("long")}
    assert house.run(graph).status == "interrupted"
    assert len(house.told(Progress)) == 1
    house.session._stop = lambda: False
    assert states(house.run(graph)) == {"n": "cached", "long": "run", "show": "run"}


@pytest.mark.parametrize("raised", [KeyboardInterrupt, lambda: Interrupted("enough")])
def test_an_interrupt_inside_a_node_is_an_interruption(tmp_path, raised):
    def run(values, context):
        raise raised()

    house = House(tmp_path, spec("Stops", run))
    assert house.run({"x": node("Stops"), "show": show("x")}).status == "interrupted"


def test_progress_is_told_with_the_node(house):
    house.run(
        {"n": node("ToyNumber", value=1), "long": node("ToySteps", value=["n", 0], steps=3), "show": show("long")}
    )
    assert [(event.node, event.done, event.total) for event in house.told(Progress)] == [
        ("long", 1, 3),
        ("long", 2, 3),
        ("long", 3, 3),
    ]


def test_files_reach_nodes_through_the_context(house):
    graph = {
        "m": node("ToyModel", ckpt_name="flux.safetensors"),
        "p": node("ToyPicture", image="cat.png"),
        "both": node("ToyMerge", first=["m", 0], second=["p", 0]),
        "keep": node("ToyKeep", token=["both", 0]),
    }
    house.run(graph)
    assert shown()["keep"][0] == "1"
    house.files.prints["cat"] = "2"
    assert states(house.run(graph)) == {"m": "cached", "p": "run", "both": "run", "keep": "run"}


def saver(values, context):
    """Save a picture that depends on a model."""
    context.used_model(context.file("checkpoints", "flux.safetensors"), "bf16")
    context.save_picture(values["value"], "out", "output", 0)
    return ()


SAVED = {"n": node("ToyNumber", value=7), "save": node("Save", value=["n", 0])}
SAVER = spec("Save", saver, "value", "", output_node=True)


def test_saved_files_are_told_and_reported(tmp_path):
    house = House(tmp_path, SAVER)
    report = house.run(SAVED)
    path = str(tmp_path / "out_00001_.png")
    assert report.outputs == {"save": [path]}
    assert house.told(Saved) == [Saved("saved", "save", path)]


def adapter(values, context):
    """Load a LoRA that fits in part."""
    context.matched_lora(LoraReport(node=context.node, file="style.safetensors", model=3, unmatched=["odd"]))
    return (values["value"],)


def test_how_a_lora_fits_is_told_once_and_reported_from_the_cache_too(tmp_path):
    house = House(tmp_path, spec("Adapter", adapter, "value", "value"))
    graph = {
        "n": node("ToyNumber", value=7),
        "lora": node("Adapter", value=["n", 0]),
        "keep": node("ToyKeep", token=["lora", 0]),
    }
    first = house.run(graph)
    [warned] = house.told(Warned)
    assert warned.node == "lora"
    assert warned.said.startswith("style.safetensors: 3 modules fit the model")
    again = house.run(graph)
    assert states(again)["lora"] == "cached"
    assert first.loras == again.loras == [LoraReport(node="lora", file="style.safetensors", model=3, unmatched=["odd"])]


def test_a_lora_that_fits_is_no_warning(tmp_path):
    def fitting(values, context):
        context.matched_lora(LoraReport(node=context.node, file="style.safetensors", model=3))
        return (values["value"],)

    house = House(tmp_path, spec("Adapter", fitting, "value", "value"))
    house.run({"a": node("Adapter", value=["n", 0]), "n": node("ToyNumber"), "k": node("ToyKeep", token=["a", 0])})
    assert not house.told(Warned)
    assert len(house.told(Noted)) == 1


def test_a_fully_cached_run_reports_its_outputs(tmp_path):
    house = House(tmp_path, SAVER)
    first = house.run(SAVED)
    second = house.run(SAVED)
    assert set(states(second).values()) == {"cached"}
    assert second.outputs == first.outputs


def test_a_saved_file_that_has_gone_is_written_again(tmp_path):
    house = House(tmp_path, SAVER)
    (tmp_path / house.run(SAVED).outputs["save"][0]).unlink()
    report = house.run(SAVED)
    assert states(report) == {"n": "cached", "save": "run"}
    assert report.outputs == {"save": [str(tmp_path / "out_00002_.png")]}


def test_pictures_name_the_models_they_depend_on_even_if_those_steps_are_cached(tmp_path):
    def use(values, context):
        context.used_model(context.file("checkpoints", "flux.safetensors"), "bf16")
        return (1,)

    def save(values, context):
        context.save_picture(values["value"], "out", "output", 0)
        return ()

    plain = spec("Plain", save, "value extra", "", output_node=True)
    house = House(tmp_path, spec("Use", use), plain)
    graph = {"use": node("Use"), "pass": node("ToyBlock", value=["use", 0], block=False)}
    for extra in ("a", "b"):
        house.run(graph | {"save": node("Plain", value=["pass", 0], extra=extra)})
    assert [text.count("flux.safetensors") for text in (found["comfyless"] for found in house.pictures.metadata)] == [
        1,
        1,
    ]


def test_warnings_are_told(tmp_path):
    def run(values, context):
        context.warn("careful")
        return (1,)

    house = House(tmp_path, spec("Careful", run))
    house.run({"x": node("Careful"), "show": show("x")})
    assert house.told(Warned) == [Warned("warned", "x", "careful")]


class Token:
    """Something that can be watched."""


def watched(alive: list[int]) -> tuple[NodeSpec, NodeSpec]:
    """A class that makes a token, and one that makes another of one it reads; both note how many are alive."""
    tokens: weakref.WeakSet[Token] = weakref.WeakSet()

    def make(values, context):
        alive.append(len(tokens))
        token = Token()
        tokens.add(token)
        return (token,)

    return spec("Make", make, "seed"), spec("Remake", make, "token")


def test_values_are_dropped_as_soon_as_their_last_reader_is_done(tmp_path):
    alive: list[int] = []
    house = House(tmp_path, *watched(alive), cache=OutputCache(0))
    graph: dict[str, Any] = {"0": node("Make", seed=1)}
    for index in range(1, 20):
        graph[str(index)] = node("Remake", token=[str(index - 1), 0])
    house.run(graph | {"show": show("19")})
    toys.SHOWN.clear()
    assert max(alive) == 1


def test_values_of_a_wide_graph_are_dropped_branch_by_branch(tmp_path):
    alive: list[int] = []
    graph: dict[str, Any] = {}
    for index in range(20):
        graph[f"make {index}"] = node("Make", seed=index)
        graph[f"remake {index}"] = node("Remake", token=[f"make {index}", 0])
        graph[f"show {index}"] = node("Drop", token=[f"remake {index}", 0])
    drop = spec("Drop", lambda values, context: (), "token", "", output_node=True)
    house = House(tmp_path, *watched(alive), drop, cache=OutputCache(0))
    house.run(graph)
    gc.collect()
    assert max(alive) <= 1


def test_the_cache_keeps_values_that_nobody_reads_any_more(tmp_path):
    alive: list[int] = []
    house = House(tmp_path, *watched(alive))
    house.run({"a": node("Make", seed=1), "b": node("Remake", token=["a", 0]), "show": show("b")})
    assert alive == [0, 1]
    assert house.session.cache.stats.entries == 3


class Recipe:
    """Stands for weights."""

    def __init__(self, name: str) -> None:
        self.storage_key = ("model", name)


def test_the_ledger_hears_of_weights_from_their_recipe_to_its_last_reader(tmp_path):
    moments: list[int] = []
    load = spec("Load", lambda values, context: (Recipe(values["name"]),), "name")
    use = spec("Use", lambda values, context: (moments.append(context.ledger.held["model", "a"]),), "model after")
    house = House(tmp_path, load, use)
    graph = {
        "load": node("Load", name="a"),
        "first": node("Use", model=["load", 0], after=0),
        "second": node("Use", model=["load", 0], after=["first", 0]),
        "later": node("Use", model=0, after=["second", 0]),
        "show": show("later"),
    }
    house.run(graph)
    assert moments == [1, 1, 0]
    assert house.ledger.told == [("hold", ("model", "a")), ("release", ("model", "a"))]


def test_a_cached_recipe_is_held_while_a_later_step_reads_it(tmp_path):
    load = spec("Load", lambda values, context: (Recipe(values["name"]),), "name")
    use = spec("Use", lambda values, context: (1,), "model seed")
    house = House(tmp_path, load, use)
    for seed in (1, 2):
        house.run({"l": node("Load", name="a"), "u": node("Use", model=["l", 0], seed=seed), "show": show("u")})
        assert +house.ledger.held == {}
    assert len(house.ledger.told) == 4


@pytest.mark.slow
def test_a_chain_of_fifty_thousand_runs_without_recursion(house):
    assert sys.getrecursionlimit() <= 2000
    house.session._sink = None
    report = house.run(toys.chain(50_000))
    assert report.status == "done"
    assert len(report.steps) == 50_002
    assert shown() == {"keep": "t"}


def test_the_work_grows_in_proportion_to_the_graph(tmp_path):
    def operations(count: int) -> int:
        calls = 0

        def count_calls(frame, event, argument):
            nonlocal calls
            calls += 1

        house = House(tmp_path)
        house.session._sink = None
        sys.setprofile(count_calls)
        try:
            house.run(toys.chain(count))
        finally:
            sys.setprofile(None)
        return calls

    small, large = operations(200), operations(2000)
    assert large < 11 * small


def test_peak_memory_is_reported(house):
    assert house.run(SUM).peak.ram > 1_000_000
