"""Our own declarations against ComfyUI's."""

import pytest

from engine.catalogue.catalogue import Catalogue
from engine.catalogue.installed import schema_of
from engine.plugins.registry import Registry
from schemas.node import MISSING

UNKNOWN = {"UNETLoaderNF4"}
"""Classes of packs of which there is no dump."""
DEFAULTED = {("CLIPLoader", "device"), ("DualCLIPLoader", "device")}
"""Optional choices whose default ComfyUI leaves to the editor, which takes the first."""
UNWIRED = {("ImageCompositeMasked", "mask"), ("ImageCompare", "image_a"), ("ImageCompare", "image_b")}
"""Optional wires, which are None to our nodes if they are left out."""
LEFT_OUT = {("ImageScaleToTotalPixels", "resolution_steps")}
"""Inputs that newer cores require and graphs of 0.3.64 do not have."""
UNDECLARED = {("CustomCombo", "index")}
"""Inputs that the server takes without declaring them."""
PASSED_ON = {"SaveImage", "PreviewImage"}
"""Since core 0.33.0 these hand their pictures on; ours end the graph, as in 0.3.64."""

OWN = Registry.builtin().all()
KNOWN = Catalogue()
SHARED = [spec for spec in OWN if spec.class_type not in UNKNOWN]


def test_every_own_class_is_in_the_table():
    assert {spec.class_type for spec in OWN if KNOWN.find(spec.class_type) is None} == UNKNOWN


def declared(spec):
    return [entry for entry in schema_of(spec).inputs if (spec.class_type, entry.name) not in UNDECLARED]


def settled(ours, theirs):
    """Their type, or ours where theirs is settled only by what is linked."""
    return ours if theirs == "COMFY_MATCHTYPE_V3" else theirs


@pytest.mark.parametrize("spec", SHARED, ids=lambda spec: spec.class_type)
def test_inputs_are_those_of_comfyui(spec):
    ours, theirs = declared(spec), KNOWN.find(spec.class_type).inputs
    assert [(entry.name, entry.type, entry.required) for entry in ours] == [
        (entry.name, settled(own.type, entry.type), entry.required and (spec.class_type, entry.name) not in LEFT_OUT)
        for own, entry in zip(ours, theirs, strict=True)
    ]


@pytest.mark.parametrize("spec", [spec for spec in SHARED if spec.is_dynamic], ids=lambda spec: spec.class_type)
def test_groups_and_options_are_those_of_comfyui(spec):
    for ours, theirs in zip(schema_of(spec).inputs, KNOWN.find(spec.class_type).inputs, strict=True):
        assert [(option.key, facts(option.inputs)) for option in ours.options] == [
            (option.key, facts(option.inputs)) for option in theirs.options
        ]
        if theirs.growing is not None:
            names = theirs.growing.names or [f"{theirs.growing.prefix}{place}" for place in range(theirs.growing.most)]
            assert (list(ours.growing.names), ours.growing.least) == (list(names), theirs.growing.least)
            assert ours.growing.of.type == theirs.growing.of.type


def facts(entries):
    return [
        (entry.name, entry.type, entry.default, entry.choices, entry.minimum, entry.maximum, entry.step)
        for entry in entries
    ]


@pytest.mark.parametrize("spec", SHARED, ids=lambda spec: spec.class_type)
def test_defaults_are_those_of_comfyui(spec):
    theirs = KNOWN.find(spec.class_type).by_name
    ours = [entry for entry in declared(spec) if (spec.class_type, entry.name) not in UNWIRED]
    differing = {entry.name: entry for entry in ours if entry.default != theirs[entry.name].default}
    assert {(spec.class_type, name) for name in differing} <= DEFAULTED
    assert all(theirs[name].default is MISSING for name in differing)
    assert all(theirs[name].choices[0] == entry.default for name, entry in differing.items())


@pytest.mark.parametrize("spec", SHARED, ids=lambda spec: spec.class_type)
def test_outputs_are_those_of_comfyui(spec):
    theirs = KNOWN.find(spec.class_type)
    assert spec.output_node == theirs.output_node
    if spec.class_type not in PASSED_ON:
        assert [(output.socket, output.is_list) for output in spec.outputs] == [
            (settled(own.socket, output.type), output.is_list)
            for own, output in zip(spec.outputs, theirs.outputs, strict=True)
        ]
