from schemas.node import MISSING
from schemas.node_schema import Growing, InputSchema, Output
from tests.catalogue.object_info import node_schema


def inputs_of(declared, certain=True, **info):
    return node_schema("Some", {"input": declared, **info}, certain).inputs


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


def test_pieced_together_ranges_are_not_believed():
    declared = {"required": {"size": ["INT", {"min": -1e18, "max": 1e18, "step": 8}]}}
    (entry,) = inputs_of(declared, certain=False)
    assert (entry.minimum, entry.maximum, entry.step) == (None, None, None)


def test_typed_texts_that_look_like_choices_are_text():
    declared = {"required": {"prompt": ["COMBO", {"options": ["a cat\nin the rain", "a dog"]}]}}
    (entry,) = inputs_of(declared, certain=False)
    assert (entry.type, entry.choices, entry.default) == ("STRING", (), MISSING)


def test_outputs_without_a_name_have_that_of_their_type():
    info = {"output": ["IMAGE", ["a", "b"], "MASK"], "output_name": ["IMAGE", None, "mask"], "output_is_list": [True]}
    assert node_schema("Some", info).outputs == (
        Output("IMAGE", "IMAGE", True),
        Output("COMBO", "COMBO"),
        Output("mask", "MASK"),
    )
