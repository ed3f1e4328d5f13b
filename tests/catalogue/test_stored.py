import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalogue.stored import as_json, from_json
from schemas.node import MISSING
from schemas.node_schema import AUTOGROW, DYNAMIC_COMBO, Growing, InputSchema, NodeSchema, Option, Output

TEXTS = st.text(max_size=5)
NUMBERS = st.none() | st.integers() | st.floats(allow_nan=False)
PLAIN = st.builds(
    InputSchema,
    name=TEXTS,
    type=st.sampled_from(["INT", "STRING", "IMAGE"]),
    required=st.booleans(),
    default=st.just(MISSING) | st.integers() | TEXTS | st.booleans() | st.none(),
    minimum=NUMBERS,
    maximum=NUMBERS,
    step=NUMBERS,
    control=st.sampled_from([None, True, False, "fixed"]),
    forced=st.booleans(),
    dynamic_prompts=st.booleans(),
    multiline=st.booleans(),
    upload=st.booleans(),
)
COMBOS = st.builds(InputSchema, name=TEXTS, type=st.just("COMBO"), choices=st.lists(TEXTS | st.integers()).map(tuple))


def ordered(inputs):
    return tuple(sorted(inputs, key=lambda entry: not entry.required))


def several(inputs):
    return st.lists(inputs, max_size=3).map(ordered)


def larger(inputs):
    options = st.dictionaries(TEXTS, several(inputs), min_size=1, max_size=3).map(
        lambda made: tuple(Option(key, inside) for key, inside in made.items())
    )
    growing = st.builds(
        Growing,
        prefix=st.none() | TEXTS,
        names=st.lists(TEXTS, max_size=3).map(tuple),
        least=st.integers(0, 3),
        most=st.integers(0, 3),
        of=PLAIN.filter(lambda entry: entry.required),
    )
    return st.builds(InputSchema, name=TEXTS, type=st.just(DYNAMIC_COMBO), options=options) | st.builds(
        InputSchema, name=TEXTS, type=st.just(AUTOGROW), growing=growing
    )


SCHEMAS = st.builds(
    NodeSchema,
    class_type=TEXTS,
    inputs=several(st.recursive(PLAIN | COMBOS, larger, max_leaves=6)),
    outputs=st.lists(st.builds(Output, TEXTS, TEXTS, st.booleans()), max_size=3).map(tuple),
    display_name=st.text(min_size=1),
    category=TEXTS,
    output_node=st.booleans(),
    partner=st.booleans(),
    deprecated=st.booleans(),
    since=TEXTS,
    address=st.none() | TEXTS,
    certain=st.booleans(),
)


@given(SCHEMAS)
def test_what_is_stored_reads_back_the_same(schema):
    stored = json.loads(json.dumps(as_json(schema)))
    assert from_json(schema.class_type, stored, schema.since, schema.address) == schema


@pytest.mark.parametrize(
    "names", [("image_1", "image_2", "image_3"), ("a", "b"), ("x_9", "x_10"), ("x01", "x02"), ("a 1",)]
)
def test_names_of_growing_inputs_read_back_the_same(names):
    entry = InputSchema("images", AUTOGROW, growing=Growing(None, names, 0, len(names), InputSchema("image", "IMAGE")))
    schema = NodeSchema("Some", (entry,), display_name="Some")
    assert from_json("Some", json.loads(json.dumps(as_json(schema))), "", None) == schema


def test_options_with_the_same_inputs_are_stored_once():
    inputs = (InputSchema("size", "INT"),)
    schema = NodeSchema(
        "Some", (InputSchema("mode", DYNAMIC_COMBO, options=(Option("a", inputs), Option("b", inputs))),)
    )
    assert as_json(schema)["in"][0][2]["options"] == {"a": [["size", "INT"]], "b": "a"}


def test_a_title_that_is_the_name_is_left_out():
    assert "display_name" not in as_json(NodeSchema("Some", (), display_name="Some"))
    assert from_json("Some", {"in": [], "out": []}, "", None).display_name == "Some"
