"""Every node we ship is declared as ComfyUI 0.3.64 or a node pack declares it (facts from /object_info).

packs.json: ComfyUI-GGUF (city96), ComfyUI_bitsandbytes_NF4 (comfyanonymous), and UNETLoaderNF4 of
ComfyUI_bnb_nf4_fp4_Loaders (silveroxides), whose bnb_dtype other forks have not, so that it may be left out.
"""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

import nodes
from schemas.node import MISSING, InputSpec, NodeSpec

FACTS: dict[str, Any] = {
    name: facts
    for file in ("core_0.3.64.json", "core_0.33.0.json", "packs.json")
    for name, facts in json.loads((Path(__file__).parent / file).read_text()).items()
}
SPECS: dict[str, NodeSpec] = {
    node.__name__: node.spec() for module in nodes.MODULES for node in importlib.import_module(module).NODES
}

LATER: dict[str, Any] = {
    kind: {"output": ["IMAGE"], "output_name": ["images"], "output_is_list": [False]}
    for kind in ("SaveImage", "PreviewImage")
} | {"PreviewAny": {"output": ["STRING"], "output_name": ["STRING"], "output_is_list": [False]}}
"""What ComfyUI 0.33.0 declares otherwise."""
ADDED: dict[str, Any] = {
    "ImageScaleToTotalPixels": {"optional": {"resolution_steps": ["INT", {"min": 1, "max": 256}]}},
    "CustomCombo": {"optional": {"index": ["INT", {}]}},
}
"""Inputs that ComfyUI 0.33.0 has besides, and that older graphs leave out; or that it takes without declaring them."""


def facts_of(input_spec: InputSpec) -> list[Any]:
    """An InputSpec in the words of object_info."""
    options: dict[str, Any] = {}
    widget = input_spec.widget
    if input_spec.default is not MISSING and input_spec.required:
        options["default"] = input_spec.default
    options |= {"min": input_spec.minimum} if input_spec.minimum is not None else {}
    options |= {"max": input_spec.maximum} if input_spec.maximum is not None else {}
    if widget:
        options |= {"step": widget.step} if widget.step else {}
        options |= {"multiline": True} if widget.multiline else {}
        options |= {"control_after_generate": True} if widget.control else {}
    kind: Any = list(input_spec.choices) if input_spec.choices else input_spec.socket
    return expected_facts(["FILE" if widget and widget.folder else kind, options])


def expected_facts(raw: list[Any]) -> list[Any]:
    """object_info's entry without what says nothing."""
    return [raw[0], {name: value for name, value in raw[1].items() if value is not False}]


def test_the_facts_cover_exactly_the_nodes_we_ship() -> None:
    assert set(FACTS) == set(SPECS)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_inputs_are_named_ordered_bounded_and_defaulted_as_in_comfyui(name: str) -> None:
    sections = FACTS[name]["input"] | ADDED.get(name, {})
    wanted = {key: raw for section in sections.values() for key, raw in section.items()}
    ours = SPECS[name].inputs
    assert list(ours) == list(wanted)
    for key, raw in wanted.items():
        assert facts_of(ours[key]) == expected_facts(raw), key
        assert ours[key].required == (key in sections.get("required", {}))


@pytest.mark.parametrize("name", sorted(SPECS))
def test_outputs_category_and_title_are_those_of_comfyui(name: str) -> None:
    facts, spec = FACTS[name] | LATER.get(name, {}), SPECS[name]
    assert [output.socket for output in spec.outputs] == facts["output"]
    assert [output.name for output in spec.outputs] == facts["output_name"]
    assert [output.is_list for output in spec.outputs] == facts["output_is_list"]
    assert (spec.output_node, spec.category) == (facts["output_node"], facts["category"])
    assert spec.display_name == (facts["display_name"] or name)
