"""What a plan says of each step, and why."""

from typing import Any

from engine.planning.plan import NOT_NEEDED, make_plan, plan_run
from schemas.plan import Plan
from tests.planning.fakes import FakeCache, FakeFiles, bound_of
from tests.planning.test_keys import DIAMOND, changed

SWITCH = {
    "flag": {"class_type": "ToyNumber", "inputs": {"value": 1}},
    "yes": {"class_type": "ToyNumber", "inputs": {"value": 2}},
    "no": {"class_type": "ToyAdd", "inputs": {"a": ["deep", 0], "b": 1}},
    "deep": {"class_type": "ToyNumber", "inputs": {"value": 3}},
    "switch": {"class_type": "ToySwitch", "inputs": {"switch": True, "on_true": ["yes", 0], "on_false": ["no", 0]}},
    "show": {"class_type": "ToyShow", "inputs": {"value": ["switch", 0]}},
}


def planned(graph: dict[str, Any], cache: FakeCache | None = None, files: FakeFiles | None = None) -> Plan:
    bound = bound_of(graph)
    targets = [name for name, node in bound.items() if node.spec.output_node]
    return make_plan("test.json", bound, targets, cache or FakeCache(), files or FakeFiles())


def after(graph: dict[str, Any], files: FakeFiles | None = None) -> FakeCache:
    """The cache after this graph has run."""
    bound = bound_of(graph)
    targets = [name for name, node in bound.items() if node.spec.output_node]
    cache = FakeCache()
    cache.take(plan_run("test.json", bound, targets, cache, files or FakeFiles()).records)
    return cache


def states(plan: Plan) -> dict[str, str]:
    return {step.node: step.state for step in plan.steps}


def reasons(plan: Plan) -> dict[str, str]:
    return {step.node: step.reason for step in plan.steps if step.state != "cached"}


def test_a_first_run_runs_everything():
    plan = planned(DIAMOND)
    assert set(states(plan).values()) == {"run"}
    assert set(reasons(plan).values()) == {"first run"}
    assert plan.file == "test.json"


def test_nodes_no_output_needs_are_no_steps():
    graph = DIAMOND | {"stray": {"class_type": "ToyNumber", "inputs": {"value": 9}}}
    assert "stray" not in states(planned(graph))


def test_a_second_run_runs_nothing():
    assert set(states(planned(DIAMOND, after(DIAMOND))).values()) == {"cached"}


def test_a_changed_widget_is_named_and_so_are_the_inputs_it_reaches():
    plan = planned(changed(DIAMOND, "left", value=20), after(DIAMOND))
    assert states(plan)["aside"] == states(plan)["right"] == "cached"
    assert reasons(plan) == {
        "left": "value changed 1 → 20",
        "sum": "input a changed",
        "twice": "input a changed, input b changed",
        "show": "input value changed",
    }


def test_a_link_in_place_of_a_value_is_a_changed_input():
    plan = planned(changed(DIAMOND, "twice", b=3), after(DIAMOND))
    assert reasons(plan) == {"twice": "input b changed", "show": "input value changed"}


def test_another_class_under_the_same_id_is_named():
    graph = DIAMOND | {"left": {"class_type": "ToyAdd", "inputs": {"a": 1, "b": 1}}}
    assert reasons(planned(graph, after(DIAMOND)))["left"] == "class changed ToyNumber → ToyAdd"


def test_long_texts_are_cut():
    graph = {
        "t": {"class_type": "ToyText", "inputs": {"text": "a" * 500}},
        "show": {"class_type": "ToyShow", "inputs": {"value": ["t", 0]}},
    }
    reason = reasons(planned(changed(graph, "t", text="short"), after(graph)))["t"]
    assert reason.startswith("text changed 'aaaa")
    assert reason.endswith("… → 'short'")
    assert len(reason) < 100


def test_a_changed_file_is_named():
    graph = {
        "m": {"class_type": "ToyModel", "inputs": {"ckpt_name": "flux.safetensors"}},
        "keep": {"class_type": "ToyKeep", "inputs": {"token": ["m", 0]}},
    }
    plan = planned(graph, after(graph, FakeFiles(flux="1")), FakeFiles(flux="2"))
    assert reasons(plan) == {"m": "file flux.safetensors changed", "keep": "input token changed"}


def test_a_step_lists_the_files_it_reads_with_their_bytes():
    graph = {
        "m": {"class_type": "ToyModel", "inputs": {"ckpt_name": "flux.safetensors"}},
        "keep": {"class_type": "ToyKeep", "inputs": {"token": ["m", 0]}},
    }
    (need,) = planned(graph, files=FakeFiles(flux="1")).steps[0].files
    assert need.name == "flux.safetensors"
    assert need.bytes > 0


def test_what_is_never_cached_says_so():
    graph = {
        "clock": {"class_type": "ToyClock", "inputs": {}},
        "show": {"class_type": "ToyShow", "inputs": {"value": ["clock", 0]}},
    }
    plan = planned(graph, after(graph))
    assert states(plan) == {"clock": "run", "show": "run"}
    assert reasons(plan)["clock"] == "never cached"


def test_what_stands_behind_a_cached_step_need_not_run():
    cache = after(DIAMOND)
    keys = {step.node: step.key for step in planned(DIAMOND).steps}
    cache.keys -= {keys["left"], keys["right"], keys["sum"], keys["show"], keys["aside"]}
    plan = planned(DIAMOND, cache)
    assert states(plan) == dict.fromkeys(("left", "sum", "twice"), "cached") | dict.fromkeys(
        ("right", "show", "aside"), "run"
    )
    assert {step.node for step in plan.steps if step.reason == NOT_NEEDED} == {"left", "sum"}


def test_what_was_pushed_out_or_lost_its_file_says_so():
    cache = after(DIAMOND)
    keys = {step.node: step.key for step in planned(DIAMOND).steps}
    cache.keys -= {keys["show"], keys["aside"]}
    cache.gone = {keys["show"]: "/output/a.png is gone"}
    assert reasons(planned(DIAMOND, cache)) == {"show": "/output/a.png is gone", "aside": "no longer in the cache"}


def test_nodes_behind_lazy_inputs_run_only_if_asked_for():
    found = states(planned(SWITCH))
    assert found == {"yes": "lazy", "deep": "lazy", "no": "lazy", "switch": "run", "show": "run"}


def test_a_node_that_is_needed_in_any_case_is_not_lazy():
    graph = SWITCH | {"also": {"class_type": "ToyShow", "inputs": {"value": ["no", 0]}}}
    assert states(planned(graph))["deep"] == states(planned(graph))["no"] == "run"


def test_steps_say_what_they_read_and_what_is_dropped_after_them():
    steps = {step.node: step for step in planned(DIAMOND).steps}
    assert steps["sum"].reads == ["left", "right"]
    assert steps["twice"].reads == ["sum"]
    assert steps["sum"].drops == ["left"]
    assert steps["aside"].drops == ["right"]
    assert steps["twice"].drops == ["sum"]


def test_titles_are_kept():
    bound = bound_of(DIAMOND)
    plan = make_plan("test.json", bound, ["aside"], FakeCache(), FakeFiles(), {"right": "Two", "aside": None})
    assert [step.title for step in plan.steps] == ["Two", None]
