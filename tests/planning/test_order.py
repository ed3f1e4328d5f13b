"""In which order nodes run."""

import random
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.graph.values import BoundNode
from engine.planning.order import missing_before, order
from tests.planning.fakes import bound_of, linked, spec
from tests.toys import chain

PLAIN = spec("Plain", "ANY")
SAVE = spec("Save", output_node=True)
CHECKPOINT = spec("Checkpoint", "MODEL", "CLIP", "VAE")
ENCODE = spec("Encode", "CONDITIONING")
LORA = spec("Lora", "MODEL", "CLIP")
SAMPLE = spec("Sample", "LATENT")
DECODE = spec("Decode", "IMAGE")
GUIDER = spec("Guider", "GUIDER")
SWITCH = spec("Switch", "*")

SOME_SPECS = (PLAIN, SAVE, CHECKPOINT, ENCODE, LORA, SAMPLE, DECODE, GUIDER, SWITCH)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, BoundNode], list[str]]:
    """A random DAG over classes with and without weights, its ids shuffled, and some targets."""
    count = draw(st.integers(1, 24))
    names = draw(st.permutations([str(name) for name in range(count)]))
    bound: dict[str, BoundNode] = {}
    for index, name in enumerate(names):
        sources = [
            (names[parent], slot) for parent in range(index) for slot in range(len(bound[names[parent]].spec.outputs))
        ]
        links = draw(st.lists(st.sampled_from(sources), max_size=4)) if sources else []
        bound[name] = linked(draw(st.sampled_from(SOME_SPECS)), *links)
    targets = draw(st.lists(st.sampled_from(names), min_size=1, max_size=4))
    given_order = draw(st.permutations(names))
    return {name: bound[name] for name in given_order}, targets


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_every_node_stands_behind_those_it_reads(case):
    bound, targets = case
    found = order(bound, targets)
    place = {name: index for index, name in enumerate(found)}
    assert len(place) == len(found)
    for name in found:
        assert all(place[link.node] < place[name] for link in bound[name].links.values())


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_exactly_what_the_targets_need_is_there(case):
    bound, targets = case
    needed, stack = set(), list(targets)
    while stack:
        name = stack.pop()
        if name not in needed:
            needed.add(name)
            stack += [link.node for link in bound[name].links.values()]
    assert set(order(bound, targets)) == needed


@settings(deadline=None, max_examples=60)
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_the_dictionary(case, rng):
    bound, targets = case
    shuffled = list(bound)
    rng.shuffle(shuffled)
    assert order({name: bound[name] for name in shuffled}, targets) == order(bound, targets)


def two_pictures() -> dict[str, BoundNode]:
    """One checkpoint, two prompts, two samplers, two pictures: branch a, then branch b."""
    bound = {"loader": linked(CHECKPOINT)}
    for side in "ab":
        bound[f"text {side}"] = linked(ENCODE, ("loader", 1))
        bound[f"sample {side}"] = linked(SAMPLE, ("loader", 0), (f"text {side}", 0))
        bound[f"decode {side}"] = linked(DECODE, (f"sample {side}", 0), ("loader", 2))
        bound[f"save {side}"] = linked(SAVE, (f"decode {side}", 0))
    return bound


def test_each_set_of_weights_is_entered_once():
    found = order(two_pictures(), ["save a", "save b"])
    users = [name for name in found if name.split()[0] in ("text", "sample", "decode")]
    assert users == ["text a", "text b", "sample a", "sample b", "decode a", "decode b"]


def test_a_picture_is_saved_before_the_next_is_decoded():
    found = order(two_pictures(), ["save a", "save b"])
    assert found[-4:] == ["decode a", "save a", "decode b", "save b"]


def test_all_users_of_one_model_are_done_before_the_other_model_is_touched():
    bound = {"one": linked(CHECKPOINT), "two": linked(CHECKPOINT)}
    for index, loader in enumerate(("one", "two", "one", "two")):
        bound[f"{index}"] = linked(SAMPLE, (loader, 0))
        bound[f"save {index}"] = linked(SAVE, (f"{index}", 0))
    found = [name for name in order(bound, [f"save {index}" for index in range(4)]) if name.isdigit()]
    assert found == ["0", "2", "1", "3"]


def test_a_lora_and_a_guider_hand_on_the_weights_they_are_laid_on():
    bound = {
        "loader": linked(CHECKPOINT),
        "other": linked(CHECKPOINT),
        "lora": linked(LORA, ("loader", 0), ("loader", 1)),
        "guider": linked(GUIDER, ("lora", 0)),
        "first": linked(SAMPLE, ("loader", 0)),
        "between": linked(SAMPLE, ("other", 0)),
        "last": linked(SAMPLE, ("guider", 0)),
    }
    found = order(bound, ["first", "between", "last"])
    assert [name for name in found if name in ("first", "between", "last")] == ["first", "last", "between"]


def test_a_switch_hands_on_the_weights_that_go_into_it():
    bound = {
        "a": linked(CHECKPOINT),
        "b": linked(CHECKPOINT),
        **{f"{name} chosen": linked(SWITCH, (name, 0)) for name in "ab"},
        **{f"{name}{number}": linked(SAMPLE, (f"{name} chosen", 0)) for number in (1, 2) for name in "ab"},
    }
    found = [name for name in order(bound, ["a1", "b1", "a2", "b2"]) if name[1:] in ("1", "2")]
    assert found == ["a1", "a2", "b1", "b2"]


def test_what_uses_no_weights_is_done_at_the_last_moment():
    bound = {
        "early": linked(PLAIN),
        "loader": linked(CHECKPOINT),
        "text": linked(ENCODE, ("loader", 1)),
        "sample": linked(SAMPLE, ("loader", 0), ("early", 0), ("text", 0)),
    }
    assert order(bound, ["sample"]) == ["loader", "text", "early", "sample"]


def test_an_output_without_weights_comes_first():
    bound = two_pictures() | {"picture": linked(PLAIN), "preview": linked(SAVE, ("picture", 0))}
    assert order(bound, ["save a", "save b", "preview"])[:2] == ["picture", "preview"]


def test_without_weights_the_order_is_depth_first_from_the_outputs():
    bound = {"c": linked(PLAIN, ("b", 0), ("a", 0)), "a": linked(PLAIN), "b": linked(PLAIN, ("a", 0))}
    assert order(bound, ["c"]) == ["a", "b", "c"]


def test_a_circle_is_refused_by_name():
    with pytest.raises(ValueError, match="circle through node [ab]"):
        order({"a": linked(PLAIN, ("b", 0)), "b": linked(PLAIN, ("a", 0))}, ["a"])


def test_what_is_known_is_not_looked_behind():
    bound = {"a": linked(PLAIN), "b": linked(PLAIN, ("a", 0)), "c": linked(PLAIN, ("b", 0))}
    assert missing_before(bound, ["c"], known={"b"}) == ["c"]


def test_a_long_chain_needs_no_recursion():
    length = 4 * sys.getrecursionlimit()
    assert len(order(bound_of(chain(length)), ["keep"])) == length + 2


def test_a_large_graph_of_weights_is_ordered():
    rng = random.Random(7)
    bound = {f"loader {index}": linked(CHECKPOINT) for index in range(50)}
    for index in range(5000):
        bound[str(index)] = linked(SAMPLE, (f"loader {rng.randrange(50)}", 0))
    found = order(bound, [str(index) for index in range(5000)])
    used = [bound[name].links["0"].node for name in found if name.isdigit()]
    assert sum(first != second for first, second in pairwise(used)) == 49
