"""Values from the command line."""

import pytest

from engine.errors import GraphInvalid
from engine.graph.rewrite import apply
from tests.graph.fakes import TOYS, node, prompt

NODES = {
    "6": node("ToyText", title="Prompt. v1.5 = new", text="a dog"),
    "7": node("ToyWidgets", title="Knobs", whole=1, real=0.5, text="hi", toggle=True, colour="red"),
    "8": node("ToyAdd", a=["7", 0], b=2),
    "9": node("ToyAdd", title="Twin", a=1, b=2),
    "10": node("ToyReal", title="Twin", value=1.0),
    "57:3": node("ToyKeep", token=["6", 0]),
}


def changed(*overrides):
    return {name: made.inputs for name, made in apply(prompt(NODES), overrides, TOYS).nodes.items()}


def refused(*overrides):
    with pytest.raises(GraphInvalid) as caught:
        apply(prompt(NODES), overrides, TOYS)
    return caught.value.problems


@pytest.mark.parametrize(
    ("override", "name", "field", "value"),
    [
        ("6.text=a cat", "6", "text", "a cat"),
        ("ToyText.text=a=b.c", "6", "text", "a=b.c"),
        ("Prompt. v1.5 = new.text=x", "6", "text", "x"),
        ("6.text=5", "6", "text", "5"),
        ("6.text=", "6", "text", ""),
        ('6.text=["7", 0]', "6", "text", '["7", 0]'),
        ("Knobs.whole=5", "7", "whole", 5),
        ("Knobs.whole=5x", "7", "whole", "5x"),
        ("Knobs.real=1e1", "7", "real", 10.0),
        ("Knobs.real=NaN", "7", "real", "NaN"),
        ("Knobs.toggle=False", "7", "toggle", False),
        ("Knobs.toggle=on", "7", "toggle", True),
        ("Knobs.colour=5", "7", "colour", "5"),
        ("Knobs.extra=5", "7", "extra", 5),
        ("8.a=5", "8", "a", 5),
    ],
)
def test_override_sets_one_value(override, name, field, value):
    result = changed(override)
    assert result[name][field] == value
    assert type(result[name][field]) is type(value)
    same = {other: made["inputs"] for other, made in NODES.items() if other != name}
    assert {other: inputs for other, inputs in result.items() if other != name} == same


def test_given_prompt_stays_as_it_is():
    given = prompt(NODES)
    made = apply(given, ["6.text=x"], TOYS)
    assert given.nodes["6"].inputs["text"] == "a dog"
    assert made.as_json()["6"] == {**NODES["6"], "inputs": {"text": "x"}}


def test_later_override_wins():
    assert changed("6.text=a", "6.text=b")["6"]["text"] == "b"


@pytest.mark.parametrize(
    ("override", "code", "told"),
    [
        ("66.text=a", "unknown-node", "'66'"),
        ("Knob.whole=1", "unknown-node", "'Knobs'"),
        ("nonsense", "bad-override", "NODE.FIELD=VALUE"),
        ("text=a", "bad-override", "NODE.FIELD=VALUE"),
        (".=a", "bad-override", "NODE.FIELD=VALUE"),
        ("ToyAdd.a=1", "bad-override", "8, 9"),
        ("Twin.a=1", "bad-override", "9, 10"),
        ("7.hole=1", "bad-override", "'whole'"),
        ("7.zzzz=1", "bad-override", "Its inputs are whole"),
        ("7.toggle=perhaps", "bad-override", "true or false"),
        ("57:3.token=1", "bad-override", "TOY"),
        ("6.text=\udcff", "bad-override", "encoding"),
        ("=" * 5000, "bad-override", "NODE.FIELD=VALUE"),
        ("." * 5000 + "=", "unknown-node", "6 ToyText"),
    ],
)
def test_override_that_cannot_be_done_says_why(override, code, told):
    (problem,) = refused(override)
    assert problem.code == code
    assert told in problem.said + problem.fix
    assert problem.model_dump_json()


def test_all_refused_overrides_are_told_at_once():
    assert [problem.code for problem in refused("x.y=1", "7.zzzz=1")] == ["unknown-node", "bad-override"]


def test_unknown_class_takes_any_field():
    made = apply(prompt({"1": node("Unheard")}), ["1.size=5", "1.name=abc"], TOYS)
    assert made.nodes["1"].inputs == {"size": 5, "name": "abc"}
