import json
from pathlib import Path

import pytest

from engine.catalogue import catalogue
from engine.catalogue.catalogue import Catalogue
from engine.plugins.registry import Registry
from schemas.node import MISSING, InputSpec, NodeSpec, OutputSpec
from schemas.node_schema import InputSchema
from schemas.widgets import Widget

TABLE = Path(catalogue.__file__).with_name("classes.json")


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return Catalogue()


def test_inputs_come_in_the_order_of_saved_values(known):
    sampler = known.find("KSampler")
    assert [entry.name for entry in sampler.widgets()] == [
        "seed",
        "steps",
        "cfg",
        "sampler_name",
        "scheduler",
        "denoise",
    ]
    assert (sampler.by_name["seed"].control, sampler.by_name["steps"].control) == (True, None)
    assert sampler.by_name["seed"].maximum == 2**64 - 1
    assert sampler.outputs[0].type == "LATENT"


def test_forced_sockets_are_no_widgets(known):
    forced = [entry for name in known.names() for entry in known.find(name).inputs if entry.forced]
    assert forced
    assert not any(entry.is_widget for entry in forced)


def test_an_upload_button_is_known(known):
    assert known.find("LoadImage").by_name["image"].upload


def test_a_default_of_nothing_differs_from_no_default(known):
    assert known.find("CLIPTextEncode").by_name["text"].default is MISSING
    assert known.find("KSampler").by_name["seed"].default == 0


def test_the_release_or_pack_that_brings_a_class_is_known(known):
    assert known.find("SaveImage").since == "core 0.3.64"
    assert known.find("SaveImage").address is None
    assert known.find("UnetLoaderGGUF").since == "ComfyUI-GGUF"
    assert known.find("UnetLoaderGGUF").address == "https://github.com/city96/ComfyUI-GGUF"
    assert known.find("Unheard") is None


def test_output_nodes_and_paid_nodes_are_told(known):
    assert known.find("SaveImage").output_node
    assert not known.find("ImageScale").output_node
    assert known.find("FluxProUltraImageNode").partner


def test_dynamic_combos_hold_the_inputs_of_each_option(known):
    (options,) = [entry.options for entry in known.find("ResizeImageMaskNode").inputs if entry.options]
    assert "width" in [entry.name for option in options for entry in option.inputs]


def test_every_class_of_the_table_can_be_built(known):
    for name in known.names():
        schema = known.find(name)
        assert schema.class_type == name
        assert schema.since
        assert len(schema.by_name) == len(schema.inputs)


def test_the_table_is_json_of_one_class_in_a_line(known):
    assert json.loads(TABLE.read_text("utf-8"))["classes"].keys() == known.names()


def test_an_installed_class_that_the_table_lacks_is_known_by_its_spec():
    inputs = (
        InputSpec("hint", "STRING", required=False, default="", widget=Widget("STRING", multiline=True)),
        InputSpec("image", "IMAGE"),
        InputSpec("seed", "INT", default=3, minimum=0, maximum=9, widget=Widget("INT", control=True)),
    )
    spec = NodeSpec(
        "PackBlur", {entry.name: entry for entry in inputs}, (OutputSpec("image", "IMAGE"),), print, pack="Blurs"
    )
    schema = Catalogue({spec.class_type: spec}).find("PackBlur")
    assert [entry.name for entry in schema.inputs] == ["image", "seed", "hint"]
    assert [entry.name for entry in schema.widgets()] == ["seed", "hint"]
    assert schema.by_name["seed"] == InputSchema("seed", "INT", default=3, minimum=0, maximum=9, control=True)
    assert (schema.since, schema.outputs[0].type) == ("Blurs", "IMAGE")
    assert "PackBlur" in Catalogue({spec.class_type: spec}).names()
    assert "PackBlur" not in Catalogue().names()


def test_the_table_is_asked_before_installed_classes():
    assert Catalogue(Registry.builtin().specs).find("KSampler").since == "core 0.3.64"


def described(*names, pack=None, title="Theirs"):
    module = f"custom_nodes.{pack}" if pack else "nodes"
    info = {"input": {"required": {"x": ["INT", {}]}}, "display_name": title, "python_module": module}
    return dict.fromkeys(names, info)


def test_a_dump_is_asked_before_the_table_and_a_later_before_an_earlier():
    known = Catalogue({}, [described("KSampler", "A"), described("A", title="Later"), described("B")])
    assert [known.find(name).display_name for name in ("KSampler", "A", "B")] == ["Theirs", "Later", "Theirs"]
    assert {"KSampler", "A", "B", "SaveImage"} <= known.names()


def test_the_table_knows_best_where_a_class_is_from():
    known = Catalogue({}, [described("SaveImage", "UnetLoaderGGUF", "PackBlur", pack="blurs"), described("New")])
    assert (known.find("SaveImage").since, known.find("SaveImage").address) == ("core 0.3.64", None)
    assert known.find("UnetLoaderGGUF").since == "ComfyUI-GGUF"
    assert (known.find("PackBlur").since, known.find("PackBlur").address) == ("blurs", "")
    assert (known.find("New").since, known.find("New").address) == ("", None)


def test_a_damaged_entry_is_passed_over_and_remembered():
    known = Catalogue({}, [described("A"), {"A": {"input": 3}, "KSampler": None, "B": []}])
    assert known.find("A").display_name == "Theirs"
    assert known.find("KSampler").since == "core 0.3.64"
    assert known.find("B") is None
    assert known.damaged == {
        "A": "'input' is no object",
        "KSampler": "the entry is no object",
        "B": "the entry is no object",
    }
