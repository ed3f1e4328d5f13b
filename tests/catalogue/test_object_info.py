import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalogue.object_info import ANY, MOST_GROWN, Damaged, node_schema, read_file
from engine.errors import GraphInvalid
from schemas.node_schema import AUTOGROW, DYNAMIC_COMBO, Growing, InputSchema, Output


def inputs_of(declared, **info):
    return node_schema("Some", {"input": declared, **info}).inputs


def test_the_stated_order_counts_and_then_the_declared_one():
    declared = {"optional": {"late": ["MASK"]}, "required": {"b": ["MODEL"], "a": ["CLIP"], "c": ["VAE"]}}
    assert [entry.name for entry in inputs_of(declared)] == ["b", "a", "c", "late"]
    order = {"required": ["a", "b"], "optional": ["late"]}
    assert [entry.name for entry in inputs_of(declared, input_order=order)] == ["a", "b", "c", "late"]


def test_lists_and_named_combos_are_alike():
    listed, named = inputs_of({"required": {"a": [["x", "y"]], "b": ["COMBO", {"options": ["x", "y"]}]}})
    assert listed == InputSchema("a", "COMBO", choices=("x", "y"))
    assert named == InputSchema("b", "COMBO", choices=("x", "y"))


def test_the_type_of_the_widget_overrides_that_of_the_wire():
    (entry,) = inputs_of({"required": {"rate": ["FLOAT,INT", {"widgetType": "FLOAT"}]}})
    assert entry.is_widget


def test_hidden_inputs_take_no_part():
    assert inputs_of({"hidden": {"prompt": ["PROMPT"]}}) == ()


def test_options_of_a_dynamic_combo_may_nest():
    inner = {"key": "deep", "inputs": {"required": {"x": ["INT", {"default": 1}]}}}
    nested = ["COMFY_DYNAMICCOMBO_V3", {"options": [inner]}]
    (entry,) = inputs_of(
        {
            "required": {
                "mode": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {"key": "a", "inputs": {"optional": {"late": ["MASK"]}, "required": {"more": nested}}}
                        ]
                    },
                ]
            }
        }
    )
    (option,) = entry.options
    assert [inside.name for inside in option.inputs] == ["more", "late"]
    assert option.inputs[0].options[0].inputs == (InputSchema("x", "INT", default=1),)


def test_growing_inputs_count_or_have_names():
    image = {"input": {"required": {"image": ["IMAGE"]}}}
    counted, named = inputs_of(
        {
            "required": {
                "images": ["COMFY_AUTOGROW_V3", {"template": {**image, "prefix": "image", "min": 2, "max": 5}}],
                "others": ["COMFY_AUTOGROW_V3", {"template": {**image, "names": ["a", "b"], "min": 0}}],
            }
        }
    )
    assert counted.growing == Growing("image", (), 2, 5, InputSchema("image", "IMAGE"))
    assert named.growing == Growing(None, ("a", "b"), 0, 2, InputSchema("image", "IMAGE"))


def test_outputs_without_a_name_have_that_of_their_type():
    info = {"output": ["IMAGE", ["a", "b"], "MASK"], "output_name": ["IMAGE", None, "mask"], "output_is_list": [True]}
    assert node_schema("Some", info).outputs == (
        Output("IMAGE", "IMAGE", True),
        Output("COMBO", "COMBO"),
        Output("mask", "MASK"),
    )


def test_options_and_sections_of_nothing_are_none():
    info = {"input": {"required": None, "optional": {"a": ["INT"], "b": ["INT", None], "c": "MODEL"}}, "output": None}
    assert [(entry.name, entry.type) for entry in node_schema("Some", info).inputs] == [
        ("a", "INT"),
        ("b", "INT"),
        ("c", "MODEL"),
    ]
    assert node_schema("Some", {}).inputs == ()


def test_what_means_nothing_in_an_option_is_left_out():
    odd = {"min": "0", "max": float("inf"), "step": True, "widgetType": 3, "control_after_generate": 1, "multiline": 0}
    (entry,) = inputs_of({"required": {"a": ["INT", odd]}}, input_order={"required": [3, "x", "a", "a"]})
    assert entry == InputSchema("a", "INT", control=True)


def test_a_range_may_end_where_no_float_does():
    (entry,) = inputs_of({"required": {"a": ["INT", {"max": 10**400}]}})
    assert entry.maximum == 10**400


def test_groups_do_not_grow_without_end():
    template = {"input": {"required": {"image": ["IMAGE"]}}, "prefix": "image", "min": 10**12, "max": 10**12}
    (entry,) = inputs_of({"required": {"images": [AUTOGROW, {"template": template}]}})
    assert (entry.growing.least, entry.growing.most) == (MOST_GROWN, MOST_GROWN)


def test_outputs_of_strange_types_are_of_any():
    assert node_schema("Some", {"output": [{}, 3], "output_name": 7}).outputs == (Output(ANY, ANY), Output(ANY, ANY))


def test_the_module_tells_the_pack():
    ours, theirs = (node_schema("Some", {"python_module": name}) for name in ("nodes", "custom_nodes.KJ-Nodes"))
    assert (ours.since, ours.address) == ("", None)
    assert (theirs.since, theirs.address) == ("KJ-Nodes", "")


def nested(levels):
    declared = {"required": {"x": ["INT"]}}
    for _ in range(levels):
        declared = {"required": {"mode": [DYNAMIC_COMBO, {"options": [{"key": "a", "inputs": declared}]}]}}
    return declared


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ("text", "the entry is no object"),
        ({"input": []}, "'input' is no object"),
        ({"input": {"required": ["a"]}}, "'required' is no object"),
        ({"input": {"required": {"a": [{}]}}}, "the type of its input 'a' is neither a name nor a list"),
        ({"input": {"optional": {"a": []}}}, None),
        ({"input": {"required": {"a": [DYNAMIC_COMBO, {"options": ["x"]}]}}}, "an option of its input 'a' has no key"),
        ({"input": {"required": {"a": [AUTOGROW, {"template": {}}]}}}, "it cannot be told how its input 'a' grows"),
        ({"input": {"required": {"a": [AUTOGROW, {}]}}}, "it cannot be told how its input 'a' grows"),
        ({"input": nested(50)}, "its inputs are nested more than 16 levels deep"),
    ],
)
def test_an_entry_whose_inputs_cannot_be_told_is_damaged(info, said):
    if said is None:
        assert node_schema("Some", info).inputs[0].choices == ()
        return
    with pytest.raises(Damaged) as error:
        node_schema("Some", info)
    assert str(error.value) == said


KEYS = st.sampled_from(
    ["input", "required", "optional", "options", "template", "key", "inputs", "names", "min", "max", "output", "a"]
    + ["output_name", "input_order", "default", "python_module", "prefix", "widgetType", "control_after_generate"]
)
TYPES = st.sampled_from(["INT", "COMBO", DYNAMIC_COMBO, AUTOGROW, "*", ""])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TYPES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, ODD, max_size=4) | ODD)
def test_whatever_stands_in_an_entry_it_is_read_or_damaged(info):
    with suppress(Damaged):
        assert all(isinstance(entry.type, str) for entry in node_schema("Some", info).inputs)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_in_whatever_unicode_it_is_written(tmp_path, encoding):
    path = tmp_path / "info.json"
    path.write_text(json.dumps({"Some": {"input": {}, "display_name": "Größe"}}, ensure_ascii=False), encoding)
    assert read_file(path)["Some"]["display_name"] == "Größe"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is nested too deeply"),
        ("[]", "no class in it has inputs"),
        ('{"1": {"class_type": "KSampler", "inputs": {}}}', "no class in it has inputs"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, said):
    path = tmp_path / "info.json"
    path.write_text(text)
    with pytest.raises(GraphInvalid) as error:
        read_file(path)
    (problem,) = error.value.problems
    assert (problem.code, problem.field) == ("bad-file", "object_info")
    assert said in problem.said
    assert "8188/object_info" in problem.fix


def test_a_file_that_is_gone_is_refused():
    with pytest.raises(GraphInvalid, match="cannot be read"):
        read_file(Path("nowhere.json"))
