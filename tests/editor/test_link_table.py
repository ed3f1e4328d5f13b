"""Inputs that do not name their link are fed as the table of links says, as ComfyUI's frontend 1.58.1 feeds them."""

import copy

import pytest

from engine.catalogue.catalogue import Catalogue
from engine.editor.translating import translate

CATALOGUE = Catalogue()


def node(number, kind, values, **inputs):
    slots = [{"name": name, "type": "*", "link": link} for name, link in inputs.items()]
    return {"id": number, "type": kind, "inputs": slots, "widgets_values": values}


def graph():
    """A sampler with all that feeds it, every input naming its link."""
    return {
        "nodes": [
            node(1, "CheckpointLoaderSimple", ["a"]),
            node(2, "CLIPTextEncode", ["pos"], clip=2),
            node(3, "CLIPTextEncode", ["neg"], clip=3),
            node(4, "EmptyLatentImage", [64, 64, 1]),
            node(
                5,
                "KSampler",
                [7, "fixed", 20, 8, "euler", "normal", 1],
                model=1,
                positive=5,
                negative=6,
                latent_image=7,
            ),
        ],
        "links": [
            [1, 1, 0, 5, 0, "MODEL"],
            [2, 1, 1, 2, 0, "CLIP"],
            [3, 1, 1, 3, 0, "CLIP"],
            [5, 2, 0, 5, 1, "CONDITIONING"],
            [6, 3, 0, 5, 2, "CONDITIONING"],
            [7, 4, 0, 5, 3, "LATENT"],
        ],
    }


def converted(raw):
    return translate("file", raw, CATALOGUE)


def prompt(raw):
    return converted(raw).prompt.as_json()


WHOLE = prompt(graph())


def forgotten(raw):
    for each in raw["nodes"]:
        for slot in each["inputs"]:
            slot["link"] = None


def unnamed(raw):
    for each in raw["nodes"]:
        each.pop("inputs")


def dangling(raw):
    raw["nodes"][4]["inputs"][1]["link"] = 777


def turned(raw):
    raw["nodes"][4]["inputs"].reverse()
    raw["nodes"][4]["inputs"][0]["link"] = None


@pytest.mark.parametrize("damage", [forgotten, unnamed, dangling, turned])
def test_the_table_says_what_inputs_do_not(damage):
    raw = graph()
    damage(raw)
    assert prompt(raw) == WHOLE
    assert any("the table of links alone tells what feeds" in note for note in converted(raw).notes)


def test_an_input_that_names_its_link_counts_more_than_the_table():
    raw = graph()
    raw["links"].insert(0, [500, 3, 0, 5, 1, "CONDITIONING"])
    assert prompt(raw) == WHOLE
    raw["links"][4][4] = 3
    assert prompt(raw) == WHOLE
    assert not any("table" in note for note in converted(raw).notes)


def test_of_two_links_to_a_free_input_the_first_one_counts():
    raw = graph()
    raw["nodes"][4]["inputs"][1]["link"] = None
    raw["links"].insert(0, [500, 3, 0, 5, 1, "CONDITIONING"])
    assert prompt(raw)["5"]["inputs"]["positive"] == ["3", 0]


def test_widgets_are_counted_behind_sockets():
    raw = graph()
    raw["nodes"].append(node(6, "PrimitiveInt", [55, "fixed"]))
    raw["links"].append([8, 6, 0, 5, 5, "INT"])
    assert prompt(raw)["5"]["inputs"]["steps"] == ["6", 0]


def test_beyond_the_last_input_a_link_means_nothing():
    raw = graph()
    raw["links"] += [[8, 4, 0, 5, 99, "LATENT"], [9, 4, 0, 5, -1, "LATENT"], [10, 4, 0, 77, 0, "LATENT"]]
    assert prompt(raw) == WHOLE


def test_a_class_that_nobody_knows_has_the_inputs_that_the_file_lists():
    raw = graph()
    raw["nodes"].append(node(6, "NobodyKnowsThis", [], first=None, second=None))
    raw["links"].append([8, 4, 0, 6, 1, "LATENT"])
    assert prompt(raw)["6"]["inputs"] == {"second": ["4", 0]}


def test_a_subgraph_is_linked_by_its_definition_and_its_inside_by_its_own_table():
    raw = graph()
    raw["definitions"] = {"subgraphs": [encoder()]}
    raw["nodes"][1] = {"id": 2, "type": "enc", "widgets_values": ["pos"]}
    found = prompt(raw)
    assert found["2:9"]["inputs"] == {"text": "pos", "clip": ["1", 1]}
    assert found["5"]["inputs"]["positive"] == ["2:9", 0]


def encoder():
    ends = [[101, "-10", 0, 9, 0, "CLIP"], [102, "-10", 1, 9, 1, "STRING"], [103, 9, 0, "-20", 0, "CONDITIONING"]]
    return {
        "id": "enc",
        "name": "Encode",
        "nodes": [node(9, "CLIPTextEncode", ["inner"])],
        "links": copy.deepcopy(ends),
        "inputs": [
            {"name": "clip", "type": "CLIP", "linkIds": [101]},
            {"name": "text", "type": "STRING", "linkIds": [102]},
        ],
        "outputs": [{"name": "CONDITIONING", "type": "CONDITIONING", "linkIds": [103]}],
    }


def test_of_two_links_to_an_output_of_a_subgraph_the_first_in_the_table_counts():
    inside = encoder()
    inside["nodes"].append(node(8, "CLIPTextEncode", ["other"], clip=104))
    inside["links"] += [[104, "-10", 0, 8, 0, "CLIP"], [105, 8, 0, "-20", 0, "CONDITIONING"]]
    inside["outputs"][0]["linkIds"] = [105, 103]
    raw = graph()
    raw["definitions"] = {"subgraphs": [inside]}
    raw["nodes"][1] = {"id": 2, "type": "enc", "widgets_values": ["pos"]}
    assert prompt(raw)["5"]["inputs"]["positive"] == ["2:9", 0]


def test_of_two_links_of_one_id_the_first_one_counts():
    raw = graph()
    raw["links"].append([1, 4, 0, 5, 0, "LATENT"])
    assert prompt(raw) == WHOLE
