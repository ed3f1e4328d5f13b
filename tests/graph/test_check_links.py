"""What check says of the wires between nodes."""

import pytest

from engine.graph.sockets import fits
from tests.graph.fakes import codes, node, problems


def only(nodes):
    found = problems(nodes)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("given", "taken", "fit"),
    [
        ("INT", "INT", True),
        ("*", "MODEL", True),
        ("MODEL", "*", True),
        ("INT", "INT,FLOAT", True),
        ("STRING, INT", "INT ,FLOAT", True),
        ("INT", "FLOAT", False),
        ("STRING", "COMBO", False),
        ("COMBO", "COMBO", True),
        ("MODEL", "CLIP", False),
        ("MODEL", "model", False),
    ],
)
def test_sockets_fit_as_in_comfyui(given, taken, fit):
    assert fits(given, taken) is fit


def reader(class_type, **inputs):
    return {"2": node(class_type, **inputs), "show": node("ToyShow", value=["2", 0])}


def test_widgets_take_wires_of_their_type():
    assert problems({"1": node("ToyNumber", value=1), **reader("ToyAdd", a=["1", 0], b=2)}) == []


def test_wrong_wire_says_what_comes_and_what_is_taken():
    found = only({"1": node("ToyReal", value=1), **reader("ToyAdd", a=["1", 0], b=2)})
    assert (found.code, found.node, found.field) == ("wrong-wire", "2", "a")
    assert found.said == "takes INT, but output 0 of 1 ToyReal gives FLOAT."


def test_text_does_not_feed_a_choice():
    inputs = {"whole": 1, "real": 0.5, "text": "hi", "toggle": True, "colour": ["1", 0]}
    assert codes({"1": node("ToyText", text="red"), **reader("ToyWidgets", **inputs)}) == ["wrong-wire"]


def test_dangling_link_names_the_missing_node():
    found = only({"keep": node("ToyKeep", token=["99", 0])})
    assert (found.code, found.found) == ("dangling-link", ["99", 0])
    assert "'99'" in found.said


@pytest.mark.parametrize("slot", [2, -1, 0.5, 1e8])
def test_bad_slot_lists_the_outputs(slot):
    found = only({"1": node("ToyText", text="a"), "show": node("ToyShow", value=["1", slot])})
    assert found.code == "bad-slot"
    assert "0 STRING, 1 text length" in found.said
    assert found.fix == "Use output 0."


def test_slot_of_a_node_without_outputs_is_bad():
    assert codes({"a": node("ToyShow", value=1), "show": node("ToyShow", value=["a", 0])}) == ["bad-slot"]


def test_node_ids_may_be_numbers_in_links():
    assert problems({"1": node("ToyNumber", value=1), "show": node("ToyShow", value=[1, 0])}) == []


def test_self_link_is_told_once_and_as_no_cycle():
    assert codes({"1": node("ToyPass", token=["1", 0]), "keep": node("ToyKeep", token=["1", 0])}) == ["self-link"]


def test_link_to_an_unknown_class_is_told_at_that_node_only():
    assert codes({"1": node("Unheard"), "keep": node("ToyKeep", token=["1", 7])}) == ["unknown-class"]


def test_wires_out_of_a_class_that_is_only_known_of_are_checked():
    nodes = {"1": node("ImageScale"), **reader("ToyAdd", a=["1", 0], b=2)}
    told = problems(nodes)
    assert [(found.node, found.code) for found in told] == [("1", "unknown-class"), ("2", "wrong-wire")]
    assert told[1].said == "takes INT, but output 0 of 1 ImageScale gives IMAGE."


def test_wires_into_a_class_that_is_only_known_of_are_checked():
    nodes = {"2": node("SaveAnimatedWEBP", images=["1", 0], fps=["1", 0], other=["1", 0])}
    told = problems({"1": node("ToyNumber", value=1), **nodes})
    assert [(found.code, found.field) for found in told] == [("unknown-class", "class_type"), ("wrong-wire", "images")]


def test_wires_of_classes_that_nobody_knows_fit_everywhere():
    assert codes({"1": node("Unheard", a=["1x", 0]), **reader("ToyAdd", a=["1", 7], b=2)}) == ["unknown-class"]
