"""What check says of the literals of a node."""

import pytest

from engine.graph.check import examine
from engine.plugins.registry import Registry
from tests.graph.fakes import FakeFolders, codes, node, problems, shown, workflow

WIDGETS = {"whole": 1, "real": 0.5, "text": "hi", "toggle": True, "colour": "red"}


def widgets(**changed):
    return shown("ToyWidgets", **{**WIDGETS, **changed})


def only(nodes, **options):
    found = problems(nodes, **options)
    assert len(found) == 1, found
    return found[0]


def test_sound_graph_has_no_problem():
    assert problems(widgets()) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"whole": "20"},
        {"whole": 20.0},
        {"whole": True},
        {"real": 1},
        {"real": "1.5"},
        {"text": 5},
        {"toggle": 0},
        {"toggle": "x"},
        {"text": {"__value__": "hi"}},
        {"text": {"__type__": "STRING", "__value__": "hi"}},
    ],
)
def test_literals_convert_as_comfyui_does(changed):
    assert problems(widgets(**changed)) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"whole": "many"}, "whole"),
        ({"whole": None}, "whole"),
        ({"whole": {}}, "whole"),
        ({"real": "NaN"}, "real"),
        ({"real": float("nan")}, "real"),
        ({"whole": float("inf")}, "whole"),
        ({"text": None}, "text"),
        ({"text": {"a": 1}}, "text"),
        ({"text": ["a", "b"]}, "text"),
        ({"text": []}, "text"),
        ({"toggle": None}, "toggle"),
    ],
)
def test_literal_of_wrong_type_is_named_with_its_field(changed, field):
    found = only(widgets(**changed))
    assert (found.code, found.node, found.class_type, found.field) == ("wrong-type", "1", "ToyWidgets", field)
    assert found.fix


@pytest.mark.parametrize("value", [2_000_000, -2_000_000, 10**400])
def test_number_out_of_range_tells_the_bounds(value):
    found = only(widgets(whole=value))
    assert found.code == "out-of-range"
    assert "from -1000000 to 1000000" in found.fix


def test_infinity_is_out_of_range_where_there_is_one():
    assert only(widgets(real=float("inf"))).code == "out-of-range"


def test_unknown_choice_names_the_nearest_and_lists_the_few():
    found = only(widgets(colour="gren"))
    assert found.code == "unknown-choice"
    assert found.said == "there is no choice 'gren'."
    assert found.fix == "Did you mean 'green'? Choose from: red, green, blue."


def test_unknown_choice_is_found_for_values_that_are_no_text():
    assert codes(widgets(colour=5)) == ["unknown-choice"]


def test_missing_input_says_its_default():
    inputs = {name: value for name, value in WIDGETS.items() if name != "whole"}
    found = only(shown("ToyWidgets", **inputs))
    assert (found.code, found.field) == ("missing-input", "whole")
    assert '"whole": 1' in found.fix


def test_missing_wire_names_an_output_that_would_fit():
    nodes = {"a": node("ToySource", name="t"), "keep": node("ToyKeep")}
    found = only(nodes)
    assert found.code == "missing-input"
    assert '["a", 0] (ToySource)' in found.fix


def test_missing_wire_is_not_told_to_close_a_cycle():
    found = only({"a": node("ToyPass"), "keep": node("ToyKeep", token=["a", 0])})
    assert "would fit" not in found.fix


def test_optional_inputs_may_be_missing_and_optional_wires_null():
    nodes = {"a": node("ToySource", name="t"), "b": node("ToyMerge", first=["a", 0], second=None)}
    assert problems({**nodes, "keep": node("ToyKeep", token=["b", 0])}) == []


def test_unknown_input_names_the_nearest():
    found = only(widgets(colr="red"))
    assert (found.code, found.field, found.found) == ("unknown-input", "colr", "red")
    assert "'colour'" in found.fix


@pytest.mark.parametrize("name", ["old_widget", "upload", "control_after_generate", "speak_and_recognation"])
def test_noise_of_old_exports_is_no_problem(name):
    assert problems(widgets(**{name: [False, True]})) == []


def test_value_cannot_stand_for_a_wire():
    found = only({"keep": node("ToyKeep", token="t")})
    assert found.code == "wrong-type"
    assert "TOY" in found.said


def test_value_may_stand_where_anything_goes():
    assert problems({"show": node("ToyShow", value=5)}) == []


def test_list_that_is_no_link_is_told_so():
    found = only({"show": node("ToyShow", value=[1, 2, 3])})
    assert found.code == "wrong-type"
    assert "no link" in found.said


def test_wrapped_list_is_a_value():
    assert problems({"show": node("ToyShow", value={"__value__": ["1", 0]})}) == []


def test_missing_file_names_folders_and_near_names():
    found = only(shown("ToyModel", ckpt_name="b.safetensors"), folders=FakeFolders({"checkpoints": ["bb.safetensors"]}))
    assert found.code == "missing-file"
    assert "/models/checkpoints" in found.said
    assert found.fix == "Did you mean 'bb.safetensors'?"


def test_missing_file_in_another_folder_is_told():
    folders = FakeFolders({"checkpoints": [], "vae": ["b.safetensors"]})
    assert "folder for vae" in only(shown("ToyModel", ckpt_name="b.safetensors"), folders=folders).fix


def test_missing_file_without_folder_asks_for_one():
    found = only(shown("ToyModel", ckpt_name="b.safetensors"), folders=FakeFolders({}))
    assert "no folder for checkpoints" in found.said
    assert "--models" in found.fix


def test_backslashes_in_file_names_are_slashes():
    folders = FakeFolders({"checkpoints": ["flux/dev.safetensors"]})
    assert problems(shown("ToyModel", ckpt_name="flux\\dev.safetensors"), folders=folders) == []


@pytest.mark.parametrize("name", ["", "a" * 300, "a\0b", "../" * 2000, "\\" * 5000])
def test_names_no_file_system_takes_are_missing_without_being_asked_for(name):
    class Raising(FakeFolders):
        def has(self, folder, name):
            raise OSError(36, "File name too long")

    assert codes(shown("ToyModel", ckpt_name=name), folders=Raising()) == ["missing-file"]


def test_missing_picture_is_told():
    found = only(shown("ToyPicture", image="dog.png"))
    assert found.code == "missing-file"
    assert problems(shown("ToyPicture", image="cat.png")) == []


def test_all_problems_of_all_nodes_are_told_at_once():
    nodes = {
        "1": node("ToyWidgets", whole="x", real=99, text="a", toggle=True, colour="pink", colr=1),
        "2": node("ToyAdd", a=["1", 0]),
        "3": node("Unheard"),
        "show": node("ToyShow", value=["2", 0]),
        "other": node("ToyShow", value=["3", 0]),
    }
    assert codes(nodes) == [
        "wrong-type",
        "out-of-range",
        "unknown-choice",
        "unknown-input",
        "missing-input",
        "unknown-class",
    ]


def test_a_choice_that_only_a_newer_comfyui_has_is_unavailable_not_unknown():
    registry = Registry.builtin()
    nodes = {"1": node("DualCLIPLoader", clip_name1="a", clip_name2="b", type="ace", device="default")}
    found = examine(workflow(nodes), registry, FakeFolders()).problems
    (told,) = [problem for problem in found if problem.field == "type"]
    assert (told.code, told.said) == ("unavailable", "'ace' is not available in this version.")
