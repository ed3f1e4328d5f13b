"""What differs is told in words, the most telling first."""

from typing import Any

from engine.replaying.differences import Difference, differences, pixel_differences, seed_differences, unexplained
from engine.replaying.pixels import Apart
from engine.replaying.recorded import Recorded
from schemas.prompt import Prompt
from schemas.report import StepReport

PROMPT = Prompt.model_validate({"nodes": {"31": {"class_type": "KSampler", "inputs": {"seed": 42}}}})
STEPS = [
    StepReport(node=node, class_type=kind, state="run")
    for node, kind in (
        ("30", "CheckpointLoaderSimple"),
        ("6", "CLIPTextEncode"),
        ("31", "KSampler"),
        ("8", "VAEDecode"),
    )
]


def model(**changed: str) -> dict[str, str]:
    return {"folder": "vae", "name": "ae.safetensors", "fingerprint": "blake2b:1", "dtype": "fp32", **changed}


def recorded(**changed: Any) -> Recorded:
    known = {"version": "0.1.0", "torch": "2.13.0+cpu", "device": "cpu", "seeds": {"31": 42}, "models": [model()]}
    return Recorded.model_validate({**known, "nodes": {"6": "a", "31": "b", "8": "c"}, **changed})


def found(was: Recorded, now: Recorded) -> list[Difference]:
    return differences(was, now, PROMPT, STEPS)


def said(was: Recorded, now: Recorded) -> list[str]:
    return [difference.said for difference in found(was, now)]


def test_equal_records_have_no_differences() -> None:
    assert found(recorded(), recorded()) == []


def test_programs_and_the_device_are_told_before_models_and_nodes() -> None:
    now = recorded(
        version="0.2.0", torch="2.14.0", device="cuda:0", models=[model(dtype="bf16")], nodes={"6": "x", "31": "y"}
    )
    assert said(recorded(), now) == [
        "comfyless 0.1.0 → 0.2.0",
        "torch 2.13.0+cpu → 2.14.0",
        "the device cpu → cuda:0",
        "'vae/ae.safetensors' computed in fp32 → bf16",
        "6 CLIPTextEncode gives other numbers",
    ]


def test_what_an_older_picture_does_not_say_does_not_differ() -> None:
    assert found(Recorded(), Recorded(version="0.2.0", torch="2.14.0", device="cpu", nodes={"6": "a"})) == []


def test_a_changed_model_file_is_named_with_both_fingerprints() -> None:
    now = recorded(models=[model(fingerprint="blake2b:2")])
    (difference,) = found(recorded(), now)
    assert difference == Difference(
        what="model",
        said="the model file 'vae/ae.safetensors' has changed: blake2b:1 → blake2b:2",
        was="blake2b:1",
        now="blake2b:2",
    )


def test_a_large_file_of_which_only_samples_are_read_may_just_have_been_copied() -> None:
    was, now = (recorded(models=[model(fingerprint=f"sampled:{number}")]) for number in (1, 2))
    assert said(was, now) == ["the model file 'vae/ae.safetensors' has changed or was copied: sampled:1 → sampled:2"]


def test_a_file_that_is_used_in_two_types_differs_in_neither() -> None:
    was = recorded(models=[model(), model(dtype="bf16")])
    assert found(was, recorded(models=[model(dtype="bf16"), model()])) == []
    assert said(was, recorded()) == ["'vae/ae.safetensors' computed in bf16, fp32 → fp32"]


def test_files_that_only_one_of_the_two_names_are_told() -> None:
    lora = model(folder="loras", name="a.safetensors")
    assert said(recorded(models=[model(), lora]), recorded()) == ["'loras/a.safetensors' is a part of it no longer"]
    assert said(recorded(), recorded(models=[model(), lora])) == ["'loras/a.safetensors' is a part of it now"]


def test_the_first_node_in_the_order_of_the_run_is_named_and_no_other() -> None:
    (difference,) = found(recorded(), recorded(nodes={"8": "x", "31": "y", "6": "a"}))
    assert (difference.what, difference.node, difference.was, difference.now) == ("node", "31", "b", "y")
    assert difference.said == "31 KSampler gives other numbers; all that is on record before it is the same"


def test_nodes_on_record_only_once_are_passed_over() -> None:
    assert found(recorded(), recorded(nodes={"8": "c"})) == []


def test_a_seed_that_the_graph_no_longer_has_is_told() -> None:
    (difference,) = seed_differences(recorded(seeds={"31": 41}), PROMPT)
    assert difference == Difference(
        what="seed",
        said="the seed of 31 KSampler was 41, and the graph in it says 42",
        was=41,
        now=42,
        node="31",
    )
    (gone,) = seed_differences(recorded(seeds={"31": 42, "99": 1}), PROMPT)
    assert gone.said == "the seed of 99 was 1, and the graph in it has none"


def test_foreign_text_cannot_break_the_line() -> None:
    (line,) = said(recorded(version="0.1\n\x1b[2J"), recorded())
    assert "\n" not in line
    assert "\x1b" not in line


def test_pixels_are_told_as_a_share_or_if_few_as_a_number() -> None:
    (many,) = pixel_differences(Apart(1000, 513, 3, 0.0213), (10, 100), (10, 100))
    assert (many.what, many.said) == ("pixels", "51.3 % of the pixels differ, by at most 3 of 255 (mean 0.021)")
    (few,) = pixel_differences(Apart(1_000_000, 2, 1, 1e-6), (1000, 1000), (1000, 1000))
    assert few.said == "2 of 1,000,000 pixels differ, by at most 1 of 255 (mean below 0.001)"
    (all_of_them,) = pixel_differences(Apart(1000, 1000, 255, 153.21), (10, 100), (10, 100))
    assert all_of_them.said == "100.0 % of the pixels differ, by at most 255 of 255 (mean 153.2)"
    (other,) = pixel_differences(None, (10, 100), (20, 100))
    assert (other.what, other.said, other.was, other.now) == ("size", "10×100 pixels → 20×100", [10, 100], [20, 100])
    assert list(pixel_differences(Apart(1000, 0, 0, 0.0), (10, 100), (10, 100))) == []


def test_where_all_numbers_are_the_same_the_last_node_on_record_is_named() -> None:
    (after, unrecorded) = unexplained([], recorded(), recorded(nodes={"6": "a", "31": "b"}), PROMPT, STEPS)
    assert (after.what, after.node, after.said) == ("after", "31", "the numbers are the same up to 31 KSampler")
    assert (unrecorded.what, "another processor" in unrecorded.said) == ("unrecorded", True)


def test_what_was_saved_being_the_same_only_its_file_can_have_changed() -> None:
    nodes = {"9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}}}
    prompt = Prompt.model_validate({"nodes": nodes})
    (edited,) = unexplained([], recorded(saved_by="9"), recorded(), prompt, STEPS)
    assert (edited.what, edited.node) == ("edited", "9")
    for now in (recorded(nodes={"8": "x"}), recorded(nodes={})):
        assert "edited" not in [each.what for each in unexplained([], recorded(saved_by="9"), now, prompt, STEPS)]


def test_a_known_cause_and_a_named_node_need_no_further_words() -> None:
    now = recorded(torch="2.14.0", nodes={"6": "x"})
    assert list(unexplained(found(recorded(), now), recorded(), now, PROMPT, STEPS)) == []


def test_only_a_graph_that_loads_pictures_may_have_been_given_another_one() -> None:
    loading = [StepReport(node="1", class_type="LoadImage", state="run")]
    (with_loading,) = unexplained([], recorded(), recorded(), PROMPT, loading)
    assert with_loading.said.endswith("or a picture that is loaded has changed")
    (without_loading,) = unexplained([], recorded(nodes={}), recorded(nodes={}), PROMPT, STEPS)
    assert "loaded" not in without_loading.said
