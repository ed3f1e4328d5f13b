from schemas.node import MISSING
from tests.catalogue.believing import believed


def inputs_of(declared, certain=True, **info):
    return believed("Some", {"input": declared, **info}, certain).inputs


def test_pieced_together_ranges_are_not_believed():
    declared = {"required": {"size": ["INT", {"min": -1e18, "max": 1e18, "step": 8}]}}
    (entry,) = inputs_of(declared, certain=False)
    assert (entry.minimum, entry.maximum, entry.step) == (None, None, None)


def test_typed_texts_that_look_like_choices_are_text():
    declared = {"required": {"prompt": ["COMBO", {"options": ["a cat\nin the rain", "a dog"]}]}}
    (entry,) = inputs_of(declared, certain=False)
    assert (entry.type, entry.choices, entry.default) == ("STRING", (), MISSING)


def test_ranges_of_paid_classes_are_left_out_also_inside_options():
    inner = {"key": "a", "inputs": {"required": {"size": ["INT", {"min": 1, "max": 3}]}}}
    declared = {"required": {"mode": ["COMFY_DYNAMICCOMBO_V3", {"options": [inner]}]}}
    (paid,), (free,) = inputs_of(declared, api_node=True), inputs_of(declared)
    assert [entry.options[0].inputs[0].maximum for entry in (paid, free)] == [None, 3]
