"""What a content key depends on, and what not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import FileMissing, ModelFileInvalid
from engine.graph.values import BoundNode
from engine.planning.keys import KeyMaker, StepRecord, is_lasting, unique_key, value_key
from engine.planning.order import order
from schemas.sockets import ModelRef
from tests.planning.fakes import FakeFiles, bound_of

DIAMOND = {
    "left": {"class_type": "ToyNumber", "inputs": {"value": 1}},
    "right": {"class_type": "ToyNumber", "inputs": {"value": 2}},
    "sum": {"class_type": "ToyAdd", "inputs": {"a": ["left", 0], "b": ["right", 0]}},
    "twice": {"class_type": "ToyAdd", "inputs": {"a": ["sum", 0], "b": ["sum", 0]}},
    "show": {"class_type": "ToyShow", "inputs": {"value": ["twice", 0]}},
    "aside": {"class_type": "ToyShow", "inputs": {"value": ["right", 0]}},
}


def records_of(bound: dict[str, BoundNode], files: FakeFiles | None = None) -> dict[str, StepRecord]:
    maker = KeyMaker(files or FakeFiles())
    records: dict[str, StepRecord] = {}
    for name in order(bound, bound):
        records[name] = maker.record(bound[name], records)
    return records


def keys_of(graph: dict[str, dict[str, Any]], files: FakeFiles | None = None) -> dict[str, str]:
    return {name: record.key for name, record in records_of(bound_of(graph), files).items()}


def changed(graph: dict[str, dict[str, Any]], node: str, **inputs: Any) -> dict[str, dict[str, Any]]:
    return graph | {node: {**graph[node], "inputs": {**graph[node]["inputs"], **inputs}}}


@pytest.mark.parametrize(
    ("node", "inputs", "downstream"),
    [
        ("left", {"value": 5}, {"left", "sum", "twice", "show"}),
        ("right", {"value": 5}, {"right", "sum", "twice", "show", "aside"}),
        ("twice", {"b": 7}, {"twice", "show"}),
        ("sum", {"b": ["left", 0]}, {"sum", "twice", "show"}),
        ("aside", {"value": ["left", 0]}, {"aside"}),
    ],
)
def test_one_change_changes_exactly_the_keys_downstream(node, inputs, downstream):
    before, after = keys_of(DIAMOND), keys_of(changed(DIAMOND, node, **inputs))
    assert {name for name in before if before[name] != after[name]} == downstream


@settings(deadline=None, max_examples=40)
@given(st.permutations(list(DIAMOND)), st.permutations([f"node {index}" for index in range(len(DIAMOND))]))
def test_renaming_and_reordering_change_no_key(new_order, new_names):
    names = dict(zip(DIAMOND, new_names, strict=True))

    def renamed(value: Any) -> Any:
        return [names[value[0]], value[1]] if isinstance(value, list) else value

    graph = {
        names[old]: {
            "class_type": DIAMOND[old]["class_type"],
            "inputs": {field: renamed(value) for field, value in reversed(DIAMOND[old]["inputs"].items())},
            "_meta": {"title": old},
        }
        for old in new_order
    }
    before, after = keys_of(DIAMOND), keys_of(graph)
    assert {names[old]: key for old, key in before.items()} == after


def test_literals_are_compared_after_conversion():
    assert keys_of(changed(DIAMOND, "left", value="1")) == keys_of(changed(DIAMOND, "left", value=1.0))


def test_swapped_inputs_differ():
    swapped = changed(DIAMOND, "sum", a=["right", 0], b=["left", 0])
    assert keys_of(swapped)["sum"] != keys_of(DIAMOND)["sum"]


def test_the_slot_is_part_of_the_key():
    graph = {
        "text": {"class_type": "ToyText", "inputs": {"text": "x"}},
        "a": {"class_type": "ToyShow", "inputs": {"value": ["text", 0]}},
        "b": {"class_type": "ToyShow", "inputs": {"value": ["text", 1]}},
    }
    found = keys_of(graph)
    assert found["a"] != found["b"]


def test_equal_nodes_have_equal_keys():
    found = keys_of(changed(DIAMOND, "right", value=1))
    assert found["left"] == found["right"]


@pytest.mark.parametrize("difference", [{"version": 2}, {"pack": "other"}, {"class_type": "ToyNumeral"}])
def test_class_version_and_pack_are_part_of_the_key(difference):
    bound = bound_of({"left": DIAMOND["left"]})
    other = {"left": replace(bound["left"], spec=replace(bound["left"].spec, **difference))}
    assert records_of(bound)["left"].key != records_of(other)["left"].key


def test_a_file_counts_by_its_content():
    graph = {"m": {"class_type": "ToyModel", "inputs": {"ckpt_name": "flux.safetensors"}}}
    one, same, other = (keys_of(graph, FakeFiles(flux=content))["m"] for content in ("1", "1", "2"))
    assert one == same != other


def test_a_picture_of_the_input_folder_counts_by_its_content():
    graph = {"p": {"class_type": "ToyPicture", "inputs": {"image": "cat.png"}}}
    assert keys_of(graph, FakeFiles(cat="1"))["p"] != keys_of(graph, FakeFiles(cat="2"))["p"]


def test_each_file_is_looked_at_once_in_a_plan():
    files = FakeFiles(flux="1")
    node = {"class_type": "ToyModel", "inputs": {"ckpt_name": "flux.safetensors"}}
    keys_of({"a": node, "b": node, "c": node}, files)
    assert files.asked == 1


def test_a_missing_file_is_told():
    with pytest.raises(FileMissing, match="gone"):
        keys_of({"m": {"class_type": "ToyModel", "inputs": {"ckpt_name": "gone.safetensors"}}})


def test_a_file_that_cannot_be_read_is_told():
    class Locked(FakeFiles):
        def require(self, folder: str, name: str) -> Any:
            raise PermissionError(13, "Permission denied", "/models/locked.safetensors")

    with pytest.raises(ModelFileInvalid, match=r"/models/locked\.safetensors: cannot be read: Permission denied"):
        keys_of({"m": {"class_type": "ToyModel", "inputs": {"ckpt_name": "locked.safetensors"}}}, Locked())


def test_what_is_never_cached_has_a_new_key_each_time_and_so_has_what_reads_it():
    graph = {
        "clock": {"class_type": "ToyClock", "inputs": {}},
        "show": {"class_type": "ToyShow", "inputs": {"value": ["clock", 0]}},
    }
    first, second = keys_of(graph), keys_of(graph)
    assert not set(first.values()) & set(second.values())
    assert not any(is_lasting(key) for key in first.values())


def test_a_literal_without_a_text_makes_a_key_unique():
    bound = bound_of({"left": DIAMOND["left"]})["left"]
    node = replace(bound, literals={"value": object()})
    maker = KeyMaker(FakeFiles())
    assert maker.record(node, {}).key != maker.record(node, {}).key
    assert not is_lasting(maker.record(node, {}).key)


def test_a_value_given_on_the_way_is_known_by_its_text_or_by_where_it_comes_from():
    assert value_key(5, "one", "x") == value_key(5, "two", "y") != value_key(6, "one", "x")
    here = value_key(object(), "one", "x")
    assert here == value_key(object(), "one", "x")
    assert len({here, value_key(object(), "two", "x"), value_key(object(), "one", "y")}) == 3
    assert not is_lasting(value_key(object(), unique_key(), "x"))


def test_recipes_are_values_with_a_text():
    bound = bound_of({"left": DIAMOND["left"]})["left"]
    file = FakeFiles(flux="1").require("vae", "flux.safetensors")
    maker = KeyMaker(FakeFiles())

    def key(weight_dtype: str) -> str:
        return maker.record(replace(bound, literals={"value": ModelRef(file, weight_dtype)}), {}).key

    assert key("default") == key("default") != key("fp8_e5m2")


def test_fields_cannot_be_taken_for_one_another():
    bound = bound_of({"left": DIAMOND["left"]})["left"]
    maker = KeyMaker(FakeFiles())
    keys = {
        maker.record(replace(bound, literals=literals), {}).key
        for literals in ({"a": "1"}, {"a": 1}, {"a": True}, {"a": [1]}, {"a": None}, {"b": 1}, {"a": 1, "b": 1}, {})
    }
    assert len(keys) == 8
