import copy
import itertools

import pytest

from engine.catalogue.catalogue import Catalogue
from schemas.node import MISSING
from schemas.prompt import link_of
from tests.conversion import truths
from tests.conversion.judge import differences, equal, needed

CATALOGUE = Catalogue()
PROMPT = next(pair.prompt for pair in truths.pairs() if pair.name == "ex__controlnet__controlnet_example")
SUBGRAPHS = truths.archive()["frontend"]["tpl/image_flux2_klein_image_edit_9b_base"]


def judged(ours, truth):
    return differences(ours, truth, CATALOGUE)


def renamed(prompt, number):
    """The same prompt with other ids, in another order."""
    names = {name: f"n{(place * 7 + number) % 1009}" for place, name in enumerate(prompt)}
    found = {}
    for name in reversed(prompt):
        node = copy.deepcopy(prompt[name])
        for field, value in node["inputs"].items():
            if link_of(value):
                node["inputs"][field] = [names[value[0]], value[1]]
        found[names[name]] = node
    return found


def places(prompt, *, links):
    """(node, input) of what counts."""
    needing = needed(prompt, CATALOGUE.find)
    return [
        (name, field)
        for name in needing
        for field, value in prompt[name]["inputs"].items()
        if bool(link_of(value)) == links and field not in ("upload", "choose file to upload")
    ]


@pytest.mark.parametrize("truth", [PROMPT, SUBGRAPHS], ids=["flat", "unfolded"])
class TestStrictness:
    def test_a_prompt_equals_itself_and_itself_under_other_ids(self, truth):
        assert judged(copy.deepcopy(truth), truth) == []
        assert judged(renamed(truth, 3), truth) == []

    def test_any_other_value_is_told(self, truth):
        for (node, field), other in itertools.product(places(truth, links=False), ("other", -17, None, True)):
            ours = copy.deepcopy(truth)
            if not equal(ours[node]["inputs"][field], other):
                ours[node]["inputs"][field] = other
                assert judged(ours, truth), (node, field, other)
                assert judged(renamed(ours, 5), truth), (node, field, other)

    def test_a_missing_value_is_told(self, truth):
        for node, field in places(truth, links=False) + places(truth, links=True):
            ours = copy.deepcopy(truth)
            del ours[node]["inputs"][field]
            assert judged(ours, truth), (node, field)
            assert judged(renamed(ours, 5), truth), (node, field)

    def test_any_other_end_of_a_link_is_told(self, truth):
        for node, field in places(truth, links=True):
            origin, slot = truth[node]["inputs"][field]
            for other in [[origin, slot + 1], *([name, slot] for name in truth if name != origin)]:
                ours = copy.deepcopy(truth)
                ours[node]["inputs"][field] = other
                assert judged(ours, truth), (node, field, other)

    def test_a_missing_node_and_one_too_much_are_told(self, truth):
        for node in needed(truth, CATALOGUE.find):
            ours = copy.deepcopy(truth)
            del ours[node]
            assert judged(ours, truth), node
            assert judged(truth, ours), node

    def test_another_class_is_told(self, truth):
        for node in needed(truth, CATALOGUE.find):
            ours = copy.deepcopy(truth)
            ours[node]["class_type"] = "CLIPSetLastLayer"
            assert judged(ours, truth), node


def small(**sampler):
    """A picture from noise; `sampler`: inputs of its sampler."""
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "cat", "clip": ["1", 1]}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}},
        "4": {"class_type": "KSampler", "inputs": {"positive": ["2", 0], "negative": ["3", 0], "cfg": 7.0, **sampler}},
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["5", 0]}},
    }


def test_numbers_are_one_whatever_their_type_but_truth_values_and_texts_are_not():
    assert judged(small(steps=20.0), small(steps=20)) == []
    assert judged(small(steps=True), small(steps=1))
    assert judged(small(steps="20"), small(steps=20))


def test_an_input_too_much_may_only_hold_its_default():
    assert judged(small(denoise=1), small()) == []
    assert judged(small(denoise=0.5), small()) == ["4 KSampler.denoise: 0.5 too much"]
    assert judged(small(model=["1", 0]), small()) == ["4 KSampler.model: ['1', 0] too much"]
    assert judged(small(), small(denoise=1)) == ["4 KSampler.denoise: 1 missing"]


def test_what_no_output_needs_may_differ_and_what_one_needs_may_not():
    spare = {"9": {"class_type": "CLIPTextEncode", "inputs": {"text": "unused", "clip": ["1", 1]}}}
    assert judged(small() | spare, small()) == []
    assert judged(small(), small() | spare) == []
    save = {"9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "y", "images": ["5", 0]}}}
    assert judged(small() | save, small()) == ["9 SaveImage: too much"]
    assert judged(small(), small() | save) == ["9 SaveImage: missing"]


def test_two_equal_nodes_are_not_one_shared_node():
    apart, shared = small(), small()
    apart["3"]["inputs"]["text"] = "cat"
    shared["4"]["inputs"]["negative"] = ["2", 0]
    assert judged(shared, apart)
    assert judged(renamed(apart, 1), shared)


def test_swapped_texts_are_told():
    swapped = small(positive=["3", 0], negative=["2", 0])
    assert judged(swapped, small())


def test_outputs_that_look_alike_are_paired_by_what_feeds_them():
    two = small() | {"7": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["8", 0]}}}
    two["8"] = {"class_type": "ImageInvert", "inputs": {"image": ["5", 0]}}
    ours = renamed(two, 2)
    assert judged(ours, two) == []
    assert judged(dict(reversed(ours.items())), two) == []


def test_a_class_the_frontend_did_not_know_is_judged_by_its_links():
    truth, ours = small(), small()
    truth["6"] = {"class_type": None, "inputs": {"UNKNOWN": 3, "images": ["5", 0]}}
    ours["6"] = {"class_type": "NobodyKnowsThis", "inputs": {"images": ["5", 0], "count": 3}}
    assert judged(ours, truth) == []
    ours["6"]["inputs"]["images"] = ["4", 0]
    assert judged(ours, truth)
    assert judged(small(), truth)


def test_only_the_excused_answer_does_not_count():
    ours = small(denoise=0.5, cfg=3)
    assert differences(ours, small(), CATALOGUE, {("KSampler", "denoise"): MISSING}) == [
        "4 KSampler.cfg: 3 instead of 7.0"
    ]
    assert len(differences(ours, small(denoise=0.4), CATALOGUE, {("KSampler", "denoise"): MISSING})) == 2
    assert differences(ours, small(cfg=8, denoise=0.5), CATALOGUE, {("KSampler", "cfg"): 8}) == []
    assert differences(ours, small(cfg=9, denoise=0.5), CATALOGUE, {("KSampler", "cfg"): 8})
