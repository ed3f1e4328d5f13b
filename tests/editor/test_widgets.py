"""Saved values become the inputs that ComfyUI's editor would queue, and what is odd is told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.editor.graph import EditorNode, Slot
from engine.editor.widgets import Widgets, has_widget, is_other_options, widgets_of
from schemas.node_schema import AUTOGROW, DYNAMIC_COMBO, Growing, InputSchema, NodeSchema, Option


def combo(name: str, *choices: str, **more: Any) -> InputSchema:
    return InputSchema(name, "COMBO", choices=choices, **more)


SAMPLER = NodeSchema(
    "KSampler",
    (
        InputSchema("model", "MODEL"),
        InputSchema("seed", "INT", default=0, control=True),
        InputSchema("steps", "INT", default=20),
        InputSchema("cfg", "FLOAT", default=8.0),
        combo("sampler_name", "euler", "heun"),
        combo("scheduler", "simple", "normal"),
        InputSchema("latent_image", "LATENT"),
        InputSchema("denoise", "FLOAT", default=1.0),
    ),
)
ENCODER = NodeSchema("CLIPTextEncode", (InputSchema("text", "STRING", multiline=True), InputSchema("clip", "CLIP")))
LOADER = NodeSchema("LoadImageMask", (combo("image", upload=True), combo("channel", "alpha", "red")))
SIZES = Option("sides", (InputSchema("width", "INT", default=512), InputSchema("height", "INT", default=256)))
NESTED = Option("file", (InputSchema("kind", DYNAMIC_COMBO, options=(SIZES, Option("none", ()))),))
RESIZE = NodeSchema(
    "Resize",
    (
        InputSchema("how", DYNAMIC_COMBO, options=(SIZES, Option("factor", (InputSchema("by", "FLOAT"),)), NESTED)),
        combo("method", "area", "bilinear"),
    ),
)
FORCED = NodeSchema(
    "Old", (InputSchema("text", "STRING", forced=True), InputSchema("width", "INT"), InputSchema("height", "INT"))
)
QUEUED = {"seed": 7, "steps": 20, "cfg": 8, "sampler_name": "euler", "scheduler": "normal", "denoise": 1}


def read(schema: NodeSchema | None, values: Any, **more: Any) -> Widgets:
    return widgets_of(EditorNode("1", schema.class_type if schema else "Unknown", values=values, **more), schema)


@pytest.mark.parametrize(
    ("control", "mode"), [("fixed", "fixed"), ("randomize", "randomize"), (True, "randomize"), (False, "fixed")]
)
def test_a_seed_is_followed_by_what_happens_to_it(control: Any, mode: str) -> None:
    found = read(SAMPLER, [7, control, 20, 8, "euler", "normal", 1])
    assert found == Widgets(QUEUED, {"seed": mode})
    assert list(found.values) == list(QUEUED)


def test_without_that_place_the_values_shift_as_in_the_editor_and_it_is_told() -> None:
    found = read(SAMPLER, [7, 20, 8, "euler", "normal", 0.5])
    assert found.values == QUEUED | {
        "steps": 8,
        "cfg": "euler",
        "sampler_name": "normal",
        "scheduler": 0.5,
        "denoise": 1.0,
    }
    assert "shifted by one" in found.remarks[0]


@pytest.mark.parametrize("control", [None, True, "fixed"])
def test_seeds_have_that_place_unless_their_class_says_no(control: bool | str | None) -> None:
    def schema(name: str, control: bool | str | None) -> NodeSchema:
        return NodeSchema("S", (InputSchema(name, "INT", control=control), InputSchema("after", "INT")))

    assert read(schema("noise_seed", control), [1, "fixed", 2]).values == {"noise_seed": 1, "after": 2}
    assert read(schema("noise_seed", False), [1, 2]).values == {"noise_seed": 1, "after": 2}
    assert read(schema("other", None), [1, 2]).values == {"other": 1, "after": 2}


def test_a_list_that_moves_on_has_a_filter_too() -> None:
    schema = NodeSchema("S", (combo("name", "a", "b", control=True), InputSchema("after", "INT")))
    assert read(schema, ["b", "increment", "", 2]) == Widgets({"name": "b", "after": 2}, {"name": "increment"})


def test_nothing_is_converted() -> None:
    found = read(SAMPLER, ["7", "fixed", "20", 3.1000000000000005, "not in the list", "normal", 99])
    assert found.values["seed"] == "7"
    assert found.values["cfg"] == 3.1000000000000005
    assert found.values["denoise"] == 99
    assert found.values["sampler_name"] == "not in the list"
    assert not found.remarks


def test_missing_values_take_defaults_then_first_choices() -> None:
    found = read(SAMPLER, [7, "fixed", 20, 8, "euler"])
    assert found.values == QUEUED | {"scheduler": "simple", "denoise": 1.0}
    assert found.remarks == ["no value is saved for 'scheduler', 'denoise': taken from the defaults of its class"]
    kinds = ("INT", "FLOAT", "STRING", "BOOLEAN", "CURVE")
    empty = NodeSchema("E", tuple(InputSchema(kind, kind) for kind in kinds))
    assert read(empty, None).values == {"INT": 0, "FLOAT": 0.0, "STRING": "", "BOOLEAN": False}


def test_a_missing_file_name_is_not_made_up() -> None:
    found = read(NodeSchema("Loader", (combo("name"),)), [])
    assert found == Widgets({}, remarks=["no value is saved for 'name', and its class has no default"])


def test_surplus_values_are_ignored_and_told_unless_they_are_previews() -> None:
    found = read(SAMPLER, [7, "fixed", 20, 8, "euler", "normal", 1, "xx", 3])
    assert found.values == QUEUED
    assert found.remarks == ["its class has no place for the last 2 saved values, from 'xx' on: ignored"]
    assert not read(SAMPLER, [7, "fixed", 20, 8, "euler", "normal", 1, "", {"url": "x"}, None, "randomize"]).remarks
    assert not read(NodeSchema("PreviewAny", (InputSchema("source", "*"),), output_node=True), ["text", False]).remarks


def test_an_upload_button_stands_behind_all_inputs() -> None:
    assert read(LOADER, ["a.png", "red", "image"]) == Widgets({"image": "a.png", "channel": "red"})


def test_places_of_inputs_forced_to_be_sockets_are_passed_only_if_the_count_says_so() -> None:
    assert read(FORCED, ["", 640, 480]) == Widgets({"width": 640, "height": 480})
    assert read(FORCED, [640, 480]) == Widgets({"width": 640, "height": 480})


def test_a_null_choice_becomes_the_first_and_a_list_in_a_text_box_is_joined() -> None:
    found = read(SAMPLER, [7, "fixed", 20, 8, None, "normal", 1])
    assert found.values == QUEUED
    assert "'sampler_name' is null" in found.remarks[0]
    assert read(NodeSchema("Loader", (combo("name"),)), [None]).values == {}
    assert read(ENCODER, [["x", "y", 1.0, None, True]]).values == {"text": "x,y,1,,true"}
    assert read(ENCODER, [None]).values == {"text": ""}
    assert read(ENCODER, [[["deep"]]]).values == {"text": [["deep"]]}


def test_sampler_names_of_old_files_lose_their_prefix() -> None:
    found = read(SAMPLER, [7, "fixed", 20, 8, "sample_heun", "normal", 1])
    assert found.values["sampler_name"] == "heun"
    assert len(found.remarks) == 1


def test_a_chosen_option_brings_its_inputs_directly_behind_it() -> None:
    assert read(RESIZE, ["factor", 2.0, "area"]).values == {"how": "factor", "how.by": 2.0, "method": "area"}
    assert read(RESIZE, ["file", "sides", 1, 2, "area"]).values == {
        "how": "file",
        "how.kind": "sides",
        "how.kind.width": 1,
        "how.kind.height": 2,
        "method": "area",
    }
    assert list(read(RESIZE, []).values) == ["how", "how.width", "how.height", "method"]


def test_an_unknown_option_is_kept_without_inputs_and_told() -> None:
    found = read(RESIZE, ["rotate", "area"])
    assert found.values == {"how": "rotate", "method": "area"}
    assert "none of its options" in found.remarks[0]


def test_names_in_the_file_help_where_an_option_is_unknown() -> None:
    named = {"how": "rotate", "how.angle": 90, "method": "area"}
    assert read(RESIZE, ["rotate", 90, "area"], named=named).values == named


def test_names_do_not_outweigh_positions() -> None:
    assert read(LOADER, ["a.png", "red"], named={"image": "stale.png", "channel": "red"}).values["image"] == "a.png"


def test_values_by_name_are_taken_by_name() -> None:
    found = read(
        SAMPLER, {"denoise": 0.5, "seed": 7, "videopreview": {}, "other": 1, "control_after_generate": "fixed"}
    )
    assert found.values == QUEUED | {"scheduler": "simple", "denoise": 0.5}
    assert found.controls == {"seed": "fixed"}
    assert found.remarks[1:] == ["its class has no widget 'other': ignored"]


def test_groups_of_widgets_have_places_as_far_as_the_node_shows_them() -> None:
    group = InputSchema("texts", AUTOGROW, growing=Growing("text", (), 1, 9, InputSchema("text", "STRING")))
    images = InputSchema("images", AUTOGROW, growing=Growing("image", (), 1, 9, InputSchema("image", "IMAGE")))
    schema = NodeSchema("G", (images, group, InputSchema("after", "INT")))
    sockets = [Slot("texts.text0", "STRING"), Slot("texts.text1", "STRING")]
    assert read(schema, ["a", "b", 3], inputs=sockets).values == {"texts.text0": "a", "texts.text1": "b", "after": 3}
    assert read(schema, ["a", 3]).values == {"texts.text0": "a", "after": 3}


def test_a_custom_list_works_out_its_index() -> None:
    found = read(NodeSchema("CustomCombo", (combo("choice"),)), ["b", 5, "a", "b", ""])
    assert found.values == {"choice": "b", "index": 1, "option1": "a", "option2": "b", "option3": ""}
    assert read(NodeSchema("CustomCombo", ()), ["x", 0, "a"]).values["index"] == -1


def test_a_custom_list_ends_at_its_first_empty_option() -> None:
    schema = NodeSchema("CustomCombo", (combo("choice"),))
    assert read(schema, ["b", 1, "a", "b"]).values == {
        "choice": "b",
        "index": 1,
        "option1": "a",
        "option2": "b",
        "option3": "",
    }
    assert read(schema, ["c", 2, "a", "", "c"]).values == {"choice": "c", "index": -1, "option1": "a", "option2": ""}
    assert read(schema, [None, 0, "a"]).values == {"choice": "a", "index": 0, "option1": "a", "option2": ""}
    assert read(schema, ["b"]).values == {"choice": "b", "index": -1, "option1": ""}
    assert read(schema, []).values == read(schema, None).values == {"index": -1, "option1": ""}


def test_a_box_for_several_lines_holds_numbers_as_a_browser_writes_them() -> None:
    schema = NodeSchema("Text", (InputSchema("text", "STRING", multiline=True), InputSchema("name", "STRING")))
    saved = [8, 1.5, 1.0, True, 0, 1e-7, 1e21, -2.0]
    assert [read(schema, [value, value]).values["text"] for value in saved] == [
        "8",
        "1.5",
        "1",
        "true",
        "0",
        "1e-7",
        "1e+21",
        "-2",
    ]
    assert [read(schema, [value, value]).values["name"] for value in saved] == saved


def test_inputs_of_options_that_are_not_chosen_are_told_from_unknown_ones() -> None:
    deep = InputSchema("deep", DYNAMIC_COMBO, options=(Option("x", (InputSchema("far", "INT"),)), Option("y", ())))
    options = (Option("one", (InputSchema("width", "INT"),)), Option("two", (InputSchema("factor", "FLOAT"), deep)))
    schema = NodeSchema("Resize", (InputSchema("kind", DYNAMIC_COMBO, options=options),))
    assert is_other_options(schema, "kind.width", {"kind": "two"})
    assert not is_other_options(schema, "kind.width", {"kind": "one"})
    assert not is_other_options(schema, "kind.newer", {"kind": "one"})
    assert not is_other_options(schema, "kind.width", {"kind": "newer"})
    assert not is_other_options(schema, "kind.width", {"kind": ["one"]})
    assert not is_other_options(schema, "other", {"kind": "one"})
    assert is_other_options(schema, "kind.deep.far", {"kind": "two", "kind.deep": "y"})
    assert not is_other_options(schema, "kind.deep.far", {"kind": "two", "kind.deep": "x"})


def test_the_number_fields_of_a_box_are_passed() -> None:
    schema = NodeSchema("Crop", (InputSchema("region", "BOUNDING_BOX"), InputSchema("after", "INT")))
    assert read(schema, [{"x": 1}, 1, 0, 2, 2, 5]) == Widgets({"region": {"x": 1}, "after": 5})


def test_optional_inputs_are_filled_in_without_a_word() -> None:
    schema = NodeSchema("N", (InputSchema("strength", "FLOAT", default=1.0, required=False),))
    assert read(schema, []) == Widgets({"strength": 1.0})


def test_buttons_amid_the_values_of_a_viewer_are_passed() -> None:
    schema = NodeSchema("Load3D", (combo("model_file"), InputSchema("image", "LOAD_3D"), InputSchema("width", "INT")))
    values = ["a.glb", "upload3dmodel", "uploadExtraResources", "clear", "", 1024]
    assert read(schema, values) == Widgets({"model_file": "a.glb", "width": 1024})


def test_an_unknown_class_is_read_by_names_or_sockets_or_not_at_all() -> None:
    sockets = [Slot("seed", "INT", widget="seed"), Slot("image", "IMAGE"), Slot("mode", "COMBO", widget="mode")]
    named = {"seed": 1, "control_after_generate": "fixed", "mode": "x", "videopreview": {}}
    expected = Widgets({"seed": 1, "mode": "x"}, {"seed": "fixed"})
    assert read(None, [1, "fixed", "x"], named=named) == expected
    assert read(None, named) == expected
    assert read(None, [1, "fixed", "x"], inputs=sockets) == expected
    assert read(None, [], inputs=[Slot("image", "IMAGE")]) == Widgets({})
    found = read(None, [1, "fixed", "x", 2], inputs=sockets)
    assert not found.known
    assert found.values == {}
    assert "4 saved values" in found.remarks[0]


def test_a_schema_pieced_together_gives_way_where_it_does_not_fit() -> None:
    guessed = NodeSchema("Guessed", (InputSchema("a", "INT"),), certain=False)
    assert read(guessed, [1, 2], named={"b": 1, "a": 2}).values == {"b": 1, "a": 2}
    assert read(guessed, [1], named={"a": 5}).values == {"a": 1}


def test_widgets_are_told_from_sockets() -> None:
    node = EditorNode("1", "Resize", inputs=[Slot("own", "INT", widget="own"), Slot("image", "IMAGE")])
    asked = ("how", "how.by", "how.kind.width", "method", "own", "image", "nothing")
    assert [name for name in asked if has_widget(node, name, RESIZE)] == [*asked[:5]]
    assert has_widget(node, "own", None)
    assert not has_widget(node, "image", None)
    assert not has_widget(node, "text", FORCED)
    assert not has_widget(node, "model", SAMPLER)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(values=JSON, schema=st.sampled_from([None, SAMPLER, ENCODER, LOADER, RESIZE, FORCED]))
def test_no_value_of_a_file_raises(values: Any, schema: NodeSchema | None) -> None:
    found = read(schema, values)
    assert all(isinstance(name, str) for name in found.values)
    assert all(isinstance(remark, str) for remark in found.remarks)


def test_a_million_values_and_values_of_the_wrong_shape_give_one_remark() -> None:
    assert len(read(SAMPLER, [7, "fixed", 20, 8, "euler", "normal", 1] + [5] * 10**6).remarks) == 1
    assert "neither a list nor names" in read(SAMPLER, "junk").remarks[0]
    assert not read(None, 5).known
