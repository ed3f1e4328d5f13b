"""A shape is what a step is apart from its seeds and texts."""

from typing import Any

import pytest

from engine.graph.values import BoundNode, bind
from engine.planning.shapes import graph_shape, shapes_of
from engine.plugins.registry import Registry
from schemas.prompt import Prompt
from tests.planning.fakes import bound_of

GRAPH: dict[str, Any] = {
    "model": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux.safetensors", "weight_dtype": "default"}},
    "clip": {"class_type": "CLIPLoader", "inputs": {"clip_name": "t5.safetensors", "type": "stable_diffusion"}},
    "text": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["clip", 0], "text": "a cat"}},
    "empty": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    "sample": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["model", 0], "positive": ["text", 0], "negative": ["text", 0], "latent_image": ["empty", 0],
            "seed": 1, "steps": 4, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0,
        },
    },
}  # fmt: skip


def changed(node: str, **inputs: Any) -> dict[str, Any]:
    return GRAPH | {node: {**GRAPH[node], "inputs": {**GRAPH[node]["inputs"], **inputs}}}


def shapes(graph: dict[str, Any]) -> dict[str, str]:
    bound: dict[str, BoundNode] = bind(Prompt.model_validate({"nodes": graph}), Registry.builtin())
    return shapes_of(bound, graph)


def test_seeds_and_texts_are_not_in_a_shape():
    assert shapes(changed("sample", seed=99)) == shapes(GRAPH)
    assert shapes(changed("text", text="a dog")) == shapes(GRAPH)


@pytest.mark.parametrize(
    ("node", "inputs", "touched"),
    [
        ("sample", {"steps": 5}, {"sample"}),
        ("sample", {"sampler_name": "heun"}, {"sample"}),
        ("empty", {"width": 128}, {"empty", "sample"}),
        ("model", {"unet_name": "other.safetensors"}, {"model", "sample"}),
        ("clip", {"clip_name": "other.safetensors"}, {"clip", "text", "sample"}),
    ],
)
def test_numbers_choices_and_files_change_a_shape_and_those_behind_it(node, inputs, touched):
    before, now = shapes(GRAPH), shapes(changed(node, **inputs))
    assert {name for name in before if before[name] != now[name]} == touched


def test_names_of_nodes_are_not_in_a_shape():
    one = {"a": {"class_type": "ToyNumber", "inputs": {"value": 1}}}
    other = {"b": {"class_type": "ToyNumber", "inputs": {"value": 1}}}
    assert shapes_of(bound_of(one), one)["a"] == shapes_of(bound_of(other), other)["b"]


def test_a_graph_has_one_shape_whatever_the_order_and_number_of_its_steps():
    assert graph_shape(["a", "b", "b"]) == graph_shape(["b", "a"]) != graph_shape(["a"])
